"""A run beside the last good one: what is other is said, and what is only missing from the record is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facts import Run, Status, StepStatus
from reports.compare import compare
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
    assert told(run) == []


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
