"""What is made of an attempt: groups of equal failures, and a record of bounded size."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from facts import Blame, Status, to_wire
from journeys.failure import Kind
from runner.blame import VERDICTS, group_of, judge
from runner.trim import AT_MOST, trimmed
from tests.builders import a_request, a_run, an_attempt


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_failure_has_its_verdict(kind: Kind) -> None:
    assert kind in VERDICTS


def test_errored_is_always_the_runners_blame_and_nothing_else_is() -> None:
    assert all((status is Status.ERRORED) == (blame is Blame.RUNNER) for status, blame in VERDICTS.values())


@pytest.mark.parametrize(
    ("answers", "canaries", "status"),
    [
        (0, [False, False], Status.ERRORED),
        (0, [False, True], Status.FAILED),
        (0, [], Status.FAILED),
        (1, [False], Status.FAILED),
    ],
)
def test_our_own_network_is_blamed_only_when_nothing_answers_at_all(
    answers: int, canaries: list[bool], status: Status
) -> None:
    assert judge(Kind.UNREACHED, http_answers=answers, canaries=canaries)[0] is status


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
