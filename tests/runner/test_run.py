"""One run, from the order to the record, in a real browser at a small site."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from facts import (
    NOT_CONFIRMED_BUDGET,
    NOT_CONFIRMED_TIME,
    Blame,
    Run,
    Status,
    StepStatus,
    is_unconfirmed,
    outcome_of,
    to_wire,
    why_unconfirmed,
)
from journeys.checkout_session import StripeAccess
from runner.attempt.start import StartedRun, make_run
from runner.budget import Reserve
from runner.spare_time import SpareTime
from tests.builders import A_MOMENT
from tests.jobs import LOOK, a_job, a_journey, walk
from tests.processes import command_of, name_of
from tests.sites import Page, a_site

pytestmark = pytest.mark.browser

SHOP = "<h1>Shop</h1><button>Buy</button>"


@pytest.fixture(autouse=True)
def _own_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that a test sees the folders of its own runs alone. Its name is short: a socket's path may have 107 characters."""
    folder = tempfile.mkdtemp(prefix="t-", dir="/tmp")
    monkeypatch.setenv("TMPDIR", folder)
    yield
    shutil.rmtree(folder)


def left_behind(since: set[int]) -> list[str]:
    """Browsers and drivers below this process that were not there before, and temporary folders of runs."""
    below = [name_of(p) for p in psutil.Process().children(recursive=True) if p.pid not in since]
    processes = [name for name in below if name]
    return processes + [f.name for f in Path(os.environ["TMPDIR"]).glob("*")]


def test_a_passed_run_has_everything_it_saw(tmp_path: Path) -> None:
    with a_site(
        {"/": SHOP + "<script>console.error('odd'); fetch('/api/orders/12345')</script>", "/api/orders/12345": "{}"}
    ) as site:
        run = walk(tmp_path, site.url)
    assert (run.status, run.blame, run.error, run.flaky) == (Status.PASSED, None, None, False)
    assert [(s.name, s.status) for s in run.steps] == [("open", StepStatus.PASSED), ("look", StepStatus.PASSED)]
    assert run.duration_ms == pytest.approx(sum(s.duration_ms or 0 for s in run.steps), abs=50)
    attempt = run.attempts[0]
    assert ("GET", "/api/orders/{id}", 200, "first", "open") in [
        (r.method, r.endpoint, r.status, r.party, r.step) for r in attempt.requests
    ]
    assert ("error", "odd") in [(c.level, c.text) for c in attempt.console]
    vitals = {v.name: v for v in run.vitals}
    assert set(vitals) == {"LCP", "INP", "FID", "CLS", "FCP", "TTFB", "LOAD"}
    assert vitals["LCP"].value is not None
    assert vitals["INP"].value is None, "nobody touched the page"
    assert sum(vitals["LCP"].phases.values()) == pytest.approx(vitals["LCP"].value, abs=0.01)
    assert (vitals["LOAD"].value or 0) > 0
    answered = [r for r in attempt.requests if r.status is not None]
    assert all(r.phases and r.transferred_bytes for r in answered)
    assert [e.kind for e in run.evidence] == ["screenshot"]
    assert run.browser.startswith("Chromium ")


def test_evidence_is_kept_under_the_hash_of_its_content(tmp_path: Path) -> None:
    with a_site({"/": SHOP}) as site:
        run = walk(tmp_path, site.url)
    kept = run.evidence[0]
    assert kept.path == f"{kept.sha256}.jpg"
    assert (tmp_path / "evidence" / str(kept.path)).read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("answer", "status", "blame", "sentence"),
    [
        (Page("oh no", status=503), Status.FAILED, Blame.SITE, "open: GET / answered 503 'oh no'"),
        (
            Page("Too Many Requests", status=429),
            Status.ERRORED,
            Blame.RUNNER,
            "GET / answered 429 'Too Many Requests': this address",
        ),
        (Page(status=0), Status.FAILED, Blame.SITE, "open: GET / failed: the connection was closed without an answer"),
        (Page("<h1>Shop</h1>"), Status.FAILED, Blame.JOURNEY, 'look: the button "Buy" never appeared'),
        (Page("<h1>Verify you are human</h1>"), Status.BLOCKED, Blame.SITE, "a bot wall says 'Verify you are human'"),
        (
            Page("<button disabled>Buy</button><script>setTimeout(() => alert('Sold out!'), 50)</script>" * 1),
            Status.PASSED,
            None,
            "",
        ),
    ],
    ids=["an error page", "our own 429", "a closed connection", "a vanished button", "a bot wall", "a harmless alert"],
)
def test_blame_and_sentence_follow_from_what_was_seen(
    tmp_path: Path, answer: Page, status: Status, blame: Blame | None, sentence: str
) -> None:
    with a_site({"/": answer}) as site:
        run = walk(tmp_path, site.url)
    assert (run.status, run.blame) == (status, blame)
    assert sentence in (run.error or "")


