"""Pages whose numbers are known before they are measured, and how far a measured number may be from them.

The tests hold the product to the tolerances (the nearest of three tries: noise only ever adds),
`benchmarks/true_numbers.py` measures how near it really comes, and `docs/numbers.md` prints both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

from facts import Request, Vital
from journeys.recording import Recorder
from tests.sites import Page as Answer

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><rect width="600" height="400" fill="teal"/></svg>'
# A picture of too few bytes for its size is taken for a placeholder, and is no candidate for the largest paint.
PICTURE += f"<!-- {'x' * 4000} -->"
BUSY = "const busy = ms => { const end = performance.now() + ms; while (performance.now() < end); };"
BOX = """<style>body { margin: 0 } #box { width: 1280px; height: 400px; background: teal }</style>
<div id="top"></div><div id="box">Tickets</div>"""
SHIFT = 500 / 800 * 100 / 1280
"""The score of `#box` moved by 100 px: it touches 500 of 800 px in height, and 100/1280 is how far it went."""


def late(seconds: float, body: str, kind: str = "text/html; charset=utf-8") -> Answer:
    """An answer whose first byte comes that much later."""
    return Answer(body, kind=kind, before=lambda: time.sleep(seconds))


SITE: Mapping[str, Answer | str] = {
    "/picture": late(0.12, '<p>Shop</p><img src="/late.svg?v=1" width="600" height="400">'),
    "/late.svg": late(0.8, PICTURE, "image/svg+xml"),
    "/soft": """<button id="go">Go</button><main></main><script>
        document.getElementById("go").onclick = async () => {
          history.pushState({}, "", "/tickets");
          await fetch("/slow.json");
          document.querySelector("main").innerHTML = '<img src="/soft.svg" width="600" height="400">';
        };</script>""",
    "/slow.json": late(0.4, "{}", "application/json"),
    "/soft.svg": late(0.15, PICTURE, "image/svg+xml"),
    "/shift": BOX
    + """<script>setTimeout(() => { document.getElementById("top").style.height = "100px" }, 300)</script>""",
    "/shift-and-go": BOX
    + """<script>setTimeout(() => {
        document.getElementById("top").style.height = "100px";
        requestAnimationFrame(() => setTimeout(() => { location.href = "/next" }, 50));
      }, 300)</script>""",
    "/slow-handler": f"<button id=b>Buy</button><script>{BUSY} b.onclick = () => busy(200)</script>",
    "/leaves": f"<a id=a href=/next>Next</a><script>{BUSY} a.onclick = () => busy(200)</script>",
    "/leaves-slowly": f"<a id=a href=/slow-next>Next</a><script>{BUSY} a.onclick = () => busy(200)</script>",
    "/animated": """<style>@keyframes in { from { transform: translateY(300px) } to { transform: none } }
        #b { animation: in 1.2s linear }</style><button id=b onclick="fetch('/slow-api')">Buy</button>""",
    "/slow-api": late(0.3, "{}", "application/json"),
    "/next": "<h1>Next</h1>",
    "/slow-next": late(0.1, "<h1>Next</h1>"),
}


@dataclass(frozen=True)
class Number:
    """A number of a page that is known: `truth`, and how far from it the product's may be.

    It may be up to `below` under the truth (clocks are coarse, and the browser rounds) and up to `above` over it: the machine's
    own time for asking, laying out and painting comes on top of what the page takes.
    """

    name: str
    read: Callable[[Recorder], float | None]
    truth: float
    below: float
    above: float
    unit: str = "ms"

    def holds(self, value: float | None) -> bool:
        """Whether a measured value is near enough."""
        return value is not None and self.truth - self.below <= value <= self.truth + self.above

    @property
    def known(self) -> str:
        """The truth in words."""
        return self.words(self.truth)

    @property
    def tolerance(self) -> str:
        """How far from the truth is near enough, in words."""
        return f"−{self.words(self.below)} to +{self.words(self.above)}"

    def words(self, value: float) -> str:
        """A value of this number in words."""
        return f"{value:.4f}" if self.unit == "score" else f"{value:.0f} ms"


@dataclass(frozen=True)
class KnownPage:
    """A page of `SITE`, what a buyer does on it, and its known numbers."""

    path: str
    what: str
    walk: Callable[[Page], None]
    numbers: tuple[Number, ...]


