"""The hub's pages as a person meets them: in a browser, with and without JavaScript, whatever the runs and messages say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserType, Dialog, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.policy import Policy
from demo.hub_pages import DemoPages
from demo.inbox import Inbox
from demo.serve import Served, a_socket
from facts import Blame, Run, Severity, Status, to_wire
from hub.access import Access
from hub.app import create_app
from hub.artifacts import Artifacts
from hub.context import HubContext
from hub.cycle import Cycle
from hub.guard import Guard
from hub.ingest import Ingest
from hub.server_key import ServerKey
from journeys.browser import find_browser
from store import Store
from tests.axe import violations
from tests.builders import a_run
from tests.databases import a_migrated_store
from tests.drills.hub import PLACES, the_watched
from tests.reports.test_hostile import EVIL, a_poisoned_run
from tests.shipped import shipped_targets

pytestmark = pytest.mark.browser
PATHS = ("/", "/alerts", "/sla", "/inbox", "/journeys/ga_purchase", "/runs/run-failed-us-east-1", "/runs/evil")
WIDE, PHONE = 1280, 390
GRIDS = the_watched().schedules()["ga_purchase"].grids


@dataclass
class Shown:
    """A hub that is served, and what the test may do to it."""

    url: str
    store: Store
    cycle: Cycle
    inbox: Inbox

    def send(self, *runs: Run) -> None:
        answer = httpx.post(f"{self.url}/api/runs", json={"runs": to_wire(list(runs))}, timeout=10)
        assert {one["result"] for one in answer.json()["results"]} == {"accepted"}, answer.text

    def tick(self) -> None:
        self.cycle.tick(datetime.now(UTC))


def a_slot_run(name: str, place: str, minutes_ago: float, *, slots_ago: int, **facts: Any) -> Run:
    finished = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    slot = GRIDS[place].at_or_before(datetime.now(UTC)) - slots_ago * timedelta(minutes=5)
    times = {"slot": slot, "started_at": finished - timedelta(seconds=35), "finished_at": finished}
    passed = {"status": Status.PASSED, "blame": None, "error": None, "failed_step": None}
    return a_run(**{"id": f"run-{name}-{place}-1", "location": place, **times, **passed, **facts})


def an_outage() -> list[Run]:
    error = "proceed_to_stripe: POST /api/create-checkout-session answered 403 'CSRF Token Invalid'"
    failed = {"status": Status.FAILED, "blame": Blame.SITE, "failed_step": "proceed_to_stripe", "error": error}
    return [a_slot_run("failed", place, 1, slots_ago=2, **failed) for place in PLACES[:2]]


async def _faults(_request: Request) -> Response:
    return JSONResponse([{"name": "payment_500", "description": "Stripe answers 500.", "on": True}])


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """An outage, a run and a message full of hostile text, and yesterday's good runs."""
    folder: Path = tmp_path_factory.mktemp("hub")
    inbox, watched = Inbox(), the_watched()
    receivers = Served(inbox.app(), [a_socket()])
    shop = Served(Starlette(routes=[Route("/__faults", _faults)]), [a_socket()])
    for server in (receivers, shop):
        server.start()
    targets = shipped_targets()
    policy = Policy(routes={Severity.CRITICAL: ("hook",)}, base_url="http://hub.test")
    with a_migrated_store(None, folder) as store:
        periods = {name: schedule.period_s for name, schedule in watched.schedules().items()}
        hub_context = HubContext(
            store=store,
            watched=watched,
            targets=targets,
            policy=policy,
            ingest=Ingest(store, locations=watched.locations.locations, periods=periods),
            artifacts=Artifacts(store, folder / "evidence"),
            guard=Guard(store, ServerKey(b"k" * 32), Access()),
            notices=(EVIL.replace("\x00", ""),),
            additions=(DemoPages(shop=shop.urls[0], inbox=f"{receivers.urls[0]}/inbox.json"),),
        )
        served = Served(create_app(hub_context), [a_socket()])
        served.start()
        since = datetime.now(UTC) - timedelta(minutes=4)
        cycle = Cycle(store=store, watched=watched, targets=targets, policy=policy, watching_since=since)
        here = Shown(url=served.urls[0], store=store, cycle=cycle, inbox=inbox)
        here.send(*(a_slot_run("good", place, 20, slots_ago=5) for place in PLACES), *an_outage())
        clean = EVIL.replace("\x00", "").replace("\ud800", "")
        evil = replace(a_poisoned_run(clean), id="evil", journey="ga_purchase", location="eu-west", slot=None)
        here.send(evil)
        httpx.post(f"{receivers.urls[0]}/slack/ops-alerts", json={"text": clean, "blocks": [clean]}).raise_for_status()
        here.tick()
        yield here
        for server in (served, receivers, shop):
            server.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    return {**browser_type_launch_args, **find_browser(browser_type.executable_path).launch}