def test_a_site_that_is_down_is_the_networks_affair(tmp_path: Path) -> None:
    run = walk(tmp_path, f"http://127.0.0.1:{a_closed_port()}")
    assert (run.status, run.blame, run.failed_step) == (Status.FAILED, Blame.NETWORK, "open")
    assert run.error == "open: GET / failed: connection refused (net::ERR_CONNECTION_REFUSED)"


def test_a_site_that_is_down_together_with_every_canary_is_our_own_affair(tmp_path: Path) -> None:
    dead = f"tcp://127.0.0.1:{a_closed_port()}"
    run = walk(tmp_path, f"http://127.0.0.1:{a_closed_port()}", canaries=[dead])
    assert (run.status, run.blame) == (Status.ERRORED, Blame.RUNNER)


def test_one_living_canary_lays_it_on_the_network(tmp_path: Path) -> None:
    with a_site({"/": "well"}) as canary:
        canaries = [f"tcp://127.0.0.1:{a_closed_port()}", canary.url]
        run = walk(tmp_path, f"http://127.0.0.1:{a_closed_port()}", canaries=canaries)
    assert (run.status, run.blame) == (Status.FAILED, Blame.NETWORK)


def a_closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_an_api_that_refuses_is_named_with_its_answer_and_the_alert(tmp_path: Path) -> None:
    script = "document.querySelector('button').onclick = async () => { await fetch('/api/buy', {method: 'POST'}); alert('Sorry') }"
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.page.get_by_role("button").click()
            visit.see(visit.page.get_by_text("Thank you"))
    """
    pages: dict[str, Page | str] = {
        "/": f"{SHOP}<script>{script}</script>",
        "/api/buy": Page('{"error": "No stock"}', status=500, kind="application/json"),
    }
    with a_site(pages) as site:
        run = walk(tmp_path, site.url, body)
    assert run.error == "look: POST /api/buy answered 500 'No stock'; the page showed alert 'Sorry'"
    assert run.blame is Blame.SITE
    assert run.duration_ms < 5000, "an alert is not waited out"


def test_a_first_failure_is_confirmed_with_the_trace_on(tmp_path: Path) -> None:
    with a_site({"/": Page("down", status=500)}) as site:
        run = walk(tmp_path, site.url, confirm=True, spare_time=SpareTime(left_s=600, slot=A_MOMENT))
    assert [(a.number, a.status, a.traced) for a in run.attempts] == [
        (1, Status.FAILED, False),
        (2, Status.FAILED, True),
    ]
    assert (run.counts, run.flaky) == (2, False)
    assert [(e.kind, e.attempt) for e in run.evidence if e.kind == "trace"] == [("trace", 2)]


@pytest.mark.parametrize(
    ("spared", "why"),
    [
        ({"reserve": Reserve(left=20, kept=20)}, NOT_CONFIRMED_BUDGET),
        ({"spare_time": SpareTime(left_s=3, slot=A_MOMENT)}, NOT_CONFIRMED_TIME),
    ],
)
def test_a_first_failure_is_not_confirmed_where_that_would_cost_a_coming_slot(
    tmp_path: Path, spared: dict[str, Any], why: str
) -> None:
    with a_site({"/": Page("down", status=500)}) as site:
        run = walk(tmp_path, site.url, confirm=True, **spared)
    assert [attempt.status for attempt in run.attempts] == ["failed"]
    assert (run.status, run.flaky) == (Status.FAILED, False)
    assert why_unconfirmed(run) == why
    assert outcome_of(run, received_at=run.finished_at).unconfirmed


def test_a_run_counts_the_pages_and_calls_that_the_site_answered_once_each(tmp_path: Path) -> None:
    kept = {"cache-control": "max-age=600"}
    pages: dict[str, Page | str] = {
        "/": SHOP + "<script src='/app.js'></script><link rel='stylesheet' href='/app.css'>"
        "<script>fetch('/api').then(() => fetch('/api')).then(() => fetch('/gone'))</script>",
        "/app.js": Page("", kind="text/javascript"),
        "/app.css": Page("", kind="text/css"),
        "/api": Page("{}", kind="application/json", headers=kept),
    }
    with a_site(pages) as site:
        run = walk(tmp_path, site.url)
        asked = [request.path for request in site.asked if request.path in ("/", "/api", "/gone")]
    assert run.status is Status.PASSED
    assert sorted(asked) == ["/", "/api", "/gone"], "the second call was answered by the browser's cache"
    assert run.attempts[0].requests_counted == 3


def test_a_site_that_tells_a_limit_of_its_own_leaves_a_failure_unconfirmed_where_it_is_used_up(tmp_path: Path) -> None:
    told = {"ratelimit": "limit=10, remaining=0, reset=600"}
    with a_site({"/": Page("down", status=500, headers=told)}) as site:
        run = walk(tmp_path, site.url, confirm=True, reserve=Reserve(left=None))
    (attempt,) = run.attempts
    assert (attempt.requests_limit, attempt.requests_left, attempt.requests_counted) == (10, 0, 1)
    assert is_unconfirmed(run)


def test_a_failure_that_the_second_attempt_refutes_is_a_flaky_pass(tmp_path: Path) -> None:
    answers = iter([500])
    page = Page(SHOP)
    page.before = lambda: setattr(page, "status", next(answers, 200))
    with a_site({"/": page}) as site:
        run = walk(tmp_path, site.url, confirm=True)
    assert (run.status, run.flaky, run.error, run.counts) == (Status.PASSED, True, None, 2)
    assert run.attempts[0].error is not None
    assert not [e for e in run.evidence if e.kind == "trace"], "a trace is kept of failures only"


def test_a_page_that_never_answers_again_ends_the_run_as_timed_out(tmp_path: Path) -> None:
    """title() of a stuck page has no time-out of its own in Playwright; the supervisor ends it."""
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.page.evaluate("setTimeout(() => { while (true); }, 100)")
            visit.pump(200)
            visit.page.title()
    """
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with a_site({"/": SHOP}) as site:
        run = walk(tmp_path, site.url, body, options="slow_after_s=1, deadline_s=1", grace_s=3.0)
    assert (run.status, run.blame, run.failed_step) == (Status.TIMED_OUT, Blame.SITE, "look")
    assert "look: a script of the page never ended, so that the page did not answer any more" in (run.error or "")
    assert [s.status for s in run.steps] == [StepStatus.PASSED, StepStatus.TIMED_OUT]
    assert left_behind(before) == []


