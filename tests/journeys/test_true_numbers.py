"""Numbers that are known before they are measured, and the same pages measured by other instruments at the same time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from facts import Vital
from journeys.recording import Recorder
from tests.known_pages import PAGES, SITE, KnownPage, vital
from tests.sites import Served, a_site
from tests.web_vitals_library import LISTEN, LibraryUnavailableError, do_without, library

pytestmark = pytest.mark.browser

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "numbers.md"
TRIES = 3
BY_PATH = {known.path: known for known in PAGES}


@pytest.fixture(scope="module")
def site() -> Iterator[Served]:
    with a_site(SITE) as served:
        yield served


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[], Page]]:
    opened = []

    def open_it() -> Page:
        opened.append(browser.new_context(viewport={"width": 1280, "height": 800}))
        return opened[-1].new_page()

    yield open_it
    for context in opened:
        context.close()


def visited(known: KnownPage, page: Page, site: Served) -> Recorder:
    recorder = Recorder(site_url=site.url)
    recorder.attach(page.context)
    page.goto(site.url + known.path)
    known.walk(page)
    return recorder


@pytest.mark.parametrize("known", PAGES, ids=lambda known: known.path)
def test_a_number_that_is_known_is_found(known: KnownPage, open_page: Callable[[], Page], site: Served) -> None:
    off: dict[str, list[float | None]] = {}
    for _ in range(TRIES):
        recorder = visited(known, open_page(), site)
        found = {number: number.read(recorder) for number in known.numbers}
        short = {n.name: [n.truth, value] for n, value in found.items() if value is None or value < n.truth - n.below}
        assert short == {}, "truth and value of what was lost, or told too small: no noise does that"
        off = {n.name: [n.truth, value] for n, value in found.items() if not n.holds(value)}
        if not off:
            break
    assert off == {}, "truth and value of what was too large at each of three tries; the last stands here"


def test_what_made_a_largest_paint_is_named_and_its_phases_sum_to_it(
    open_page: Callable[[], Page], site: Served
) -> None:
    lcp = vital(visited(BY_PATH["/picture"], open_page(), site), "LCP", "/picture")
    assert (lcp.target, lcp.url) == ("html > body > img", "/late.svg")
    assert list(lcp.phases) == ["ttfb", "load_delay", "load_duration", "render_delay"]
    assert sum(lcp.phases.values()) == pytest.approx(lcp.value, abs=0.01)
    assert max(lcp.phases, key=lambda name: lcp.phases[name]) == "load_duration"


def test_what_made_an_interaction_slow_is_named_and_its_phases_sum_to_it(
    open_page: Callable[[], Page], site: Served
) -> None:
    recorder = visited(BY_PATH["/slow-handler"], open_page(), site)
    inp, fid = (vital(recorder, name, "/slow-handler") for name in ("INP", "FID"))
    assert (inp.target, inp.event, inp.estimated) == ("#b", "click", False)
    assert list(inp.phases) == ["input_delay", "processing", "presentation"]
    assert sum(inp.phases.values()) == pytest.approx(inp.value, abs=0.01)
    assert max(inp.phases, key=lambda name: inp.phases[name]) == "processing"
    assert fid.value is not None
    assert fid.value < inp.phases["processing"], "the first input delay knows nothing of a slow handler"


def test_the_element_of_the_largest_shift_is_named(open_page: Callable[[], Page], site: Served) -> None:
    assert vital(visited(BY_PATH["/shift"], open_page(), site), "CLS", "/shift").target == "#box"


def test_the_click_that_leaves_a_page_at_once_is_never_lost(open_page: Callable[[], Page], site: Served) -> None:
    for _ in range(4):  # the browser alone tells about every third
        inp = vital(visited(BY_PATH["/leaves"], open_page(), site), "INP", "/leaves")
        assert inp.value is not None
        assert inp.value >= 200 - 8
        assert inp.target == "#a"
        assert inp.event in ("click", "pointerdown"), (
            "on a busy machine the press itself may have waited longest to be painted"
        )


def test_a_page_that_was_left_before_it_was_loaded_has_no_load(open_page: Callable[[], Page], site: Served) -> None:
    page = open_page()
    recorder = Recorder(site_url=site.url)
    recorder.attach(page.context)
    page.goto(site.url + "/picture", wait_until="domcontentloaded")
    page.goto(site.url + "/next")
    page.wait_for_timeout(100)
    assert vital(recorder, "LOAD", "/picture").value is None
    assert vital(recorder, "LOAD", "/next").value is not None


def test_a_soft_navigation_has_no_load_of_its_own(open_page: Callable[[], Page], site: Served) -> None:
    recorder = visited(BY_PATH["/soft"], open_page(), site)
    names = {v.name for v in recorder.nouns()["vitals"] if v.navigation == "soft"}
    assert names == {"LCP", "INP", "FID", "CLS", "FCP", "TTFB"}


def test_the_browser_says_the_same_from_outside_the_page(open_page: Callable[[], Page], site: Served) -> None:
    for path, name in (("/picture", "LCP"), ("/shift", "CLS")):
        page = open_page()
        told: dict[str, list[dict[str, Any]]] = {"largest-contentful-paint": [], "layout-shift": []}
        session = page.context.new_cdp_session(page)
        session.on(
            "PerformanceTimeline.timelineEventAdded", lambda e, told=told: told[e["event"]["type"]].append(e["event"])
        )
        session.send("PerformanceTimeline.enable", {"eventTypes": list(told)})
        ours = vital(visited(BY_PATH[path], page, site), name, path).value
        if name == "LCP":
            origin = page.evaluate("performance.timeOrigin") / 1000
            painted = told["largest-contentful-paint"][-1]["lcpDetails"]["renderTime"]
            assert ours == pytest.approx((painted - origin) * 1000, abs=20)
        else:
            assert ours == pytest.approx(
                sum(e["layoutShiftDetails"]["value"] for e in told["layout-shift"]), abs=0.0001
            )


@pytest.fixture(scope="session")
def library_script() -> str:
    try:
        return library().read_text(encoding="utf-8") + LISTEN
    except LibraryUnavailableError as error:
        do_without(error)


Say = Callable[[Vital], dict[str, Any]]
LCP_PARTS = {
    "timeToFirstByte": "ttfb",
    "resourceLoadDelay": "load_delay",
    "resourceLoadDuration": "load_duration",
    "elementRenderDelay": "render_delay",
}
INP_PARTS = {"inputDelay": "input_delay", "processingDuration": "processing", "presentationDelay": "presentation"}


@pytest.mark.parametrize(
    ("path", "of_page", "name", "parts"),
    [
        ("/picture", "/picture", "LCP", LCP_PARTS),
        ("/picture", "/picture", "TTFB", {}),
        ("/picture", "/picture", "FCP", {}),
        ("/soft", "/tickets", "LCP", LCP_PARTS),
        ("/shift", "/shift", "CLS", {}),
        ("/slow-handler", "/slow-handler", "INP", INP_PARTS),
    ],
)
def test_the_usual_library_says_the_same(
    path: str,
    of_page: str,
    name: str,
    parts: dict[str, str],
    library_script: str,
    open_page: Callable[[], Page],
    site: Served,
) -> None:
    page = open_page()
    page.add_init_script(library_script)
    ours = vital(visited(BY_PATH[path], page, site), name, of_page)
    page.wait_for_function(f"() => window.told['{name}{of_page}']")
    theirs = page.evaluate(
        f"() => {{ const {{value, attribution}} = window.told['{name}{of_page}']; return {{value, ...attribution}} }}"
    )
    assert ours.value == pytest.approx(theirs["value"], abs=0.1)
    assert ours.phases == pytest.approx({mine: theirs[its] for its, mine in parts.items()}, abs=0.2)


def test_a_library_that_cannot_be_had_is_skipped_with_the_reason_and_fails_in_ci() -> None:
    error = LibraryUnavailableError("npm is not installed")
    with pytest.raises(pytest.skip.Exception, match="npm is not installed"):
        do_without(error, {})
    with pytest.raises(pytest.fail.Exception, match="npm is not installed"):
        do_without(error, {"CI": "true"})


def rows_of(document: str) -> list[list[str]]:
    """The measured table's rows, without its head."""
    measured = document.partition("<!-- measured: begin -->")[2].partition("<!-- measured: end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in measured.splitlines() if line[:1] == "|"]
    return rows[2:]


def test_the_document_prints_the_tolerances_that_the_tests_use() -> None:
    ours = [
        [known.what if place == 0 else "", number.name, number.known, number.tolerance]
        for known in PAGES
        for place, number in enumerate(known.numbers)
    ]
    assert [row[:4] for row in rows_of(DOCUMENT.read_text(encoding="utf-8"))] == ours


def test_what_the_document_says_was_measured_is_within_its_own_tolerances() -> None:
    numbers = [number for known in PAGES for number in known.numbers]
    for number, row in zip(numbers, rows_of(DOCUMENT.read_text(encoding="utf-8")), strict=True):
        median, least, most = (float(found) for found in re.findall(r"[\d.]+(?= ms|\)| \(| to)", row[4]))
        assert least <= median <= most
        assert number.holds(median), (number.name, row[4])
