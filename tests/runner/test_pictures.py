"""What a run keeps of what its pages looked like: pictures and the frames of a trace, in which nobody can read a secret."""

from __future__ import annotations

import io
import json
import re
import threading
import time
import zipfile
from pathlib import Path

import pytest

from facts import Run, Status
from redact import Scrubber
from runner.attempt.evidence import keep
from runner.attempt.job import Order
from runner.attempt.start import make_run
from runner.attempt.walk import takes_step_pictures
from tests.jobs import a_job, a_journey, walk
from tests.runner.test_evidence import SECRET, a_zip, kept
from tests.sites import Page, a_site

ONE, OTHER = "+1 555 867-5309", "+1 444 976-2418"
SIGNS_IN = """
    page = visit.page
    with visit.step("open"):
        visit.go(visit.site.url("/"))
        page.wait_for_timeout(300)
    with visit.step("sign_in", sensitive=True):
        page.get_by_label("Phone").fill(visit.secret({number!r}))
        visit.press(page.get_by_role("button", name="Sign in"))
        page.wait_for_url("**/account*")
        page.wait_for_timeout(300)
    with visit.step("look"):
        visit.press(page.get_by_role("button", name="Reload"))
        page.wait_for_timeout(300)
"""
PAGES = {
    "/": "<h1>Shop</h1><form action=/account><label>Phone <input name=n></label><button>Sign in</button></form>",
    "/account": """<h1>Your account</h1><button onclick="location.reload()">Reload</button><p id=a></p>
      <p>We call <b></b>-<i></i><u></u></p><p id=b></p><canvas id=c></canvas><div id=d></div><script>
      const n = new URLSearchParams(location.search).get('n');
      a.textContent = n;
      b.textContent = n.replace(/\\D/g, '').slice(1);
      document.querySelector('b').textContent = n.slice(3, 6);
      document.querySelector('i').textContent = n.slice(7, 10);
      document.querySelector('u').textContent = '-' + n.slice(11);
      c.getContext('2d').fillText(n, 5, 15);
      d.attachShadow({mode: 'closed'}).innerHTML = '<b>' + n.slice(3) + '</b>';
      </script>""",
}
STEPS = '("open", "sign_in", "look")'


def a_run(folder: Path, body: str, *, steps: str = '("open", "look")', pages: dict[str, str] = PAGES) -> Run:
    a_journey(folder, body, steps=steps, options="deadline_s=60, step_s=30")
    with a_site(pages) as site:
        return make_run(a_job(folder, site.url, trace="on", confirm=False))


def content(folder: Path, run: Run, kind: str) -> bytes:
    fact = next(e for e in run.evidence if e.kind == kind)
    return (folder / "evidence" / str(fact.path)).read_bytes()


def members(trace: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(trace)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def frames(trace: bytes) -> list[str]:
    return [name for name in members(trace) if name.startswith("screencast/")]


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Run]]:
    """The same run twice, with one secret and with another."""
    made = {}
    for number in (ONE, OTHER):
        folder = tmp_path_factory.mktemp("run")
        made[number] = folder, a_run(folder, SIGNS_IN.format(number=number), steps=STEPS)
        assert made[number][1].status is Status.PASSED, made[number][1].error
    return made


@pytest.mark.browser
def test_pictures_say_nothing_of_what_was_typed_as_a_secret(signed_in: dict[str, tuple[Path, Run]]) -> None:
    pictures = [content(folder, run, "screenshot") for folder, run in signed_in.values()]
    assert pictures[0] == pictures[1], "they differ by the secret alone"
    assert next(e.masked for e in signed_in[ONE][1].evidence if e.kind == "screenshot") >= 6


@pytest.mark.browser
def test_traces_say_nothing_of_what_was_typed_as_a_secret(signed_in: dict[str, tuple[Path, Run]]) -> None:
    found = members(content(*signed_in[ONE], "trace"))
    told = {name: data.decode("utf-8", "replace") for name, data in found.items()}
    assert [name for name, text in told.items() if re.search(r"555\W{0,3}867\W{0,3}5309", text)] == []
    assert [name for name, text in told.items() if re.search(r'"5309"|"-5309"', text)] == []


