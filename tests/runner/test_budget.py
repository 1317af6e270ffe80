"""What an address may still ask of the site, and what is done about it before the site does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Attempt, PlannedJourney, Run, Status
from journeys.site import RequestBudget
from runner.budget import Budget, Reserve, wanted_in_a_window
from tests.builders import A_MOMENT, a_request, a_run, an_attempt

GA = PlannedJourney(journey="ga_purchase", period_s=300)
ALLOWED = RequestBudget(requests=100, window_s=900)
RESETS = A_MOMENT + timedelta(seconds=900)


def an_attempt_that_cost(
    cost: int, left: int | None = None, resets: datetime | None = RESETS, **changes: Any
) -> Attempt:
    """An attempt at a site that tells what is left; with `left` of None at one that tells nothing."""
    told = {"requests_left": left, "requests_counted": cost, "requests_reset_at": resets}
    told = told if left is not None else dict.fromkeys(told)
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


def test_the_next_run_is_expected_to_cost_what_the_first_attempt_of_the_last_one_did() -> None:
    twice = a_run_of(an_attempt_that_cost(9, left=91, number=1), an_attempt_that_cost(9, left=82, number=2))
    assert budget_after(twice).latest == {"ga_purchase": 9}


@pytest.mark.parametrize(
    ("reserve", "left", "confirms"),
    [
        (Reserve(left=50, kept=20), None, True),
        (Reserve(left=38, kept=20), None, True),
        (Reserve(left=37, kept=20), None, False),
        (Reserve(left=99, kept=20), 28, False),  # what the site tells holds
        (Reserve(left=0, kept=20), 29, True),
        (Reserve(left=99), 8, False),  # nothing comes, and the second attempt would end in a 429
        (Reserve(left=45, unpriced=3), None, True),
        (Reserve(left=44, unpriced=3), None, False),
    ],
)
def test_a_failure_is_confirmed_only_where_the_coming_slots_still_fit(
    reserve: Reserve, left: int | None, confirms: bool
) -> None:
    why = reserve.why_not_confirm(an_attempt_that_cost(9, left=left, status=Status.FAILED))
    assert (why is None) is confirms
    if why is not None:
        assert why.startswith("not confirmed: the request budget is kept for coming slots (")


def test_what_is_kept_are_the_coming_slots_of_every_journey_and_the_one_beside() -> None:
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    budget = Budget(
        allowed=ALLOWED, left=60, resets_at=begins + timedelta(seconds=900), told=True, costs={"ga_purchase": 11}
    )
    vip = PlannedJourney(journey="vip_member_discount", period_s=900)
    reserve = budget.reserve([GA, vip], journey="ga_purchase", slot=begins, now=begins)
    assert reserve == Reserve(left=60, kept=3 * 11, unpriced=2)
    last = budget.reserve(
        [GA], journey="ga_purchase", slot=begins + timedelta(seconds=900), now=begins + timedelta(seconds=899)
    )
    assert last.kept == 0


@dataclass
class Shop:
    """A site that allows one address so many requests in a fixed window, which begins with the first of them."""

    allowed: RequestBudget
    tells: bool
    began: datetime | None = None
    asked: int = 0

    def attempt(self, now: datetime, cost: int, **facts: Any) -> Attempt:
        """One attempt, which ends in a 429 where it asks too much."""
        if self.began is None or now - self.began >= timedelta(seconds=self.allowed.window_s):
            self.began, self.asked = now, 0
        self.asked += cost
        if self.asked > self.allowed.requests:
            return an_attempt(status=Status.ERRORED, requests=(a_request(party="first", status=429),))
        left = self.allowed.requests - self.asked if self.tells else None
        return an_attempt_that_cost(
            cost, left=left, resets=self.began + timedelta(seconds=self.allowed.window_s), **facts
        )


GUIDE = (300, 900, 900)
DEMO = (60, 60, 180)


@pytest.mark.parametrize("tells", [True, False], ids=["told", "counted"])
@pytest.mark.parametrize(("ga_s", "vip_s", "window_s"), [GUIDE, DEMO], ids=["guide", "demo"])
@pytest.mark.parametrize("allowed", [100, 75])
def test_no_slot_is_missed_for_want_of_requests_while_payment_is_broken_for_half_an_hour(
    ga_s: int, vip_s: int, window_s: int, allowed: int, tells: bool
) -> None:
    planned = [PlannedJourney(journey="ga_purchase", period_s=ga_s), PlannedJourney(journey="vip", period_s=vip_s)]
    well, broken = {"ga_purchase": 11, "vip": 7}, {"ga_purchase": 9, "vip": 6}
    budget = Budget(allowed=RequestBudget(requests=allowed, window_s=window_s))
    shop = Shop(budget.allowed, tells)
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    slots = sorted(
        (slot, p.journey) for p in planned for slot in p.grid.between(begins, begins + timedelta(minutes=90))
    )
    ends: list[str] = []
    for slot, journey in slots:
        fails = timedelta(minutes=30) <= slot - begins < timedelta(minutes=60)
        if budget.certain_block(journey, slot):
            ends.append("missed")
            continue
        reserve = budget.reserve(planned, journey=journey, slot=slot, now=slot)
        cost = broken[journey] if fails else well[journey]
        status = Status.FAILED if fails else Status.PASSED
        attempts = [shop.attempt(slot, cost, status=status)]
        if fails and reserve.why_not_confirm(attempts[0]) is None:
            attempts.append(shop.attempt(slot, cost, status=status, number=2))
            ends.append("confirmed")
        ends += [a.status.value for a in attempts]
        budget = budget.after(
            a_run_of(*attempts, journey=journey, started_at=slot, finished_at=slot, status=attempts[-1].status)
        )
    assert "missed" not in ends
    assert "errored" not in ends
    assert "confirmed" in ends, "the budget that is left is used"


def test_a_window_holds_a_slot_for_every_period_that_begins_in_it() -> None:
    wants = wanted_in_a_window({"a": 300, "b": 400, "unknown": 60}, {"a": 11, "b": 5}, 900)
    assert [(want.slots, want.requests) for want in wants] == [(3, 33), (3, 15)]
