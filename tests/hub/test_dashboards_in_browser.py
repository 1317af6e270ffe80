"""A dashboard as a person uses it: another range and zone, a table, a refresh; for everybody, at any width, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from demo.serve import Served, a_socket
from journeys.browser import find_browser
from reports.dashboards import DASHBOARDS
from tests.axe import violations
from tests.dashboards import NOW, a_shop, fill
from tests.databases import a_migrated_store
from tests.hub.conftest import a_bench

pytestmark = pytest.mark.browser
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1440, "light"), (360, "dark"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub that every source has told of two days."""
    folder: Path = tmp_path_factory.mktemp("served")
    with a_migrated_store(None, folder / "store") as store, a_bench(store, folder) as bench:
        bench.now = NOW + timedelta(seconds=20)
        fill(store, (*a_shop(now=NOW - timedelta(days=6), days=1), *a_shop(days=2)), now=bench.now)
        for place in ("us-east", "us-west", "eu-west"):
            bench.send(*(bench.slot_run(place, minutes_ago=n * 5 + 1) for n in range(6)))
        bench.now = NOW + timedelta(seconds=30)
        served = Served(bench.client.app, [a_socket()])
        served.start()
        yield served.urls[0]
        served.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    return {**browser_type_launch_args, **find_browser(browser_type.executable_path).launch}


def _errors_of(page: Page) -> list[str]:
    """The list to which every error of the page's scripts and of its console is added."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    return errors


@pytest.mark.parametrize("path", DASHBOARDS)
def test_a_reader_chooses_a_range_and_a_zone_and_opens_a_table(path: str, address: str, browser: Browser) -> None:
    for width, scheme in LOOKS:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            timezone_id="Europe/Berlin",
        )
        page = context.new_page()
        errors = _errors_of(page)
        page.goto(f"{address}{path}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.get_by_role("navigation", name="Time range").get_by_role("link", name="7 d").click()
        page.get_by_role("navigation", name="Time zone").get_by_role("link", name="Local").click()
        assert "range=7d" in page.url
        assert "tz=Europe%2FBerlin" in page.url
        expect(page.get_by_text("Times: Europe/Berlin")).to_be_visible()
        twin = page.locator("details.twin").first
        twin.locator("summary").click()
        expect(twin.get_by_role("table")).to_be_visible()
        with page.expect_response(lambda answer: "part=live" in answer.url):
            page.evaluate("refresh()")
        expect(page.locator("details.twin").first.get_by_role("table")).to_be_visible()
        assert violations(page) == []
        assert errors == []
        context.close()