def test_a_journey_over_its_deadline_is_timed_out(tmp_path: Path) -> None:
    with a_site({"/": "<h1>Shop</h1>"}) as site:
        run = walk(tmp_path, site.url, options="slow_after_s=1, deadline_s=1.5")
    assert (run.status, run.failed_step) == (Status.TIMED_OUT, "look")
    assert "the journey took longer than its 1.5 s" in (run.error or "")


def test_a_slow_run_passes_and_is_marked(tmp_path: Path) -> None:
    page = Page(SHOP, before=lambda: time.sleep(0.8))
    with a_site({"/": page}) as site:
        run = walk(tmp_path, site.url, options="slow_after_s=0.5, deadline_s=9")
    assert (run.status, run.slow) == (Status.PASSED, True)


OPEN = 'with visit.step("open"):\n    pass\n'


@pytest.mark.parametrize(
    ("body", "step", "sentence"),
    [
        (
            'with visit.step("open"):\n    1 / 0',
            "open",
            "open: the journey's code raised ZeroDivisionError: division by zero",
        ),
        ('with visit.step("open"):\n    assert 1 == 2, "one is not two"', "open", "open: one is not two"),
        (f'{OPEN}with visit.step("lokk"):\n    pass', None, "look lists no step 'lokk'; its steps are open, look"),
        (f'{OPEN}visit.skip("lokk", reason="none")', None, "look lists no step 'lokk'; its steps are open, look"),
        (f'{OPEN}{OPEN}', None, "look has had its step 'open' already"),
        (OPEN, "look", "look: the journey ended without this step"),
        (f"{OPEN}nonsense()", None, "after the step open: the journey's code raised NameError"),
        ("nonsense()", None, "before the first step: the journey's code raised NameError"),
    ],
    ids=[
        "a bug", "an assertion", "an unknown step", "an unknown step left out", "a step twice", "a forgotten step",
        "a bug between steps", "a bug before the first",
    ],
)  # fmt: skip
def test_a_journeys_own_mistake_is_told_with_file_and_line_and_is_no_other_steps(
    tmp_path: Path, body: str, step: str | None, sentence: str
) -> None:
    run = walk(tmp_path, "http://127.0.0.1:9999", body)
    assert (run.status, run.failed_step) == (Status.FAILED, step)
    assert sentence in (run.error or "")
    opened = StepStatus.PASSED if body.startswith(OPEN) else StepStatus.FAILED if step else StepStatus.SKIPPED
    assert run.steps[0].status is opened
    assert (run.attempts[0].where or "").startswith(str(tmp_path / "look.py"))


