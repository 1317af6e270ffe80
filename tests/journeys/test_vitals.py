"""Web vitals on pages whose values are known, against what the browser itself says from outside the page."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from facts import Vital
from journeys.recording import Recorder, VitalsLog
from tests.sites import Page as Answer
from tests.sites import a_site

pytestmark = pytest.mark.browser

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><rect width="600" height="400" fill="teal"/></svg>'
# A picture of too few bytes for its size is taken for a placeholder, and is no candidate for the largest paint.
PICTURE += f"<!-- {'x' * 4000} -->"
SOFT = """
<h1>Home</h1><button id="go">Go</button><main></main><script>
document.getElementById("go").onclick = () => {
  history.pushState({}, "", "/next/12345");
  document.querySelector("main").innerHTML = "<h1 style='font-size: 60px'>The next page</h1>";
};
</script>
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def recorded(page: Page, url: str) -> Recorder:
    recorder = Recorder(site_url=url)
    recorder.attach(page.context)
    return recorder


def of(recorder: Recorder, name: str, path: str = "/") -> Vital:
    return next(v for v in recorder.vitals.vitals() if (v.page, v.name) == (path, name))


def test_a_late_picture_is_the_largest_paint(page: Page) -> None:
    late = Answer(PICTURE, kind="image/svg+xml", before=lambda: time.sleep(0.8))
    with a_site({"/": '<p>Shop</p><img src="/late.svg" width="600" height="400">', "/late.svg": late}) as site:
        recorder = recorded(page, site.url)
        session = page.context.new_cdp_session(page)
        told: list[float] = []
        session.on(
            "PerformanceTimeline.timelineEventAdded", lambda e: told.append(e["event"]["lcpDetails"]["renderTime"])
        )
        session.send("PerformanceTimeline.enable", {"eventTypes": ["largest-contentful-paint"]})
        page.goto(site.url)
        page.wait_for_timeout(500)
        origin = page.evaluate("performance.timeOrigin") / 1000
    lcp = of(recorder, "LCP")
    assert lcp.value is not None
    assert lcp.value >= 800
    assert lcp.value == pytest.approx((told[-1] - origin) * 1000, abs=20), (
        "the browser's own word, from outside the page"
    )
    assert lcp.target == "html > body > img"


def test_a_shift_of_known_size_has_its_score(page: Page) -> None:
    """A box of 1280 x 400 that moves by 100 px: it touches 500 of 800 px in height, and 100/1280 is how far it went."""
    body = """<style>body { margin: 0 } #box { width: 1280px; height: 400px; background: teal }</style>
    <div id="top"></div><div id="box"></div>
    <script>setTimeout(() => { document.getElementById("top").style.height = "100px" }, 300)</script>"""
    with a_site({"/": body}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(700)
    cls = of(recorder, "CLS")
    assert cls.value == pytest.approx(500 / 800 * 100 / 1280, abs=0.0005)
    assert cls.target == "#box"


def test_a_slow_handler_is_the_next_paint_and_not_the_first_input_delay(page: Page) -> None:
    body = """<button id="b">Buy</button><script>
    b.onclick = () => { const end = performance.now() + 200; while (performance.now() < end); }</script>"""
    with a_site({"/": body}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(600)
        page.click("#b")
        page.wait_for_timeout(300)
    inp, fid = of(recorder, "INP"), of(recorder, "FID")
    assert inp.value is not None
    assert fid.value is not None
    assert 200 <= inp.value <= 320
    assert fid.value < 100
    assert inp.target == "#b"


def test_the_click_that_leaves_the_page_is_kept(page: Page) -> None:
    body = """<a id="a" href="/next">Next</a><script>
    a.onclick = () => { const end = performance.now() + 200; while (performance.now() < end); }</script>"""
    slow = Answer("<h1>Next</h1>", before=lambda: time.sleep(0.1))
    with a_site({"/": body, "/next": slow}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(600)
        page.click("#a")
        page.wait_for_url("**/next")
        page.wait_for_timeout(200)
    inp = of(recorder, "INP")
    assert inp.value is not None
    assert inp.value >= 200
    assert of(recorder, "TTFB", "/next").value == pytest.approx(100, abs=80)


def test_a_page_that_nobody_touched_has_no_interaction(page: Page) -> None:
    with a_site({"/": "<h1>Shop</h1>"}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(300)
    assert (of(recorder, "INP").value, of(recorder, "FID").value) == (None, None)


def test_a_soft_navigation_has_vitals_of_its_own_and_leaves_its_click_to_the_page_before(page: Page) -> None:
    with a_site({"/": SOFT}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(700)
        page.click("#go")
        page.wait_for_timeout(500)
    lcp = of(recorder, "LCP", "/next/{id}")
    assert lcp.navigation == "soft"
    assert lcp.value is not None
    assert lcp.value < 500
    assert of(recorder, "INP", "/next/{id}").value is None
    assert of(recorder, "INP").value is not None
    assert not lcp.cut


def test_a_page_that_is_touched_at_once_is_not_graded(page: Page) -> None:
    with a_site({"/": "<button>Buy</button>"}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url, wait_until="commit")
        page.get_by_role("button").click()
        page.wait_for_timeout(300)
    cut = {v.name for v in recorder.vitals.vitals() if v.cut}
    assert cut == {"LCP", "CLS"}


def test_frames_and_other_peoples_pages_add_no_pages_of_the_site(page: Page) -> None:
    with (
        a_site({"/frame": "<h1>Frame</h1>"}) as other,
        a_site({"/": f'<h1>Shop</h1><iframe src="{other.url}/frame"></iframe>'}) as site,
    ):
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(500)
    assert {v.page for v in recorder.vitals.vitals()} == {"/"}


@pytest.mark.parametrize(
    "push", ["", "{}", "[]", '{"document": 1, "visits": [], "quiet": 0}', '{"document": 1, "visits": 7, "quiet": "x"}']
)
def test_a_page_that_calls_the_binding_with_nonsense_changes_nothing(push: str) -> None:
    log = VitalsLog(first="https://shop.example")
    log.take(push)
    assert log.vitals() == ()
