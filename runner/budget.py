"""Tracks how many requests this address may still send to the site, and how many the coming slots need.

A budget exists only if the site or `site.yaml` names one: the site through the rate-limit headers of its responses or
through a 429, `site.yaml` through `request_budget`. If both name one, the site's own numbers apply, and a smaller number
in `site.yaml` applies as well. A runner counts as one address, whichever journeys it runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from facts import NOT_CONFIRMED_BUDGET, Attempt, PlannedJourney, Run, Status
from journeys.site import RequestBudget

# Of two concurrent runs, one may end after the other has started, so `as_of` may be slightly ahead of a run's start.
_SIDE_BY_SIDE = timedelta(minutes=2)
# The cost of a run changes with the site, so only the last runs are used as an estimate.
_RECENT = 3
# `Retry-After` may ask for a longer wait than the limit needs: the 6FB shop says one hour, and accepts requests again
# after 15 minutes.
_LONGEST_WAIT = timedelta(hours=1)
# A header that promises a later end means something else, and would stop all runs for as long.
_LONGEST_WINDOW = timedelta(days=1)
# Bounds the time of the simulation: a plan with very short periods has a huge number of slots.
_MOST_SIMULATED = 20_000
REFUSED_WITHOUT_A_LIMIT = (
    "the site answered 429, and tells neither how many requests it allows nor when it takes more; "
    "write its limit into site.yaml as request_budget, so that runs keep to it"
)
_FILES = frozenset({"stylesheet", "script", "image", "font", "media", "manifest", "texttrack"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Holds the demand of one journey's slots: `slots` times `cost` requests."""

    journey: str
    slots: int
    cost: int

    @property
    def requests(self) -> int:
        """The number of requests of all slots together."""
        return self.slots * self.cost

    def __str__(self) -> str:
        return f"{self.slots} x {self.journey} at {self.cost}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Holds how much of the request budget a run must leave, so that no coming slot is missed for lack of it.

    `left` is the number of requests available before the run; None without a budget. `kept` is the number of requests
    reserved for coming slots of journeys whose cost is known. `unpriced` is the number of slots of journeys with an
    unknown cost; each is assumed to cost as much as this run's first attempt. If `told` is true, a number that the site
    sends during the run replaces `left`; otherwise the smaller of both applies.
    """

    left: int | None
    kept: int = 0
    unpriced: int = 0
    told: bool = True

    def why_not_confirm(self, first: Attempt) -> str | None:
        """Return why a failed first attempt is not confirmed by a second one; None if the budget covers it and the coming slots.

        First attempts take precedence over second ones: a missed slot says nothing about the shop, while the next slot
        or another location can confirm a failure that had no second attempt.
        """
        cost = cost_of(first, None)
        known = [] if first.requests_left is None else [first.requests_left]
        if self.left is not None and not (known and self.told):
            known.append(max(0, self.left - cost))
        if not known:
            return None
        left, kept = min(known), self.kept + self.unpriced * cost
        if left - cost >= kept:
            return None
        return f"{NOT_CONFIRMED_BUDGET} ({left} requests are left, a second attempt takes about {cost}, the coming slots need {kept})"

    def why_not_beside(self, cost: int) -> str | None:
        """Return the reason for refusing a requested run; None if the request budget covers it and the coming slots."""
        kept = self.kept + self.unpriced * cost
        if self.left is None or self.left - cost >= kept:
            return None
        return (
            f"the request budget is kept for coming slots ({self.left} requests are left, a run takes about {cost}, "
            f"the coming slots need {kept})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Holds one window of the request budget: `left` requests until `resets_at`, of `allowed` if that is known.

    `source` names the origin of the number: `site` for the site's rate-limit headers, `refused` for a 429, `named` for
    the number in `site.yaml`, counted by this runner.
    """

    left: int
    resets_at: datetime
    allowed: int | None
    source: str

    def __str__(self) -> str:
        of = "" if self.allowed is None else f" of {self.allowed}"
        how = {"named": " (counted here)", "refused": " (it answered 429)"}.get(self.source, "")
        return f"{self.left}{of} requests are left to this address until {self.resets_at:%H:%M:%S} UTC{how}"

    @property
    def way_out(self) -> str:
        """The sentence that tells the operator what to change if the window is too small."""
        if self.source == "named":
            return (
                "raise request_budget.requests in site.yaml if the site allows more; "
                "write `request_budget: off` there if it has no limit"
            )
        told = "its rate-limit headers tell it" if self.source == "site" else "it answered 429"
        return f"this is the site's own limit ({told}): wait until then, or run less often (`every` in locations.yaml)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Holds the state of this address's request budget.

    `allowed` is the budget of `site.yaml`, None if it has none; `spent` is the number of requests counted against it
    since `began`. `site` is the window that the site announced last, None if it announces none. `costs` maps each
    journey to the cost of its last passed runs, in requests; `latest` maps each journey to the cost of the first
    attempt of its last run. `as_of` is the time when the last run ended.
    """

    allowed: RequestBudget | None = None
    spent: int = 0
    began: datetime | None = None
    site: Window | None = None
    costs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    latest: Mapping[str, int] = field(default_factory=dict)
    as_of: datetime | None = None

    def at(self, now: datetime) -> Budget:
        """Return the budget as it stands at `now`, without windows that have ended.

        The counts are also dropped if the clock was ahead when they were made, that is, if `as_of` is in the future.
        """
        if self.as_of is not None and self.as_of > now + _SIDE_BY_SIDE:
            return replace(self, spent=0, began=None, site=None, as_of=None)
        budget = self
        if self.site is not None and now >= self.site.resets_at:
            budget = replace(budget, site=None)
        named = budget._named()
        return replace(budget, spent=0, began=None) if named is None or now >= named.resets_at else budget

    def _named(self) -> Window | None:
        """Return the window of the number in `site.yaml`, which starts with a run; None if there is no number or no run yet."""
        if self.allowed is None or self.began is None:
            return None
        left = max(0, self.allowed.requests - self.spent)
        resets_at = self.began + timedelta(seconds=self.allowed.window_s)
        return Window(left=left, resets_at=resets_at, allowed=self.allowed.requests, source="named")

    def windows(self, now: datetime) -> list[Window]:
        """Return the windows that apply at `now`; an empty list if no budget is named or nothing has been spent yet."""
        here = self.at(now)
        site, named = here.site, here._named()
        if site and named and site.left <= named.left and site.resets_at >= named.resets_at:
            named = None  # the site's window is tighter in both respects
        return [window for window in (site, named) if window]

    def after(self, run: Run) -> Budget:
        """Return the budget after a run.

        The numbers that the site sent last apply; if it sends none, its responses are counted.
        """
        budget = self.at(run.started_at)
        for attempt in run.attempts:
            budget = budget.after_attempt(attempt, run.started_at)
        if not run.attempts:
            return budget
        last = run.attempts[-1]
        costs = budget.costs
        if last.status is Status.PASSED:
            costs = {**costs, run.journey: (*costs.get(run.journey, ()), self.cost_of(last))[-_RECENT:]}
        latest = {**budget.latest, run.journey: self.cost_of(run.attempts[0])}
        return replace(budget, as_of=run.finished_at, costs=costs, latest=latest)

    def after_attempt(self, attempt: Attempt, started_at: datetime) -> Budget:
        """Return the budget after one attempt of a run that started at `started_at`."""
        cost = self.cost_of(attempt)
        budget = self.after_requests(cost, started_at)
        if _is_refused(attempt):
            return replace(budget, site=budget._refused(attempt, started_at))
        if attempt.requests_left is None:
            left = max(0, budget.site.left - cost) if budget.site else 0
            return replace(budget, site=replace(budget.site, left=left) if budget.site else None)
        resets_at = attempt.requests_reset_at or (budget.site.resets_at if budget.site else budget._ends(started_at))
        if resets_at is None:  # the duration of the window is unknown
            return replace(budget._without_larger_number(attempt), site=None)
        resets_at = min(resets_at, started_at + _LONGEST_WINDOW)
        told = Window(left=attempt.requests_left, resets_at=resets_at, allowed=attempt.requests_limit, source="site")
        return replace(budget._without_larger_number(attempt), site=told)

    def _without_larger_number(self, attempt: Attempt) -> Budget:
        """Return the budget without its own count if the site announces a limit that is not larger than the one in `site.yaml`.

        A smaller number in `site.yaml` keeps counting, also after the site's window has ended.
        """
        told = attempt.requests_limit
        is_smaller = self.allowed is not None and told is not None and self.allowed.requests < told
        return self if is_smaller else replace(self, spent=0, began=None)

    def after_requests(self, cost: int, at: datetime) -> Budget:
        """Return the budget after `cost` requests were counted by this runner at `at`."""
        return replace(self, spent=self.spent + cost, began=self.began or at)

    def _ends(self, started_at: datetime) -> datetime | None:
        named = self._named() or replace(self, began=started_at)._named()
        return named.resets_at if named else None

    def _refused(self, attempt: Attempt, started_at: datetime) -> Window | None:
        """Return the window after a 429: no requests are left until it ends; None if its end is unknown."""
        told = attempt.requests_reset_at
        if told is not None and attempt.requests_left is not None:
            ends: datetime | None = min(told, started_at + _LONGEST_WINDOW)
        else:  # the announced time comes from `Retry-After`, if there is one
            asked = min(told, started_at + _LONGEST_WAIT) if told else None
            ends = self.site.resets_at if self.site else self._ends(started_at) or asked
        allowed = attempt.requests_limit or (self.site.allowed if self.site else None)
        return Window(left=0, resets_at=ends, allowed=allowed, source="refused") if ends else None

    def cost_of(self, attempt: Attempt) -> int:
        """Return how many of an attempt's requests count against the limit."""
        return cost_of(attempt, self.allowed)

    def expected_cost(self, journey: str) -> int:
        """Return how many requests a run of a journey takes, at least 1; the larger of its last passed runs' and its last run's."""
        return max(1, min(self.costs.get(journey, (0,))), self.latest.get(journey, 0))

    def certain_block(self, journey: str, now: datetime, under_way: Iterable[str] = ()) -> str | None:
        """Return why a run of a journey would certainly end in a 429, and what to change; None if it might not.

        `under_way` names the journeys of concurrent runs, whose requests are not counted as spent yet.
        """
        # The cheapest known cost is used: a run is only skipped if it cannot succeed, not if it might fail.
        cost = min(self.costs.get(journey, (1,)))
        beside = sum(min(self.costs.get(other, (0,))) for other in under_way)
        fresh = replace(self.at(now), began=now)._named() if beside else None
        for window in self.windows(now) or ([fresh] if fresh else []):
            left = max(0, window.left - beside)
            if cost > left:
                short = replace(window, left=left)
                return f"the request budget: {short}, and a run of {journey} costs at least {cost}; {short.way_out}"
        return None

    def warning(self, planned: Sequence[PlannedJourney], now: datetime) -> str | None:
        """Return a warning with its arithmetic if the slots until the window's end need more requests than are left; else None."""
        for window in self.windows(now):
            wants = [want for want in self._wants(planned, now, window.resets_at) if want.requests]
            total = sum(want.requests for want in wants)
            if total > window.left:
                short = f"{window}, and the slots until then want {sum_of(wants)} = {total}"
                return f"the request budget will not last: {short}; {window.way_out}"
        return None

    def reserve(self, planned: Sequence[PlannedJourney], *, journey: str, slot: datetime, now: datetime) -> Reserve:
        """Return how much of the budget a run of a journey's slot must leave for the slots until the window ends."""
        windows = self.windows(now)
        fresh = replace(self.at(now), began=now)._named()
        if not windows and fresh is not None:
            windows = [fresh]
        reserves = [self._reserve(window, planned, journey, slot) for window in windows]
        return min(reserves, key=lambda one: (one.left or 0) - one.kept, default=Reserve(left=None))

    def _reserve(self, window: Window, planned: Sequence[PlannedJourney], journey: str, slot: datetime) -> Reserve:
        # The slot of another journey at the same time may be running too, and is not counted as spent yet.
        before = slot - timedelta(microseconds=1)
        others = [p for p in planned if p.journey != journey]
        wants = self._wants([p for p in planned if p.journey == journey], slot, window.resets_at) + self._wants(
            others, before, window.resets_at
        )
        return Reserve(
            left=window.left,
            kept=sum(want.requests for want in wants),
            unpriced=sum(want.slots for want in wants if not want.cost),
            told=window.source != "named",
        )

    def _wants(self, planned: Sequence[PlannedJourney], after: datetime, until: datetime) -> list[Want]:
        return [
            Want(
                journey=p.journey,
                slots=len(list(p.grid.between(after, until))),
                cost=max(min(self.costs.get(p.journey, (0,))), self.latest.get(p.journey, 0)),
            )
            for p in planned
        ]


