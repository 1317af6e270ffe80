"""Which page a vital belongs to, which pages may be graded, and what a page may tell at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Event

import pytest
from playwright.sync_api import Browser, Page

from facts import Vital
from journeys.recording import Recorder, VitalsLog
from tests.sites import Page as Answer
from tests.sites import a_site

pytestmark = pytest.mark.browser

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


def test_a_page_that_nobody_touched_has_no_interaction(page: Page) -> None:
    with a_site({"/": "<h1>Shop</h1>"}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(300)
    assert (of(recorder, "INP").value, of(recorder, "FID").value) == (None, None)


def test_the_element_of_the_largest_paint_is_where_the_window_shows_it_also_after_it_scrolled(page: Page) -> None:
    html = """<style>body { margin: 0; height: 3000px } h1 { position: absolute; left: 30px; top: 200px; width: 600px; height: 90px;
      margin: 0; font-size: 60px }</style><h1>Tickets for all</h1>"""
    with a_site({"/": html}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url)
        page.wait_for_timeout(300)
        assert of(recorder, "LCP").box == (30, 200, 600, 90)
        page.evaluate("scrollTo(0, 150)")
        page.wait_for_timeout(400)
        assert of(recorder, "LCP").box == (30, 50, 600, 90)


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


def test_a_page_that_is_touched_before_it_is_loaded_is_not_graded(page: Page) -> None:
    touched = Event()
    waits = Answer("<svg/>", kind="image/svg+xml", before=lambda: touched.wait(20))
    with a_site({"/": '<button>Buy</button><img src="/late.svg">', "/late.svg": waits}) as site:
        recorder = recorded(page, site.url)
        page.goto(site.url, wait_until="commit")
        page.get_by_role("button").click()
        touched.set()
        page.wait_for_load_state("load")
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
    log = VitalsLog(first={"https://shop.example"})
    log.take(push)
    assert log.vitals() == ()


def pushed(**visit: object) -> dict[str, Vital]:
    log = VitalsLog(first={"https://shop.example"})
    page = {"kind": "hard", "url": "https://shop.example/", **visit}
    log.take(json.dumps({"document": "1", "quiet": 0, "visits": [page]}))
    return {v.name: v for v in log.vitals()}


LCP_PARTS = {"ttfb": 10.04, "load_delay": 20.04, "load_duration": 30.04, "render_delay": 40.04}


def test_phases_sum_to_the_value_however_they_are_rounded() -> None:
    lcp = pushed(lcp=100.16, lcpPhases=LCP_PARTS)["LCP"]
    assert lcp.value == 100.2
    assert round(sum(lcp.phases.values()), 1) == 100.2


@pytest.mark.parametrize(
    "odd",
    [
        {"lcp": "100", "lcpPhases": LCP_PARTS},
        {"lcp": float("nan"), "lcpPhases": LCP_PARTS},
        {"lcp": None, "lcpPhases": LCP_PARTS},
        {"lcp": 100, "lcpPhases": 7},
        {"lcp": 100, "lcpPhases": {"ttfb": 100}},
        {"lcp": 100, "lcpPhases": LCP_PARTS | {"ttfb": "x"}},
    ],
)
def test_phases_that_are_not_whole_are_left_out(odd: dict[str, object]) -> None:
    assert pushed(**odd)["LCP"].phases == {}


@pytest.mark.parametrize(
    ("told", "box"),
    [
        ([1, -20, 30, 40], (1, -20, 30, 40)),
        (None, None),
        ("1,2,3,4", None),
        ([1, 2, 3], None),
        ([1, 2, 3, 4, 5], None),
        ([1, 2, 0, 4], None),
        ([1, 2, 3, -4], None),
        ([1, 2, 3.5, 4], None),
        ([1, 2, True, 4], None),
        ([1, 2, 3, 10**9], None),
    ],
)
def test_only_a_place_in_the_window_is_kept(told: object, box: tuple[int, ...] | None) -> None:
    assert pushed(lcp=100, lcpBox=told)["LCP"].box == box


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://shop.example/hero.png?token=abc", "/hero.png"),
        ("https://cdn.example/hero.png?sig=abc#x", "https://cdn.example/hero.png"),
        ("https://shop.example/_next/image?url=%2Fhero.png%3Fv%3D2&w=640", "/_next/image?url=/hero.png"),
        ("data:image/png;base64,AAAA", "data:"),
        ("https://shop.example/" + "x" * 900, "/" + "x" * 199),
        ("https://[", None),
        ("", None),
    ],
)
def test_a_picture_is_known_by_its_path_and_without_its_query(url: str, known: str | None) -> None:
    assert pushed(lcp=100, lcpUrl=url)["LCP"].url == known