Opening = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, shown: Shown) -> Iterator[Opening]:
    contexts = []

    def open_page(path: str, *, width: int = WIDE, **how: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 844}, **how)
        contexts.append(context)
        page = context.new_page()
        answer = page.goto(shown.url + path)
        assert answer is not None
        assert answer.status == 200, answer.text()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(path: str, opened: Opening) -> None:
    for width, scheme in ((WIDE, "light"), (PHONE, "dark")):
        page = opened(path, width=width, color_scheme=scheme)
        page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert violations(page) == []


@pytest.mark.parametrize("path", PATHS)
def test_hostile_text_runs_nothing_and_breaks_nothing(path: str, opened: Opening, shown: Shown) -> None:
    page = opened(path)
    asked: list[str] = []
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    page.on("request", lambda request: asked.append(request.url))
    page.reload(wait_until="load")
    assert dialogs == []
    assert page.locator("img[src='x']").count() == 0
    assert [url for url in asked if not url.startswith((shown.url, "data:"))] == []


def test_without_javascript_the_page_tells_everything_and_its_buttons_work(opened: Opening) -> None:
    page = opened("/", java_script_enabled=False)
    expect(page.locator("h1")).to_contain_text("Nobody can finish the GA purchase")
    expect(page.locator(".facts.six")).to_contain_text("answered 403 'CSRF Token Invalid'")
    expect(page.get_by_role("button", name="Mend payment_500")).to_be_visible()
    assert page.locator("noscript").count() == 1


def test_each_place_tells_its_age_and_how_many_runs_it_rests_on(opened: Opening) -> None:
    page = opened("/")
    rows = page.locator("#live-journeys .lane").all_inner_texts()
    assert len(rows) == 6
    assert any("1 / 2" in row and "ago" in row for row in rows)
    assert any("No run yet" in row for row in rows)
    targets = opened("/sla").locator("tbody tr").all_inner_texts()
    assert all(row.split("\t")[-1].strip() for row in targets)


def test_one_click_leads_from_the_outage_to_the_failing_request_and_one_more_to_the_last_good_run(
    opened: Opening,
) -> None:
    page = opened("/")
    page.get_by_role("link", name="Open failing request").click()
    expect(page.locator("h1").first).to_contain_text("answered 403")
    page.locator("#compared a").first.click()
    assert "/runs/run-good-" in page.url


def test_a_click_takes_an_alert_on_and_news_come_without_a_full_reload(opened: Opening, shown: Shown) -> None:
    page = opened("/")
    page.evaluate("() => { window.sameDocument = true }")
    page.get_by_role("button", name="Acknowledge A1s.ga_purchase.1").click()
    expect(page.locator("#live-top")).to_contain_text("acknowledged by the dashboard", timeout=15_000)
    shown.tick()  # a gap since the last one would be taken for a step of the clock
    mended = (a_slot_run(f"mended{n}", place, 0.1, slots_ago=1 - n) for n in (0, 1) for place in PLACES)
    members = (a_slot_run("member", p, 0.1, slots_ago=0, journey="vip_member_discount") for p in PLACES)
    shown.send(*mended, *members)
    shown.tick()
    expect(page.locator("h1")).to_contain_text("Buyers can buy", timeout=20_000)
    assert page.evaluate("() => window.sameDocument")


def test_a_hub_that_is_gone_is_said_to_be(opened: Opening) -> None:
    page = opened("/sla")
    page.route("**/sla", lambda route: route.abort())
    page.clock.install()
    page.clock.run_for(20_000)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#silent")).to_contain_text("The hub does not answer")
