"""What this address may still ask of the site: told by the site itself where it tells, else counted; and what the coming slots want.

The site allows one client address so many requests in a fixed window (`request_budget` of `site.yaml`), and then answers 429 to
everything. A runner is one address, whatever it runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from facts import Attempt, PlannedJourney, Run, Status
from journeys.site import RequestBudget

# Of runs that are made side by side one ends after the other has begun.
_SIDE_BY_SIDE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What the slots of one journey want: `slots` times `cost` requests."""

    journey: str
    slots: int
    cost: int

    @property
    def requests(self) -> int:
        """All of them."""
        return self.slots * self.cost

    def __str__(self) -> str:
        return f"{self.slots} x {self.journey} at {self.cost}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where this address stands.

    `left` requests until `resets_at`; None before anything is known. `told` is whether the site said so itself. `costs` is
    what a run of each journey that went to its end costs at least, `latest` what its last one cost: while a site is down
    every run is tried twice, and costs so. `as_of` is when the last run ended.
    """

    allowed: RequestBudget = field(default_factory=RequestBudget)
    left: int | None = None
    resets_at: datetime | None = None
    told: bool = False
    costs: Mapping[str, int] = field(default_factory=dict)
    latest: Mapping[str, int] = field(default_factory=dict)
    as_of: datetime | None = None

    def at(self, now: datetime) -> Budget:
        """The same a moment later: a window that is over leaves nothing known, nor does one of a clock that was ahead."""
        is_over = self.resets_at is not None and now >= self.resets_at
        of_the_future = self.as_of is not None and self.as_of > now + _SIDE_BY_SIDE
        if is_over or of_the_future:
            return replace(self, left=None, resets_at=None, told=False, as_of=None)
        return self

    def after(self, run: Run) -> Budget:
        """Where it stands once a run was made. What the site told last holds; where it tells nothing, answers are counted."""
        budget = self.at(run.started_at)
        for attempt in run.attempts:
            budget = budget._after_attempt(attempt, run)
        if run.status is Status.PASSED and len(run.attempts) == 1:
            cost = cost_of(run.attempts[0])
            cheapest = min(cost, self.costs.get(run.journey, cost))
            budget = replace(budget, costs={**self.costs, run.journey: cheapest})
        spent = sum(cost_of(attempt) for attempt in run.attempts)
        return replace(budget, as_of=run.finished_at, latest={**self.latest, run.journey: spent})

    def _after_attempt(self, attempt: Attempt, run: Run) -> Budget:
        ends = run.started_at + timedelta(seconds=self.allowed.window_s)
        if any(r.party == "first" and r.status == 429 for r in attempt.requests):
            return replace(self, left=0, resets_at=attempt.requests_reset_at or self.resets_at or ends)
        if attempt.requests_left is not None:
            resets = attempt.requests_reset_at or self.resets_at or ends
            return replace(self, left=attempt.requests_left, resets_at=resets, told=True)
        if self.told and self.left is not None:
            return replace(self, left=max(0, self.left - cost_of(attempt)))
        left = (self.allowed.requests if self.left is None else self.left) - cost_of(attempt)
        return replace(self, left=max(0, left), resets_at=self.resets_at or ends)

    def certain_block(self, journey: str, now: datetime) -> str | None:
        """Why a run of a journey would certainly end in a 429; None where it might not."""
        here, cost = self.at(now), self.costs.get(journey, 1)
        if here.left is None or here.resets_at is None or cost <= here.left:
            return None
        return f"the request budget: {here.rest()}, and a run of {journey} costs at least {cost}"

    def warning(self, planned: Sequence[PlannedJourney], now: datetime) -> str | None:
        """What the slots until the window's end want, where that is more than is left; with the arithmetic."""
        here = self.at(now)
        if here.left is None or here.resets_at is None:
            return None
        wants = [
            Want(journey=p.journey, slots=len(list(p.grid.between(now, here.resets_at))), cost=self.latest[p.journey])
            for p in planned
            if self.latest.get(p.journey)
        ]
        wants = [want for want in wants if want.slots]
        total = sum(want.requests for want in wants)
        if total <= here.left:
            return None
        return (
            f"the request budget will not last: {here.rest()}, and the slots until then want {sum_of(wants)} = {total}"
        )

    def rest(self) -> str:
        """What is left, until when, and who says so."""
        until = f"{self.resets_at:%H:%M:%S} UTC" if self.resets_at else "the window's end"
        how = "" if self.told else " (counted here; the site does not tell)"
        return f"{self.left} of {self.allowed.requests} requests are left to this address until {until}{how}"


def cost_of(attempt: Attempt) -> int:
    """What the site counted, or all that it answered where it does not say."""
    answered = sum(r.party == "first" and r.status is not None for r in attempt.requests)
    return answered if attempt.requests_counted is None else attempt.requests_counted


def sum_of(wants: Sequence[Want]) -> str:
    """`3 x ga_purchase at 11 + 1 x vip_member_discount at 5`."""
    return " + ".join(map(str, wants))


def wanted_in_a_window(planned: Mapping[str, float], costs: Mapping[str, int], window_s: float) -> list[Want]:
    """What journeys (name to period in seconds) want in the fullest window, where every run goes to its end at once."""
    return [
        Want(journey=journey, slots=math.ceil(window_s / period_s), cost=costs[journey])
        for journey, period_s in planned.items()
        if journey in costs
    ]