@pytest.mark.browser
def test_the_trace_has_frames_up_to_the_secret_and_says_why_none_after(signed_in: dict[str, tuple[Path, Run]]) -> None:
    folder, run = signed_in[ONE]
    trace = content(folder, run, "trace")
    assert frames(trace)
    events = [json.loads(line) for line in members(trace)["1-trace.trace"].splitlines()]
    assert [e for e in events if e["type"] == "screencast-frame"] == []
    assert [e for e in events if e["type"] == "frame-snapshot"]
    assert "the frames of the trace from sign_in on were left out: they may show a secret" in run.notes


@pytest.mark.browser
def test_a_run_whose_fonts_never_come_has_its_picture(tmp_path: Path) -> None:
    style = "<style>@font-face { font-family: F; src: url(/never.woff2) } h1 { font-family: F }</style>"
    over = threading.Event()
    never = Page("", before=lambda: over.wait(60))
    with a_site({"/": f"{style}<h1>Sale today</h1>", "/never.woff2": never}) as site:
        run = walk(tmp_path, site.url)
        over.set()
    assert run.failed_step == "look"
    assert content(tmp_path, run, "screenshot").startswith(b"\xff\xd8")


@pytest.mark.browser
def test_a_run_without_a_secret_keeps_its_frames_and_the_whole_picture(tmp_path: Path) -> None:
    body = SIGNS_IN.format(number=ONE).replace("visit.secret(", "(").replace(", sensitive=True", "")
    run = a_run(tmp_path, body, steps=STEPS)
    trace = content(tmp_path, run, "trace")
    listed = [json.loads(line) for line in members(trace)["trace.trace"].splitlines()]
    assert len(frames(trace)) == len([e for e in listed if e["type"] == "screencast-frame"]) > 2
    assert [note for note in run.notes if "secret" in note] == []
    assert {e.kind: (e.masked, e.note) for e in run.evidence} == {"screenshot": (0, None), "trace": (0, None)}