def test_an_order_whose_amount_is_none_is_remembered_all_the_same(tmp_path: Path) -> None:
    run = walk(tmp_path, "http://127.0.0.1:9999", 'with visit.step("open"):\n    visit.bought(1001, "free")\n')
    assert "the order 1001 is remembered, but its amount 'free' is no amount" in (run.error or "")
    assert [(p.session_id, p.amount_minor, p.state) for p in run.purchases] == [("1001", None, "ordered")]


def test_a_journey_that_does_not_load_is_told_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "look.py"
    file.write_text("from journeys.visit import journey\nthis is no Python\n")
    run = make_run(a_job(tmp_path, "http://127.0.0.1:9999"))
    assert (run.status, run.blame) == (Status.FAILED, Blame.JOURNEY)
    assert f"{file}:2" in (run.error or "")


def test_a_missing_browser_is_our_own_fault_and_says_how_to_get_one(tmp_path: Path) -> None:
    run = walk(tmp_path, "http://127.0.0.1:9999", chromium="/nowhere/chromium")
    assert (run.status, run.blame) == (Status.ERRORED, Blame.RUNNER)
    assert "no browser found: run `make setup`" in (run.error or "")


def test_nobody_hurries_a_run_that_a_person_watches(tmp_path: Path) -> None:
    with a_site({"/": Page(SHOP, before=lambda: time.sleep(1.2))}) as site:
        run = walk(tmp_path, site.url, options="slow_after_s=0.5, deadline_s=0.5, step_s=0.5", slow_mo_ms=1)
    assert (run.status, run.slow) == (Status.PASSED, True)


def test_a_killed_supervisor_still_ends_in_one_record(tmp_path: Path) -> None:
    held = threading.Event()
    a_journey(tmp_path, LOOK)
    with a_site({"/": Page(SHOP, before=lambda: (held.wait(20), None)[1])}) as site:
        started = StartedRun(a_job(tmp_path, site.url))
        records: list[Run] = []
        waiter = threading.Thread(target=lambda: records.append(started.wait()))
        waiter.start()
        wait_for(lambda: bool(site.asked))
        supervisor = next(p for p in psutil.Process().children() if "runner.attempt.supervisor" in p.cmdline())
        below = supervisor.children(recursive=True)
        supervisor.kill()
        waiter.join(20)
        held.set()
    assert [(r.status, r.blame) for r in records] == [(Status.ERRORED, Blame.RUNNER)]
    assert "the run's supervisor ended with -9" in (records[0].error or "")
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []


def test_a_killed_attempt_is_our_own_fault_and_leaves_nothing(tmp_path: Path) -> None:
    held = threading.Event()
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    a_journey(tmp_path, LOOK)
    with a_site({"/": Page(SHOP, before=lambda: (held.wait(20), None)[1])}) as site:
        started = StartedRun(a_job(tmp_path, site.url, confirm=False))
        records: list[Run] = []
        waiter = threading.Thread(target=lambda: records.append(started.wait()))
        waiter.start()
        wait_for(lambda: bool(site.asked))
        attempt = next(p for p in psutil.Process().children(recursive=True) if "runner.attempt.walk" in command_of(p))
        os.kill(attempt.pid, signal.SIGKILL)
        waiter.join(20)
        held.set()
    assert [(r.status, r.blame, r.failed_step) for r in records] == [(Status.ERRORED, Blame.RUNNER, "open")]
    assert left_behind(before) == []


def test_a_frozen_browser_leaves_nothing_behind(tmp_path: Path) -> None:
    """Chromium runs in a session of its own: killing the worker's group alone leaves it behind."""
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    body = """
        import os, signal, psutil
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            for process in psutil.Process().children(recursive=True):
                if "chrom" in process.name():
                    os.kill(process.pid, signal.SIGSTOP)
            visit.page.title()
    """
    with a_site({"/": SHOP}) as site:
        run = walk(tmp_path, site.url, body, options="slow_after_s=1, deadline_s=1", grace_s=3.0)
    assert (run.status, run.blame) == (Status.ERRORED, Blame.RUNNER)
    assert left_behind(before) == []


def wait_for(condition: Any, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "what was waited for did not come"
        time.sleep(0.02)


def test_secrets_are_masked_in_text_and_in_the_trace(tmp_path: Path) -> None:
    secret = "hunter2-is-a-secret"
    page = f"<h1>{secret}</h1><script>console.error('got {secret}'); alert('{secret}')</script>"
    with a_site({"/": page}) as site:
        run = walk(tmp_path, site.url, basic_auth=f"buyer:{secret}", trace="on")
    assert secret not in json.dumps(to_wire(run))
    assert "***" in json.dumps(to_wire(run))
    (trace,) = [e for e in run.evidence if e.kind == "trace"]
    assert trace.masked > 0
    with zipfile.ZipFile(tmp_path / "evidence" / str(trace.path)) as archive:
        assert [name for name in archive.namelist() if secret.encode() in archive.read(name)] == []


def test_extra_headers_go_to_the_site_alone_and_the_run_says_so(tmp_path: Path) -> None:
    with (
        a_site({"/script.js": ""}) as other,
        a_site({"/": f"{SHOP}<script src='{other.url}/script.js'></script>"}) as site,
    ):
        run = walk(tmp_path, site.url, headers={"X-Probe": "yes"})
    assert site.asked[0].headers.get("x-probe") == "yes"
    assert [a.headers.get("x-probe") for a in other.asked] == [None]
    assert any("to add extra headers" in note for note in run.notes)


def test_the_shop_can_tell_that_this_buyer_is_none(tmp_path: Path) -> None:
    with a_site({"/": SHOP}) as site:
        walk(tmp_path, site.url)
    asked = site.asked[0]
    assert "sixfb-synthetic-buyer/" in asked.headers["User-Agent"]
    assert "Headless" not in asked.headers["User-Agent"]
    assert "sixfb_synthetic=1" in asked.headers["Cookie"]


def test_the_browser_sees_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")
    body = """
        import os
        with visit.step("open"):
            assert "canary" not in str(dict(os.environ)), "a secret reached the browser's process"
        with visit.step("look"):
            pass
    """
    assert walk(tmp_path, "http://127.0.0.1:9999", body).error is None


def test_a_live_stripe_key_is_refused_at_the_last_door_too() -> None:
    with pytest.raises(ValueError, match="a live Stripe key may never be near a journey"):
        StripeAccess("sk_live_123")