def was_refused(run: Run) -> bool:
    """Return whether the site answered the run's last attempt with a 429."""
    return bool(run.attempts) and _is_refused(run.attempts[-1])


def _is_refused(attempt: Attempt) -> bool:
    return any(r.party == "first" and r.status == 429 for r in attempt.requests)


def counted(attempt: Attempt, allowed: RequestBudget | None) -> Attempt:
    """Return the attempt with `requests_counted` filled in.

    Call this while the attempt still has all its requests, because a long record is shortened later.
    """
    return replace(attempt, requests_counted=cost_of(attempt, allowed))


def cost_of(attempt: Attempt, allowed: RequestBudget | None) -> int:
    """Return how many requests of an attempt count against the site's limit.

    If the site announces its limit, the responses that carried it count. Otherwise every request to the site itself
    that was answered counts: pages, redirects and API calls, and static files (scripts, styles, pictures, fonts) only
    if the budget's `static_files` is set. Third parties and responses from the browser's cache never count.
    """
    if attempt.requests_counted is not None:
        return attempt.requests_counted
    files_count = allowed is not None and allowed.static_files
    return sum(
        r.party == "first"
        and r.status is not None
        and r.transferred_bytes != 0
        and (files_count or r.kind not in _FILES)
        for r in attempt.requests
    )


