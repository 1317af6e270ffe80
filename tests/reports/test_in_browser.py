"""The pages in a real browser, opened from disk: self-contained, readable, accessible."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Request

from facts import Status
from reports import write_round, write_run
from tests.axe import violations
from tests.builders import ALERT, CHECKOUT_403, a_run
from tests.reports.conftest import Look, Opened, Shelf
from tests.reports.rounds import a_round
from tests.reports.test_hostile import a_poisoned_run

pytestmark = pytest.mark.browser

WIDE, PHONE = 1280, 390
LOOKS: tuple[Look, ...] = (("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE))
REST = ("passed", "missed", "hostile")
KINDS = ("failed", "round", *REST)
OPEN_ALL = "() => document.querySelectorAll('details').forEach(d => { d.open = true })"


@pytest.fixture
def any_page(request: pytest.FixtureRequest, shelf: Shelf, out: Path, a_picture: bytes) -> Path:
    """The page that the test's parameter names."""
    shot = shelf.put("screenshot", a_picture)
    match request.param:
        case "failed":
            return write_run(a_run(evidence=(shot, shelf.trace())), evidence=shelf.folder, out=out)
        case "passed":
            return write_run(a_run(status=Status.PASSED, slow=True, evidence=(shot,)), evidence=shelf.folder, out=out)
        case "missed":
            return write_run(a_run(status=Status.MISSED), evidence=None, out=out)
        case "hostile":
            return write_run(a_poisoned_run(), evidence=None, out=out)
        case _:
            return write_round(a_round((shot,)), title="One round", evidence=shelf.folder, out=out)


@pytest.fixture
def failed_page(shelf: Shelf, out: Path, a_picture: bytes) -> Path:
    return write_run(a_run(evidence=(shelf.put("screenshot", a_picture),)), evidence=shelf.folder, out=out)


@pytest.mark.parametrize(
    ("any_page", "look"),
    [
        *(pytest.param(kind, look, id=f"{kind}-{look[0]}-{look[1]}") for kind in ("failed", "round") for look in LOOKS),
        *(pytest.param(kind, look, id=f"{kind}-{look[0]}-{look[1]}") for kind in REST for look in LOOKS[1:3]),
    ],
    indirect=["any_page"],
)
def test_axe_finds_nothing(any_page: Path, look: Look, opened: Opened) -> None:
    page = opened(any_page, look)
    page.evaluate(OPEN_ALL)
    assert violations(page) == []


@pytest.mark.parametrize("any_page", KINDS, indirect=True)
def test_the_page_never_scrolls_sideways(any_page: Path, opened: Opened) -> None:
    page = opened(any_page, ("light", PHONE))
    page.evaluate(OPEN_ALL)
    for width in (PHONE, 320, 768, WIDE):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("any_page", KINDS, indirect=True)
def test_the_page_asks_for_nothing_but_itself(any_page: Path, opened: Opened) -> None:
    page = opened(any_page, ("light", WIDE))
    asked: list[Request] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request))
    page.on("console", lambda message: said.append(message.text))
    page.reload(wait_until="networkidle")
    assert [request.url for request in asked if not request.url.startswith("data:")] == [any_page.as_uri()]
    assert said == []


def test_the_cause_stands_in_the_first_400_visible_characters(failed_page: Path, opened: Opened) -> None:
    for look in (LOOKS[0], LOOKS[2]):
        first = opened(failed_page, look).evaluate("() => document.body.innerText.slice(0, 400)")
        for fact in (
            "Failed",
            "us-west",
            "proceed_to_stripe",
            "/api/create-checkout-session",
            "403",
            ALERT,
            CHECKOUT_403,
        ):
            assert fact in first


def test_the_screenshot_is_drawn_under_the_pages_own_policy(failed_page: Path, opened: Opened) -> None:
    page = opened(failed_page, LOOKS[0])
    assert page.evaluate("() => document.querySelector('img').naturalWidth") == 640


def test_the_screenshot_begins_on_the_first_screen_below_the_sentence(failed_page: Path, opened: Opened) -> None:
    page = opened(failed_page, LOOKS[0])
    sentence, picture = page.locator("h1").bounding_box(), page.locator("img").first.bounding_box()
    assert sentence
    assert picture
    assert sentence["y"] + sentence["height"] <= picture["y"] < 700


def test_the_timeline_shows_every_step_and_marks_the_failing_one(failed_page: Path, opened: Opened) -> None:
    chart = opened(failed_page, LOOKS[0]).get_by_role("img", name="Steps on the journey’s clock")
    assert chart.locator("rect.bar").count() == 5
    assert chart.locator("rect.bar-bad").count() == 1
    assert "failed after 512 ms" in (chart.text_content() or "")


def test_dark_is_dark_and_light_is_light(failed_page: Path, opened: Opened) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(failed_page, look).evaluate(ground) for look in LOOKS[:2])
    assert light == "rgb(245, 246, 248)"
    assert dark == "rgb(11, 13, 17)"


def test_a_hostile_page_runs_nothing(out: Path, opened: Opened) -> None:
    page = opened(write_run(a_poisoned_run(), evidence=None, out=out), LOOKS[0])
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    page.reload()
    assert dialogs == []
    assert page.locator("script").count() == 0
