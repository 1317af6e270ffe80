"""The hub's pages walked by the shipped journey `hub_pages`: light, without layout shift, and there before any script has run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from demo.serve import Served, a_socket
from facts import Blame, Run, Status
from journeys.registry import journeys_of
from tests.axe import violations
from tests.builders import CHECKOUT_403, some_steps
from tests.dashboards import NOW, a_shop, fill
from tests.databases import a_migrated_store
from tests.hub.conftest import Bench, a_bench
from tests.jobs import a_job
from tests.warm import warm_runs

pytestmark = pytest.mark.browser
FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "journeys"
(HUB_PAGES,) = journeys_of(FOLDER / "hub_pages.py").values()
_BELOW_THE_END = "document.documentElement.scrollHeight - Math.max(document.body.offsetHeight, window.innerHeight)"
PLACES = ("us-east", "us-west", "eu-west")


def a_failed_run(bench: Bench, place: str, minutes_ago: float) -> Run:
    """A run that the shop refused at its checkout."""
    return bench.slot_run(
        place,
        minutes_ago=minutes_ago,
        status=Status.FAILED,
        blame=Blame.SITE,
        failed_step="proceed_to_stripe",
        error=CHECKOUT_403,
        steps=some_steps(fails_at="proceed_to_stripe"),
    )


OUTAGE_PAGES = (
    "/",
    "/executive",
    "/operations",
    "/business",
    "/alerts",
    "/alerts/A1s.ga_purchase.1",
    "/incidents",
    "/incidents/inc-1",
    "/sla",
    "/sla/A1s",
    "/journeys/ga_purchase",
    "/jobs",
    "/reports",
    "/nothing",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub with numbers of days, in the middle of an outage."""
    folder: Path = tmp_path_factory.mktemp("served")
    with a_migrated_store(None, folder / "store") as store, a_bench(store, folder) as bench:
        bench.now = NOW + timedelta(seconds=20)
        fill(store, a_shop(days=2), now=bench.now)
        for place in PLACES:
            bench.send(*(bench.slot_run(place, minutes_ago=n * 5 + 11) for n in range(40)))
            bench.send(a_failed_run(bench, place, 6), a_failed_run(bench, place, 1))
        for _ in range(6):
            bench.tick(30)
        served = Served(bench.client.app, [a_socket()])
        served.start()
        yield served.urls[0]
        served.stop()


def test_every_page_is_light_and_nothing_moves(address: str, browser: Browser, tmp_path: Path) -> None:
    make = warm_runs(browser)
    run = make(a_job(tmp_path, address, "hub_pages", journeys_dir=str(FOLDER), confirm=False))
    assert run.error is None
    assert run.status is Status.PASSED
    assert len(run.notes) >= len(HUB_PAGES.steps)
    shifts = [vital.value for vital in run.vitals if vital.name == "CLS" and vital.value is not None]
    assert shifts
    assert max(shifts) <= 0.01


def test_every_page_can_be_read_and_used_without_scripts(address: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_contain_text("since")
    for name in ("Executive", "Operations", "Business", "Alerts", "Targets", "Reports", "Overview"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).not_to_be_empty()
        expect(page.locator("main")).to_be_visible()
    page.get_by_role("button", name="Acknowledge").first.click()
    page.goto(address)
    expect(page.get_by_text("acknowledged by").first).to_be_visible()
    context.close()


@pytest.mark.parametrize(("width", "look"), [(1440, "light"), (360, "dark")])
def test_in_an_outage_no_page_has_a_fault_of_access_or_is_wider_than_the_screen(
    width: int, look: Literal["light", "dark"], address: str, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=look)
    for path in OUTAGE_PAGES:
        page.goto(f"{address}{path}")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        # A control that is cut off below its list would lengthen the page by nothing that can be seen.
        assert page.evaluate(_BELOW_THE_END) <= 40, path
    page.close()


def test_a_person_gets_about_with_the_keyboard(address: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{address}/incidents")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.locator("#q").blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/inc-1")
    page.get_by_role("navigation", name="Time zone").get_by_role("link", name="UTC", exact=True).click()
    expect(page.get_by_text("Times: UTC")).to_be_visible()
    page.goto(f"{address}/?wall=1")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("header .bar")).to_be_hidden()
    page.close()
