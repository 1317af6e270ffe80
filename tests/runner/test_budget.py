"""What an address may still ask of the site, and what is done about it before the site does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from facts import Attempt, PlannedJourney, Run, Status
from journeys.site import RequestBudget
from runner.budget import Budget, wanted_in_a_window
from tests.builders import A_MOMENT, a_request, a_run, an_attempt

GA = PlannedJourney(journey="ga_purchase", period_s=300)
ALLOWED = RequestBudget(requests=100, window_s=900)
RESETS = A_MOMENT + timedelta(seconds=900)


def an_attempt_that_cost(
    cost: int, left: int | None = None, resets: datetime | None = RESETS, **changes: Any
) -> Attempt:
    """An attempt at a site that tells what is left; with `left` of None at one that tells nothing."""
    told = {"requests_left": left, "requests_counted": cost, "requests_reset_at": resets} if left is not None else {}
    answered = tuple(a_request(party="first", status=200) for _ in range(cost))
    return an_attempt(**{"requests": answered, "status": Status.PASSED, **told, **changes})


def a_run_of(*attempts: Attempt, at_s: float = 0, **changes: Any) -> Run:
    began = A_MOMENT + timedelta(seconds=at_s)
    return a_run(**{"attempts": attempts, "started_at": began, "status": Status.PASSED, **changes})


def budget_after(*runs: Run) -> Budget:
    budget = Budget(allowed=ALLOWED)
    for run in runs:
        budget = budget.after(run)
    return budget


def at(seconds: float) -> datetime:
    return A_MOMENT + timedelta(seconds=seconds)


def test_what_the_site_tells_holds_whoever_else_asked_from_this_address() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=31)))
    assert (budget.left, budget.resets_at, budget.told) == (31, RESETS, True)


def test_where_the_site_tells_nothing_its_answers_are_counted() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11)), a_run_of(an_attempt_that_cost(11), at_s=300))
    assert (budget.left, budget.resets_at, budget.told) == (78, RESETS, False)
    assert "counted here" in budget.rest()


def test_a_window_that_is_over_is_forgotten() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11)), a_run_of(an_attempt_that_cost(11), at_s=901))
    assert (budget.left, budget.resets_at) == (89, at(901 + 900))


def test_a_429_leaves_nothing_until_the_window_ends() -> None:
    limited = an_attempt(requests=(a_request(party="first", status=429),), status=Status.ERRORED)
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=3)), a_run_of(limited, at_s=300))
    assert (budget.left, budget.resets_at) == (0, RESETS)


@pytest.mark.parametrize(("left", "blocked"), [(11, False), (10, True), (0, True)])
def test_a_run_that_would_certainly_be_refused_is_known_before(left: int, blocked: bool) -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=left)))
    reason = budget.certain_block("ga_purchase", at(300))
    assert (reason is not None) is blocked
    if blocked:
        assert reason == (
            f"the request budget: {left} of 100 requests are left to this address until {RESETS:%H:%M:%S} UTC, "
            "and a run of ga_purchase costs at least 11"
        )
    assert budget.certain_block("ga_purchase", RESETS) is None, "a new window begins"


def test_a_run_that_failed_half_way_tells_nothing_of_what_a_whole_one_costs() -> None:
    failed = a_run_of(an_attempt_that_cost(3, left=5, status=Status.FAILED), status=Status.FAILED)
    assert budget_after(failed).certain_block("ga_purchase", at(300)) is None


def test_the_coming_slots_are_weighed_against_what_is_left_with_the_arithmetic() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=20)))
    now = GA.grid.at_or_before(RESETS) - timedelta(seconds=601)
    slots = len(list(GA.grid.between(now, RESETS)))
    warning = budget.warning([GA], now)
    assert slots >= 2
    assert warning is not None
    assert f"20 of 100 requests are left to this address until {RESETS:%H:%M:%S} UTC" in warning
    assert warning.endswith(f"the slots until then want {slots} x ga_purchase at 11 = {slots * 11}")


def test_nothing_is_said_while_it_lasts_or_while_nothing_is_known() -> None:
    assert budget_after(a_run_of(an_attempt_that_cost(11, left=89))).warning([GA], at(60)) is None
    assert Budget().warning([GA], at(60)) is None
    assert Budget().certain_block("ga_purchase", at(60)) is None


def test_while_runs_are_tried_twice_the_next_one_is_expected_to_be() -> None:
    twice = a_run_of(an_attempt_that_cost(9, left=91, number=1), an_attempt_that_cost(9, left=82, number=2))
    assert budget_after(twice).latest == {"ga_purchase": 18}


def test_a_window_holds_a_slot_for_every_period_that_begins_in_it() -> None:
    wants = wanted_in_a_window({"a": 300, "b": 400, "unknown": 60}, {"a": 11, "b": 5}, 900)
    assert [(want.slots, want.requests) for want in wants] == [(3, 33), (3, 15)]