def vital(recorder: Recorder, name: str, page: str) -> Vital:
    """The one vital of that name of a page."""
    vitals: tuple[Vital, ...] = recorder.nouns()["vitals"]
    return next(v for v in vitals if (v.page, v.name) == (page, name))


def request(recorder: Recorder, endpoint: str) -> Request:
    """The first request to an endpoint."""
    requests: tuple[Request, ...] = recorder.nouns()["requests"]
    return next(r for r in requests if r.endpoint == endpoint)


def _rest(ms: float = 600) -> Callable[[Page], None]:
    return lambda page: page.wait_for_timeout(ms)


def _press(selector: str, *, then: float = 300) -> Callable[[Page], None]:
    def walk(page: Page) -> None:
        page.wait_for_timeout(600)
        page.click(selector)
        page.wait_for_timeout(then)

    return walk


def _leave(selector: str) -> Callable[[Page], None]:
    def walk(page: Page) -> None:
        page.wait_for_timeout(600)
        page.click(selector)
        page.get_by_role("heading", name="Next").wait_for()
        page.wait_for_timeout(100)

    return walk


def _until(text: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("heading", name=text).wait_for()


def _of(name: str, page: str, phase: str | None = None) -> Callable[[Recorder], float | None]:
    def read(recorder: Recorder) -> float | None:
        found = vital(recorder, name, page)
        return found.value if phase is None else found.phases.get(phase)

    return read


def _took(endpoint: str, phase: str | None = None) -> Callable[[Recorder], float | None]:
    def read(recorder: Recorder) -> float | None:
        found = request(recorder, endpoint)
        return found.duration_ms if phase is None else found.phases.get(phase)

    return read


PAGES = (
    KnownPage(
        "/picture",
        "a page 120 ms late with a picture 800 ms late",
        _rest(),
        (
            Number("LCP", _of("LCP", "/picture"), 920, 1, 300),
            Number("LCP, first byte", _of("LCP", "/picture", "ttfb"), 120, 1, 150),
            Number("LCP, load of the picture", _of("LCP", "/picture", "load_duration"), 800, 1, 150),
            Number("TTFB", _of("TTFB", "/picture"), 120, 1, 150),
            Number("LOAD", _of("LOAD", "/picture"), 920, 1, 300),
        ),
    ),
    KnownPage(
        "/soft",
        "a soft navigation: a fetch of 400 ms, then a picture of 150 ms",
        _press("#go", then=900),
        (
            Number("LCP", _of("LCP", "/tickets"), 550, 8, 300),
            Number("LCP, wait for the picture's request", _of("LCP", "/tickets", "load_delay"), 400, 8, 150),
        ),
    ),
    KnownPage(
        "/shift",
        "a box of 1280 x 400 px moves by 100 px",
        _rest(700),
        (Number("CLS", _of("CLS", "/shift"), SHIFT, 0.0005, 0.0005, "score"),),
    ),
    KnownPage(
        "/shift-and-go",
        "the same, and 50 ms later the page is left",
        _until("Next"),
        (Number("CLS", _of("CLS", "/shift-and-go"), SHIFT, 0.0005, 0.0005, "score"),),
    ),
    KnownPage(
        "/slow-handler",
        "a click handler of 200 ms",
        _press("#b"),
        (
            Number("INP", _of("INP", "/slow-handler"), 200, 8, 150),
            Number("INP, processing", _of("INP", "/slow-handler", "processing"), 200, 8, 150),
        ),
    ),
    KnownPage(
        "/leaves-slowly",
        "the same handler on a link to a page that answers after 100 ms",
        _leave("#a"),
        (Number("INP", _of("INP", "/leaves-slowly"), 200, 8, 150),),
    ),
    KnownPage(
        "/leaves",
        "the same handler on a link to a page that answers at once",
        _leave("#a"),
        (
            Number("INP", _of("INP", "/leaves"), 200, 8, 150),
            Number("INP, processing", _of("INP", "/leaves", "processing"), 200, 8, 150),
        ),
    ),
    KnownPage(
        "/animated",
        "an endpoint of 300 ms, asked by a button that flies in for 1.2 s",
        _press("#b", then=600),
        (
            Number("request, duration", _took("/slow-api"), 300, 1, 150),
            Number("request, wait", _took("/slow-api", "wait"), 300, 1, 150),
        ),
    ),
)
