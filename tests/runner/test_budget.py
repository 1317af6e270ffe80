"""What an address may still ask of the site, and what is done about it before the site does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Attempt, PlannedJourney, Run, Status
from journeys.site import RequestBudget
from runner.budget import Budget, Reserve, Window, cost_of, counted, missed_by_plan, wanted_in_a_window
from tests.builders import A_MOMENT, a_request, a_run, an_attempt

GA = PlannedJourney(journey="ga_purchase", period_s=300)
ALLOWED = RequestBudget(requests=100, window_s=900)
RESETS = A_MOMENT + timedelta(seconds=900)


def an_attempt_that_cost(
    cost: int, left: int | None = None, resets: datetime | None = RESETS, limit: int | None = 100, **changes: Any
) -> Attempt:
    """An attempt at a site that tells what is left; with `left` of None at one that tells nothing."""
    told = {"requests_left": left, "requests_counted": cost, "requests_reset_at": resets, "requests_limit": limit}
    told = told if left is not None else dict.fromkeys(told)
    answered = tuple(a_request(party="first", status=200, kind="document") for _ in range(cost))
    return an_attempt(**{"requests": answered, "status": Status.PASSED, **told, **changes})


def a_run_of(*attempts: Attempt, at_s: float = 0, **changes: Any) -> Run:
    began = A_MOMENT + timedelta(seconds=at_s)
    return a_run(**{"attempts": attempts, "started_at": began, "status": Status.PASSED, **changes})


def budget_after(*runs: Run, allowed: RequestBudget | None = ALLOWED) -> Budget:
    budget = Budget(allowed=allowed)
    for run in runs:
        budget = budget.after(run)
    return budget


def at(seconds: float) -> datetime:
    return A_MOMENT + timedelta(seconds=seconds)


def the_window(budget: Budget, seconds: float = 0) -> Window:
    (window,) = budget.windows(at(seconds))
    return window


def limited(**changes: Any) -> Attempt:
    """An attempt that the site answered with 429."""
    facts = {"requests": (a_request(party="first", status=429),), "status": Status.ERRORED, "requests_left": None}
    return an_attempt(**{**facts, **changes})


# -- whose number holds ------------------------------------------------------------------------------------------------


def test_there_is_no_budget_where_nobody_names_one() -> None:
    budget = budget_after(*(a_run_of(an_attempt_that_cost(85), at_s=60 * n) for n in range(15)), allowed=None)
    assert budget.windows(at(900)) == []
    assert budget.certain_block("ga_purchase", at(900)) is None
    assert budget.warning([GA], at(900)) is None
    reserve = budget.reserve([GA], journey="ga_purchase", slot=at(900), now=at(900))
    assert reserve.why_not_confirm(an_attempt_that_cost(85, status=Status.FAILED)) is None


def test_what_the_site_tells_holds_whoever_else_asked_from_this_address() -> None:
    for allowed in (ALLOWED, None):
        window = the_window(budget_after(a_run_of(an_attempt_that_cost(11, left=31)), allowed=allowed))
        assert (window.left, window.resets_at, window.source) == (31, RESETS, "site")


def test_where_the_site_tells_nothing_its_answers_are_counted_against_the_number_of_site_yaml() -> None:
    window = the_window(
        budget_after(a_run_of(an_attempt_that_cost(11)), a_run_of(an_attempt_that_cost(11), at_s=300)), 300
    )
    assert (window.left, window.resets_at, window.source) == (78, RESETS, "named")
    assert "counted here" in str(window)


@pytest.mark.parametrize(
    ("allowed", "blocked"),
    [(20, True), (100, False), (1_000, False), (None, False)],
    ids=["smaller", "the same", "larger", "none"],
)
def test_a_smaller_number_in_site_yaml_holds_beside_what_the_site_tells(allowed: int | None, blocked: bool) -> None:
    named = RequestBudget(requests=allowed, window_s=900) if allowed else None
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=89, limit=100)), allowed=named)
    reason = budget.certain_block("ga_purchase", at(300))
    assert (reason is not None) is blocked
    if reason:
        assert "9 of 20 requests are left" in reason
    reserve = budget.reserve([], journey="ga_purchase", slot=at(300), now=at(300))
    assert (reserve.why_not_confirm(an_attempt_that_cost(9, left=80, status=Status.FAILED)) is not None) is blocked


def test_a_site_that_tells_less_than_site_yaml_names_holds() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=9, limit=20)))
    reason = budget.certain_block("ga_purchase", at(300))
    assert reason is not None
    assert "9 of 20 requests are left to this address" in reason
    assert "the site's own limit" in reason
    assert "request_budget" not in reason, "no key of ours changes it"


def test_a_longer_window_in_site_yaml_stops_nothing_once_the_sites_own_is_over() -> None:
    runs = [
        a_run_of(an_attempt_that_cost(40, left=20, resets=at(end), limit=100), at_s=end - 60) for end in (180, 360, 540)
    ]
    budget = budget_after(*runs)
    assert budget.certain_block("ga_purchase", at(530)) is not None
    assert budget.certain_block("ga_purchase", at(541)) is None


def test_a_429_at_a_site_that_tells_its_limit_is_over_with_the_sites_window() -> None:
    told = a_run_of(an_attempt_that_cost(40, left=20, resets=at(180), limit=100))
    refused = a_run_of(limited(requests_left=0, requests_limit=100, requests_reset_at=at(180)), at_s=60)
    budget = budget_after(told, refused)
    assert budget.certain_block("ga_purchase", at(170)) is not None
    assert budget.certain_block("ga_purchase", at(181)) is None


def test_a_site_that_no_longer_tells_is_counted_on_from_what_it_told() -> None:
    runs = a_run_of(an_attempt_that_cost(11, left=31)), a_run_of(an_attempt_that_cost(11), at_s=300)
    assert [window.left for window in budget_after(*runs).windows(at(300))] == [20, 89]


def test_off_takes_effect_at_once_and_so_does_another_number() -> None:
    spent = budget_after(a_run_of(an_attempt_that_cost(95)))
    assert spent.certain_block("ga_purchase", at(300)) is not None
    assert replace(spent, allowed=None).certain_block("ga_purchase", at(300)) is None
    larger = RequestBudget(requests=200, window_s=900)
    assert replace(spent, allowed=larger).certain_block("ga_purchase", at(300)) is None


@pytest.mark.parametrize("far_s", [86_400 * 365, 86_400 * 365 * 200])
def test_a_windows_end_in_years_stops_no_runs_for_years(far_s: float) -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=3, resets=at(far_s))), allowed=None)
    assert the_window(budget).resets_at <= at(86_400 + 60)
    assert budget.warning([GA], at(60)) is not None


def test_a_rest_without_an_end_and_without_a_number_of_ours_stops_nothing() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=3, resets=None)), allowed=None)
    assert budget.certain_block("ga_purchase", at(60)) is None


def test_a_window_that_is_over_is_forgotten() -> None:
    window = the_window(
        budget_after(a_run_of(an_attempt_that_cost(11)), a_run_of(an_attempt_that_cost(11), at_s=901)), 901
    )
    assert (window.left, window.resets_at) == (89, at(901 + 900))


# -- after a 429 -------------------------------------------------------------------------------------------------------


def test_a_429_leaves_nothing_until_the_window_ends() -> None:
    for allowed in (ALLOWED, None):
        runs = a_run_of(an_attempt_that_cost(11, left=3)), a_run_of(limited(), at_s=300)
        window = budget_after(*runs, allowed=allowed).windows(at(300))[0]
        assert (window.left, window.resets_at) == (0, RESETS)


@pytest.mark.parametrize(
    ("allowed", "asks_s", "until_s"),
    [(ALLOWED, 3600, 900), (ALLOWED, None, 900), (None, 120, 120), (None, 86_400, 3600)],
    ids=["our window", "our window alone", "Retry-After", "an hour at most"],
)
def test_a_429_that_tells_no_limit_holds_for_the_named_window_else_for_as_long_as_it_asks(
    allowed: RequestBudget | None, asks_s: float | None, until_s: float
) -> None:
    refused = limited(requests_reset_at=at(asks_s) if asks_s else None, started_at=A_MOMENT)
    window = the_window(budget_after(a_run_of(refused), allowed=allowed))
    assert (window.left, window.resets_at, window.source) == (0, at(until_s), "refused")


def test_a_429_that_says_nothing_at_all_stops_no_coming_slot() -> None:
    assert budget_after(a_run_of(limited()), allowed=None).windows(at(60)) == []


# -- what a run costs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({"kind": "document"}, True),
        ({"kind": "document", "status": 302}, True),
        ({"kind": "fetch", "status": 500}, True),
        ({"kind": "probe"}, True),
        ({"kind": "script"}, False),
        ({"kind": "stylesheet"}, False),
        ({"kind": "image"}, False),
        ({"kind": "font"}, False),
        ({"kind": "fetch", "party": "https://stats.example"}, False),
        ({"kind": "fetch", "status": None}, False),
        ({"kind": "fetch", "transferred_bytes": 0}, False),
    ],
)
def test_pages_and_calls_that_the_site_answered_count_and_files_only_where_the_budget_says_so(
    facts: dict[str, Any], counts: bool
) -> None:
    attempt = an_attempt(requests=(a_request(**{"party": "first", "status": 200, **facts}),))
    assert cost_of(attempt, ALLOWED) == cost_of(attempt, None) == counts
    is_file = facts["kind"] in ("script", "stylesheet", "image", "font")
    assert cost_of(attempt, replace(ALLOWED, static_files=True)) == (counts or is_file)


def test_what_the_site_counted_itself_holds() -> None:
    assert cost_of(an_attempt_that_cost(11, left=3), replace(ALLOWED, static_files=True)) == 11


def test_what_a_run_cost_is_known_also_where_its_record_was_cut() -> None:
    whole = counted(an_attempt_that_cost(85), ALLOWED)
    assert cost_of(replace(whole, requests=whole.requests[:3]), ALLOWED) == 85


def test_a_cost_that_has_risen_or_fallen_is_believed_after_a_few_runs() -> None:
    for before, since in ((11, 60), (60, 11)):
        costs = [before] * 5 + [since] * 3
        runs = [a_run_of(an_attempt_that_cost(cost, left=50), at_s=n) for n, cost in enumerate(costs)]
        budget = budget_after(*runs, allowed=None)
        assert (budget.certain_block("ga_purchase", at(60)) is not None) is (since > 50)


def test_a_second_attempt_that_passed_tells_what_a_run_costs() -> None:
    first = an_attempt_that_cost(3, left=20, status=Status.FAILED)
    budget = budget_after(a_run_of(first, an_attempt_that_cost(11, left=9, number=2)), allowed=None)
    assert budget.certain_block("ga_purchase", at(60)) is not None


def test_a_budget_smaller_than_one_run_lets_one_run_a_window_through_and_says_what_to_change() -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(85)), allowed=RequestBudget(requests=50, window_s=900))
    reason = budget.certain_block("ga_purchase", at(60))
    assert reason is not None
    assert "0 of 50 requests are left" in reason
    assert "a run of ga_purchase costs at least 85" in reason
    assert "raise request_budget.requests in site.yaml" in reason
    assert budget.certain_block("ga_purchase", at(901)) is None


# -- before and after a run --------------------------------------------------------------------------------------------


def test_a_run_beside_another_is_made_only_where_the_budget_holds_both() -> None:
    costs = {"ga_purchase": (60,), "vip": (45,), "small": (40,)}
    fresh = Budget(allowed=ALLOWED, costs=costs)
    assert fresh.certain_block("vip", at(0)) is None
    assert fresh.certain_block("small", at(0), ["ga_purchase"]) is None
    reason = fresh.certain_block("vip", at(0), ["ga_purchase"])
    assert reason is not None
    assert "40 of 100 requests are left" in reason
    told = Window(left=90, resets_at=at(900), allowed=100, source="site")
    assert replace(fresh, site=told).certain_block("small", at(0), ["ga_purchase"]) is not None
    assert Budget(costs=costs).certain_block("vip", at(0), ["ga_purchase"] * 5) is None, "nobody names a budget"


@pytest.mark.parametrize(("left", "blocked"), [(11, False), (10, True), (0, True)])
def test_a_run_that_would_certainly_be_refused_is_known_before(left: int, blocked: bool) -> None:
    budget = budget_after(a_run_of(an_attempt_that_cost(11, left=left)))
    reason = budget.certain_block("ga_purchase", at(300))
    assert (reason is not None) is blocked
    if blocked:
        assert reason == (
            f"the request budget: {left} of 100 requests are left to this address until {RESETS:%H:%M:%S} UTC, "
            "and a run of ga_purchase costs at least 11; this is the site's own limit (its rate-limit headers tell it): "
            "wait until then, or run less often (`every` in locations.yaml)"
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
    assert f"the slots until then want {slots} x ga_purchase at 11 = {slots * 11}; " in warning


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
        (Reserve(left=None), None, True),  # nobody has named a budget
        (Reserve(left=None), 8, False),  # and then the site tells one
        (Reserve(left=17, told=False), 90, False),  # a smaller one in site.yaml holds
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
    told = Window(left=60, resets_at=begins + timedelta(seconds=900), allowed=100, source="site")
    budget = Budget(allowed=ALLOWED, site=told, costs={"ga_purchase": (11,)})
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
    shop = Shop(RequestBudget(requests=allowed, window_s=window_s), tells)
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


# -- what `sixfb check` says beforehand --------------------------------------------------------------------------------


def test_a_window_holds_a_slot_for_every_period_that_begins_in_it() -> None:
    planned = [PlannedJourney(journey=name, period_s=s) for name, s in (("a", 300), ("b", 400), ("unknown", 60))]
    wants = wanted_in_a_window(planned, {"a": 11, "b": 5}, ALLOWED)
    assert [(want.slots, want.requests) for want in wants] == [(3, 33), (3, 15)]


@pytest.mark.parametrize(
    ("every", "cost", "missed"),
    [
        (60, 85, "14 of 15"),
        (90, 12, "2 of 10"),
        (300, 33, None),
        (300, 34, "1 of 3"),
        (1800, 85, None),
        (60, 101, "14 of 15"),
    ],
)
def test_what_a_runner_would_miss_is_known_before_it_does(every: int, cost: int, missed: str | None) -> None:
    planned = [PlannedJourney(journey="shop", period_s=every)]
    found = missed_by_plan(planned, {"shop": cost}, ALLOWED)
    assert [str(one) for one in found] == ([f"{missed} slots of shop"] if missed else [])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    budget, really = Budget(allowed=ALLOWED), 0
    for slot in planned[0].grid.between(begins - timedelta(seconds=1), begins + timedelta(seconds=max(900, every) - 1)):
        if budget.certain_block("shop", slot):
            really += 1
        else:
            whole = an_attempt_that_cost(cost)
            budget = budget.after(a_run_of(whole, journey="shop", started_at=slot, finished_at=slot))
    assert really == sum(one.missed for one in found), "a runner does so"


def test_journeys_at_one_address_share_its_budget_and_an_unknown_cost_is_left_out() -> None:
    planned = [GA, PlannedJourney(journey="vip", period_s=900), PlannedJourney(journey="new", period_s=60)]
    assert missed_by_plan(planned, {"ga_purchase": 30, "vip": 10}, ALLOWED) == []
    (misses,) = missed_by_plan(planned, {"ga_purchase": 30, "vip": 11}, ALLOWED)
    assert (misses.journey, misses.missed, misses.slots) == ("ga_purchase", 1, 3)
