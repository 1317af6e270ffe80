"""The panel: faults at one click, with and without scripts, and what the rounds found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from demo import Demo, serve_demo
from facts import Status
from tests.axe import violations
from tests.builders import a_run


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with serve_demo(doors=("us-east", "us-west"), report=tmp_path) as demo:
        yield demo


def panel_of(demo: Demo) -> str:
    assert demo.panel_url is not None
    return demo.panel_url


def a_round_with(error: str, demo: Demo) -> None:
    passed = a_run(location="us-east", status=Status.PASSED, blame=None, error=None)
    demo.show([passed, a_run(location="us-west", status=Status.FAILED, error=error)])


def test_a_fault_is_switched_by_a_plain_post_and_back(demo: Demo) -> None:
    answer = httpx.post(f"{panel_of(demo)}/faults/payment_500")
    assert (answer.status_code, answer.headers["location"], demo.faults.active()) == (303, "/", ["payment_500"])
    httpx.post(f"{panel_of(demo)}/faults/payment_500")
    assert demo.faults.active() == []


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/faults/coffee", {}, 404),
        ("/faults/payment_500", {"origin": "https://evil.example"}, 403),
        ("/faults/payment_500", {"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_what_may_not_be_switched_is_not(demo: Demo, path: str, headers: dict[str, str], status: int) -> None:
    assert httpx.post(panel_of(demo) + path, headers=headers).status_code == status
    assert demo.faults.active() == []


def test_a_round_is_shown_with_what_broke_and_links_to_its_runs(demo: Demo) -> None:
    a_round_with("it broke", demo)
    page = httpx.get(panel_of(demo)).text
    assert "Something broke" in page
    assert "it broke" in page
    assert page.count("/report/runs/") == 2


def test_text_from_pages_stays_text(demo: Demo) -> None:
    a_round_with("<script>alert(1)</script>", demo)
    page = httpx.get(panel_of(demo)).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.browser
def test_without_scripts_the_panel_still_switches(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(panel_of(demo))
    page.get_by_role("button", name="payment_500").click()
    expect(page.get_by_role("button", name="payment_500")).to_have_attribute("aria-pressed", "true")
    assert demo.faults.active() == ["payment_500"]
    context.close()


@pytest.mark.browser
def test_with_scripts_a_new_round_shows_itself(demo: Demo, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(panel_of(demo))
    a_round_with("it broke just now", demo)
    expect(page.get_by_text("it broke just now")).to_be_visible(timeout=10_000)
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(demo: Demo, browser: Browser, scheme: str, width: int) -> None:
    demo.faults.start("payment_500")
    a_round_with("proceed_to_stripe: POST /api/create-checkout-session answered 500 " + "x" * 120, demo)
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 800}
    )
    page = context.new_page()
    page.goto(panel_of(demo))
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
