"""What is made of an attempt: groups of equal failures, and a record of bounded size."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from facts import Blame, Status, to_wire
from journeys.failure import Kind
from runner.attempt.blame import VERDICTS, Surroundings, group_of, judge
from runner.attempt.trim import AT_MOST, trimmed
from tests.builders import a_request, a_run, an_attempt


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_failure_has_its_verdict(kind: Kind) -> None:
    assert kind in VERDICTS


def test_errored_is_always_the_runners_blame_and_nothing_else_is() -> None:
    assert all((status is Status.ERRORED) == (blame is Blame.RUNNER) for status, blame in VERDICTS.values())


def around(*canaries: bool, **changes: Any) -> Surroundings:
    return Surroundings(canaries=tuple((f"tcp://c{n}", answers) for n, answers in enumerate(canaries)), **changes)


FULL = {"short_of": "the disk is full"}


@pytest.mark.parametrize(
    ("kind", "answered", "seen", "verdict"),
    [
        (Kind.UNREACHED, False, around(False, False), (Status.ERRORED, Blame.RUNNER)),
        (Kind.UNREACHED, False, around(False, True), (Status.FAILED, Blame.NETWORK)),
        (Kind.UNREACHED, False, around(), (Status.FAILED, Blame.NETWORK)),
        (Kind.UNREACHED, True, around(False), (Status.FAILED, Blame.NETWORK)),
        # Packets that are dropped without a word look like a site that is silent.
        (Kind.SILENT, False, around(False, False), (Status.ERRORED, Blame.RUNNER)),
        (Kind.SILENT, True, around(False), (Status.FAILED, Blame.NETWORK)),
        (Kind.SILENT, False, around(True, site_accepts_connections=False), (Status.FAILED, Blame.NETWORK)),
        (Kind.SILENT, True, around(True, site_accepts_connections=True), (Status.FAILED, Blame.SITE)),
        (Kind.THIRD_PARTY, True, around(False), (Status.FAILED, Blame.NETWORK)),
        (Kind.MISSING, False, around(False), (Status.ERRORED, Blame.RUNNER)),
        (Kind.ANSWERED, True, around(False), (Status.FAILED, Blame.SITE)),
        (Kind.CRASHED, True, around(**FULL), (Status.ERRORED, Blame.RUNNER)),
        (Kind.MISSING, True, around(**FULL), (Status.ERRORED, Blame.RUNNER)),
        (Kind.ANSWERED, True, around(**FULL), (Status.FAILED, Blame.SITE)),
        (Kind.SCRIPT, True, around(False, **FULL), (Status.FAILED, Blame.JOURNEY)),
    ],
)
def test_what_the_runner_sees_around_a_failure_decides_whose_it_is(
    kind: Kind, answered: bool, seen: Surroundings, verdict: tuple[Status, Blame]
) -> None:
    judged = judge(kind, site_answered=answered, around=seen)
    assert (judged.status, judged.blame) == verdict
    assert judged.because or verdict == VERDICTS[kind], "what overrules the kind is said"


@pytest.mark.parametrize(("kind", "status"), [(Kind.SILENT, Status.TIMED_OUT), (Kind.LIMITED, Status.ERRORED)])
def test_a_journey_over_its_time_is_timed_out_unless_that_was_our_own_doing(kind: Kind, status: Status) -> None:
    judged = judge(kind, site_answered=True, late=True)
    assert (judged.status, judged.blame) == (status, VERDICTS[kind][1])


def test_equal_failures_group_whatever_their_ids_and_numbers() -> None:
    one = "pay: GET http://127.0.0.1:4000/c/pay/cs_test_a1b2c3d4 answered 500 'no'; waited 15.2 s; $1,200 is charged"
    other = "pay: GET http://127.0.0.1:5111/c/pay/cs_test_zzzz9999 answered 500 'no'; waited 3 s; $1,350 is charged"
    assert group_of(one) == group_of(other)


def test_another_status_is_another_group() -> None:
    assert group_of("buy: POST /x answered 500") != group_of("buy: POST /x answered 403")
    assert "answered 403" in group_of("buy: POST /x answered 403")


def test_a_record_that_fits_is_left_alone() -> None:
    run = a_run()
    assert trimmed(run) is run


def test_a_record_that_is_too_large_is_cut_and_says_what_was_cut() -> None:
    failing = a_request(endpoint="/api/buy", status=500, kind="fetch")
    many = tuple(a_request(endpoint=f"/image-{n}" + "x" * 100, kind="image") for n in range(1500))
    run = trimmed(a_run(attempts=(an_attempt(number=1, requests=(*many, failing)),), counts=1))
    assert len(json.dumps(to_wire(run)).encode()) <= AT_MOST
    assert run.cut["requests"] > 1000
    assert failing in run.attempts[0].requests, "what failed is cut last"


def test_what_an_attempt_left_out_is_counted_in_the_record() -> None:
    run = a_run()
    told = replace(run, attempts=tuple(replace(a, left_out={"dialogs": 7}) for a in run.attempts))
    assert trimmed(told).cut == {"dialogs": 7 * len(run.attempts)}
