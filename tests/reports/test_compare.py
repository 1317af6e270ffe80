"""A run beside the last good one: what is other is said, and what is only missing from the record is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facts import Run, Status, StepStatus
from reports.compare import Kind, compare
from tests.builders import a_request, a_run, a_step, an_attempt


def a_walk(*endpoints: str, status: int = 200, steps: tuple[Any, ...] | None = None, **facts: Any) -> Run:
    requests = tuple(a_request(e, method="GET", status=status, kind="fetch", step="choose_city") for e in endpoints)
    walked = steps or (a_step("choose_city", status=StepStatus.PASSED, duration_ms=500.0),)
    attempt = an_attempt(status=Status.PASSED, requests=requests, steps=walked)
    return a_run(status=Status.PASSED, attempts=(attempt,), steps=walked, **facts)


GOOD = replace(a_walk("/api/a", "/api/b"), id="good")


def told(run: Run, good: Run = GOOD) -> list[tuple[str, str, str]]:
    return [(d.what, d.then, d.now) for d in compare(run, good).rows]


def test_two_runs_that_are_alike_have_no_differences() -> None:
    assert told(a_walk("/api/a", "/api/b")) == []
    assert compare(a_walk("/api/a", "/api/b"), GOOD).note is None


def test_a_request_that_failed_stands_above_one_that_was_not_asked() -> None:
    run = a_walk("/api/a", status=500)
    assert told(run) == [("GET /api/a", "200", "500"), ("GET /api/b", "200", "not asked")]


def test_what_the_record_was_cut_by_is_not_a_request_that_was_not_asked() -> None:
    run = a_walk("/api/a", cut={"requests": 3})
    assert told(run) == []
    assert "only a part was kept" in str(compare(run, GOOD).note)


def test_what_the_good_run_was_cut_by_is_not_a_request_that_is_new() -> None:
    good = replace(GOOD, cut={"requests": 1})
    assert told(a_walk("/api/a", "/api/b", "/api/new", status=500), good) == [
        ("GET /api/a", "200", "500"),
        ("GET /api/b", "200", "500"),
    ]


def test_a_step_that_was_never_reached_is_not_missing_its_requests() -> None:
    steps = (a_step("choose_city", status=StepStatus.SKIPPED, duration_ms=None),)
    run = a_walk("/api/other", steps=steps)
    assert told(run) == [("GET /api/other", "not asked", "200")]


@pytest.mark.parametrize(
    "attempts", [(), (an_attempt(requests=()),)], ids=["no attempt", "an attempt without requests"]
)
def test_a_run_that_recorded_nothing_is_not_compared_by_its_requests(attempts: tuple[Any, ...]) -> None:
    run = a_run(status=Status.ERRORED, attempts=attempts, steps=())
    found = compare(run, GOOD)
    assert [d.what for d in found.rows if d.what.startswith("GET")] == []
    assert found.note == "This run recorded no requests, so requests are not compared."
    back = compare(a_walk("/api/a"), replace(run, status=Status.PASSED))
    assert back.note == "The good run recorded no requests, so requests are not compared."


def a_loading(*files: str, endpoint: str = "/_next/{id}.js", size: int = 900, **facts: Any) -> Run:
    scripts = tuple(
        a_request(endpoint, method="GET", kind="script", step="choose_city", file=f, body_bytes=size) for f in files
    )
    attempt = an_attempt(status=Status.PASSED, requests=scripts, steps=(a_step("choose_city"),))
    return a_run(status=Status.PASSED, attempts=(attempt,), steps=attempt.steps, **facts)


@pytest.mark.parametrize(
    ("run", "good", "changed"),
    [
        (a_loading("page-9be0.js"), a_loading("page-a41c.js"), [("page-a41c.js", "page-9be0.js")]),
        (a_loading("a.js", "c.js"), a_loading("a.js", "b.js"), [("b.js", "c.js")]),
        (a_loading("a.js"), a_loading("a.js", "b.js"), []),
        (a_loading("a.js", "b.js"), a_loading("a.js"), [("not loaded", "b.js")]),
        (a_loading("app.js?1f", endpoint="/app.js"), a_loading("app.js?2e", endpoint="/app.js"), [("app.js?2e", "app.js?1f")]),
        (
            a_loading("app.js", endpoint="/app.js", size=1200),
            a_loading("app.js", endpoint="/app.js", size=1900),
            [("app.js (1.9 kB)", "app.js (1.2 kB)")],
        ),
        (a_loading("a-1.js", cut={"requests": 3}), a_loading("a-2.js"), []),
        (a_loading("a-1.js"), a_loading("a-2.js", cut={"requests": 3}), []),
    ],
    ids=["hash", "one of two", "fewer", "more", "query", "size", "this cut", "good cut"],
)  # fmt: skip
def test_a_script_of_another_version_is_a_change(run: Run, good: Run, changed: list[tuple[str, str]]) -> None:
    found = compare(run, replace(good, id="good"))
    assert [(d.then, d.now) for c in found.changes if c.kind is Kind.FILE for d in c.rows] == changed


def test_changes_are_counted_by_kind_and_say_what_is_the_same() -> None:
    run = a_walk("/api/a", "/api/x", "/api/y", "/api/z", "/api/w", status=500)
    found = compare(run, GOOD)
    assert [(c.sentence, len(c.rows), c.more) for c in found.changes] == [
        ("1 answer is different", 1, 0),
        ("4 requests are new", 3, 1),
        ("1 request is gone", 1, 0),
    ]
    assert found.same == "browser, plan and site"
    other = compare(replace(run, plan="another", browser="another"), GOOD)
    assert other.same == "site"
    assert "2 settings are different" in [c.sentence for c in other.changes]


def test_a_new_request_that_was_answered_is_a_change_of_small_weight() -> None:
    assert told(a_walk("/api/a", "/api/b", "/api/new")) == [("GET /api/new", "not asked", "200")]


def test_a_request_that_the_page_cancelled_did_not_fail() -> None:
    cancelled = a_request("/api/c", method="GET", status=None, failure="net::ERR_ABORTED", kind="fetch", step=None)
    attempt = replace(a_walk("/api/a", "/api/b").attempts[0], requests=(*GOOD.attempts[0].requests, cancelled))
    assert [d.tone for d in compare(replace(GOOD, id="now", attempts=(attempt,)), GOOD).rows] == ["warn"]