@pytest.mark.browser
def test_frames_from_before_a_value_was_called_secret_are_dropped_where_the_page_showed_it(tmp_path: Path) -> None:
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
            visit.page.wait_for_timeout(300)
            visit.secret(visit.page.locator("p").inner_text())
        with visit.step("look"):
            visit.page.reload()
    """
    run = a_run(tmp_path, body, pages={"/": "<p>4711-0815-X</p>"})
    assert frames(content(tmp_path, run, "trace")) == []
    assert re.search(r"\d+ frames of the trace were dropped: they may show a secret", "\n".join(run.notes))


def a_trace(*frames: str, text: object = "nothing") -> bytes:
    events = [{"type": "screencast-frame", "file": frame} for frame in frames]
    snapshot = {"frameId": "f", "html": ["HTML", {}, ["BODY", {}, text]]}
    return b"".join(json.dumps(e).encode() + b"\n" for e in [*events, {"type": "frame-snapshot", "snapshot": snapshot}])


def test_the_frames_beside_a_secret_are_dropped_and_the_others_stay(tmp_path: Path) -> None:
    given = {
        "trace.trace": a_trace("screencast/a.jpeg"),
        "1-trace.trace": a_trace("screencast/b.jpeg", "screencast/c.jpeg"),
        "1-trace.network": b'{"body": "resources/9f.html"}\n',
        "resources/9f.html": f"<p>{SECRET}".encode(),
        **{f"screencast/{name}.jpeg": b"\xff\xd8" for name in "abc"},
    }
    fact = kept(tmp_path, a_zip(tmp_path / "trace.zip", given))
    assert (fact.masked, fact.note) == (1, "2 frames were dropped: they may show a secret")
    left = members((tmp_path / "store" / str(fact.path)).read_bytes())
    assert frames((tmp_path / "store" / str(fact.path)).read_bytes()) == ["screencast/a.jpeg"]
    assert b"screencast-frame" not in left["1-trace.trace"]
    assert left["trace.trace"] == given["trace.trace"]


def test_a_secret_that_a_snapshot_spreads_over_elements_is_masked_where_it_stands(tmp_path: Path) -> None:
    first = {"frameId": "f", "html": ["HTML", {}, ["P", {}, "Dear ", ["B", {}, SECRET[:5]], SECRET[5:9]]]}
    second = {"frameId": "f", "html": ["HTML", {}, ["P", {}, [[1, 0]], [[1, 2]], ["I", {}, SECRET[5:]]]]}
    field = {"frameId": "g", "html": ["INPUT", {"__playwright_value_": SECRET[:7]}, ["B", {}, SECRET[7:]]]}
    lines = [json.dumps({"type": "frame-snapshot", "snapshot": one}).encode() for one in (first, second, field)]
    fact = kept(tmp_path, a_zip(tmp_path / "trace.zip", {"trace.trace": b"\n".join(lines)}))
    left = members((tmp_path / "store" / str(fact.path)).read_bytes())["trace.trace"]
    html = [json.loads(line)["snapshot"]["html"] for line in left.splitlines()]
    assert html[0] == ["HTML", {}, ["P", {}, "Dear ", ["B", {}, "***"], SECRET[5:9]]]
    assert html[1] == ["HTML", {}, ["P", {}, [[1, 0]], [[1, 2]], ["I", {}, "***"]]]
    assert html[2] == ["INPUT", {"__playwright_value_": "***"}, ["B", {}, "***"]]


def test_what_was_covered_in_a_picture_is_counted_as_masked(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    file, store = tmp_path / "a.jpg", tmp_path / "store"
    assert keep("screenshot", file, attempt=1, store=store, scrubber=Scrubber([]), covered=3).masked == 3


@pytest.mark.browser
def test_a_passed_run_keeps_a_picture_of_each_step(tmp_path: Path) -> None:
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.page.reload()
    """
    a_journey(tmp_path, body)
    with a_site({"/": "<h1>Shop</h1>"}) as site:
        run = make_run(a_job(tmp_path, site.url, last_good=str(tmp_path / "good")))
    shots = [e for e in run.evidence if e.kind == "screenshot"]
    assert {e.step for e in shots} == {"open", "look", None}
    assert all((tmp_path / "evidence" / str(e.path)).read_bytes().startswith(b"\xff\xd8") for e in shots)


@pytest.mark.parametrize(
    ("number", "last_good", "waited_s", "takes"),
    [
        (1, True, None, True),
        (1, True, 3590, False),
        (1, True, 3610, True),
        (1, True, -60, True),
        (2, True, None, False),
        (1, False, None, False),
    ],
    ids=["first", "within the hour", "after the hour", "clock set back", "second attempt", "by hand"],
)  # fmt: skip
def test_one_run_an_hour_takes_pictures_of_its_steps(
    tmp_path: Path, number: int, last_good: bool, waited_s: float | None, takes: bool
) -> None:
    job = a_job(tmp_path, "http://shop.test", last_good=str(tmp_path / "good") if last_good else None)
    order = Order(job=job, number=number, traced=False, folder=str(tmp_path), facts_fd=0)
    if waited_s is not None:
        assert takes_step_pictures(order)
    assert takes_step_pictures(order, now=lambda: time.time() + (waited_s or 0)) is takes


def test_where_no_marker_can_be_set_no_run_takes_pictures(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("a file where a folder should be")
    order = Order(
        job=a_job(tmp_path, "http://shop.test", last_good=str(tmp_path / "good")),
        number=1,
        traced=False,
        folder=str(tmp_path),
        facts_fd=0,
    )
    assert not takes_step_pictures(order)