def sum_of(wants: Sequence[Want]) -> str:
    """Return the demands as a sum in text, like `3 x ga_purchase at 11 + 1 x vip_member_discount at 5`."""
    return " + ".join(map(str, wants))


def wanted_in_a_window(
    planned: Iterable[PlannedJourney], costs: Mapping[str, int], allowed: RequestBudget
) -> list[Want]:
    """Return the demand of the journeys in the fullest window, assuming that every run passes at its first attempt.

    Journeys of unknown cost are left out.
    """
    return [
        Want(journey=p.journey, slots=math.ceil(allowed.window_s / p.period_s), cost=costs[p.journey])
        for p in planned
        if p.journey in costs
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """Holds how many of a journey's slots a runner would miss because the budget is used up, and of how many."""

    journey: str
    missed: int
    slots: int

    def __str__(self) -> str:
        return f"{self.missed} of {self.slots} slots of {self.journey}"


def missed_by_plan(planned: Sequence[PlannedJourney], costs: Mapping[str, int], allowed: RequestBudget) -> list[Misses]:
    """Simulate a runner's schedule and return the slots it would miss because `request_budget` in `site.yaml` is used up.

    Every run is assumed to pass at its first attempt. The simulation covers one window, or the longest period if that
    is longer. Journeys of unknown cost are left out.
    """
    known = [p for p in planned if p.journey in costs]
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    span = timedelta(seconds=max([allowed.window_s, *(p.period_s for p in known)]))
    just_before = timedelta(microseconds=1)
    slots = sorted(
        (slot, p.journey) for p in known for slot in p.grid.between(begins - just_before, begins + span - just_before)
    )[:_MOST_SIMULATED]
    budget = Budget(allowed=allowed, costs={p.journey: (costs[p.journey],) for p in known})
    missed = dict.fromkeys((p.journey for p in known), 0)
    for slot, journey in slots:
        if budget.certain_block(journey, slot):
            missed[journey] += 1
        else:
            budget = budget.at(slot).after_requests(costs[journey], slot)
    of = [journey for _, journey in slots]
    return [Misses(journey=name, missed=n, slots=of.count(name)) for name, n in missed.items() if n]
