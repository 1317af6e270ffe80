"""What the clocks leave out: a step's time knows nothing of our waits, and an endpoint's nothing of the page's animations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from facts import Step
from journeys.journey import Journey
from journeys.site import Prices, Site
from journeys.visit import Visit, VisitFailed, journey
from tests.known_pages import request
from tests.sites import Page as Answer
from tests.sites import a_site

pytestmark = pytest.mark.browser

RESTLESS_S, FLIES_IN_MS, ENDPOINT_MS = 1.5, 1200, 300
RESTLESS = f"""<h1>Shop</h1><p id=p>Tickets</p><script>
const began = performance.now();
const move = () => {{
  p.style.marginTop = parseFloat(p.style.marginTop || 0) + 7 + "px";
  if (performance.now() - began < {RESTLESS_S * 1000}) setTimeout(move, 100);
}};
move();</script>"""
ANIMATED = f"""<style>@keyframes in {{ from {{ transform: translateY(300px) }} to {{ transform: none }} }}
#buy {{ animation: in {FLIES_IN_MS}ms linear }}</style>
<button id=show>Show</button><main></main><script>
show.onclick = () => {{ document.querySelector("main").innerHTML = "<button id=buy onclick='ask()'>Buy</button>" }};
const ask = async () => {{ await (await fetch("/api")).text(); setTimeout(() => {{ document.title = "1" }}, 100) }};
</script>"""
SLOW = Answer("{}", kind="application/json", before=lambda: time.sleep(ENDPOINT_MS / 1000))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


class Watch:
    """The wall's time of everything that a visit tells."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def __call__(self, event: str, data: dict[str, Any]) -> None:
        step: Step | None = data.get("step")
        self.at[f"{event} {step.name if step else data.get('name', '')}".strip()] = time.monotonic()

    def between_ms(self, earlier: str, later: str) -> float:
        return (self.at[later] - self.at[earlier]) * 1000


def a_visit(page: Page, url: str, walked: Journey, watch: Watch | None = None) -> Visit:
    site = Site(base_url=url, cities={"Dallas": "dallas"}, prices=Prices(ga=1000, vip=1500, vip_member=1350))
    return Visit(page, site=site, journey=walked, listener=watch)


def two_steps(first: Callable[[Visit], None], second: Callable[[Visit], None]) -> Journey:
    @journey(title="Two steps", steps=("first", "second"))
    def walked(visit: Visit) -> None:
        with visit.step("first"):
            first(visit)
        with visit.step("second"):
            second(visit)

    return walked


def nothing(_: Visit) -> None:
    """A step that takes no time."""


def test_waiting_for_a_page_to_come_to_rest_is_in_no_step_and_not_in_the_journey(page: Page) -> None:
    watch = Watch()
    with a_site({"/": RESTLESS}) as site:
        visit = a_visit(page, site.url, two_steps(lambda v: v.go(v.site.url("/")), nothing), watch)
        visit.walk()
    first, second = visit.steps()
    waited = watch.between_ms("step_ended first", "step_started second")
    assert waited >= 1000, "the page moved for that long, so that there was something to leave out"
    assert visit.waited_ms == pytest.approx(waited, abs=100)
    assert first.duration_ms == pytest.approx(watch.between_ms("step_started first", "step_ended first"), abs=100)
    assert second.started_ms == pytest.approx(first.duration_ms, abs=100), "the journey's clock stood still meanwhile"
    assert visit.duration_ms == pytest.approx((first.duration_ms or 0) + (second.duration_ms or 0), abs=100)


def test_finding_out_why_a_step_failed_is_not_in_its_time(page: Page) -> None:
    watch = Watch()

    def fails(_: Visit) -> None:
        raise RuntimeError("no ticket")

    with a_site({"/": "<h1>Shop</h1>"}) as site:
        visit = a_visit(page, site.url, two_steps(lambda v: v.go(v.site.url("/")), fails), watch)
        with pytest.raises(VisitFailed):
            visit.walk()
    failed = visit.steps()[1]
    asked = watch.between_ms("step_started second", "step_ended second")
    assert failed.duration_ms is not None
    assert asked >= 100, "the visit gives a late answer that long to arrive"
    assert failed.duration_ms <= asked - 100
    assert visit.duration_ms == pytest.approx(sum(s.duration_ms or 0 for s in visit.steps()), abs=100)


def test_an_endpoints_time_is_the_networks_however_long_its_button_moves(page: Page) -> None:
    def buy(visit: Visit) -> None:
        visit.press(visit.page.locator("#show"))
        visit.press(visit.page.locator("#buy"))
        visit.wait_until("the answer", lambda: visit.page.title() == "1" or None)

    with a_site({"/": ANIMATED, "/api": SLOW}) as site:
        visit = a_visit(page, site.url, two_steps(lambda v: v.go(v.site.url("/")), buy))
        visit.walk()
    took, asked = visit.steps()[1].duration_ms, request(visit.recorder, "/api")
    assert took is not None
    assert took >= FLIES_IN_MS + ENDPOINT_MS, "a buyer waits for both, and so does the step"
    assert asked.duration_ms is not None
    assert ENDPOINT_MS <= asked.duration_ms < FLIES_IN_MS
    assert asked.phases["wait"] >= ENDPOINT_MS
    assert sum(asked.phases.values()) == pytest.approx(asked.duration_ms, abs=0.11)
