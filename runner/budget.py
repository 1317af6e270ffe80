"""What this address may still ask of the site: told by the site itself where it tells, else counted; and what the coming slots want.

The site allows one client address so many requests in a fixed window (`request_budget` of `site.yaml`), and then answers 429 to
everything. A runner is one address, whatever it runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from facts import NOT_CONFIRMED, Attempt, PlannedJourney, Run, Status
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
class Reserve:
    """What a run must leave of the request budget, so that no coming slot is missed for want of it.

    `left` requests are there before the run, `kept` are for coming slots of journeys whose cost is known, and `unpriced` is the
    number of slots of others, each of which is taken to cost what this run's first attempt did.
    """

    left: int
    kept: int = 0
    unpriced: int = 0

    def why_not_confirm(self, first: Attempt) -> str | None:
        """Return why a failed first attempt is not confirmed by a second one; None where the budget holds both it and the coming slots.

        A slot that is missed says nothing of the shop, while the next slot or another location confirms a failure that had no second
        attempt. So first attempts come before second ones.
        """
        cost = cost_of(first)
        left = max(0, self.left - cost) if first.requests_left is None else first.requests_left
        kept = self.kept + self.unpriced * cost
        if left - cost >= kept:
            return None
        return f"{NOT_CONFIRMED} ({left} requests are left, a second attempt takes about {cost}, the coming slots need {kept})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where this address stands.

    `left` requests until `resets_at`; None before anything is known. `told` is whether the site said so itself. `costs` is
    what a run of each journey that went to its end costs at least, `latest` what the first attempt of its last run cost. `as_of` is
    when the last run ended.
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
        if not run.attempts:
            return budget
        latest = {**self.latest, run.journey: cost_of(run.attempts[0])}
        return replace(budget, as_of=run.finished_at, latest=latest)

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
        wants = [want for want in self._wants(planned, now, here.resets_at) if want.requests]
        total = sum(want.requests for want in wants)
        if total <= here.left:
            return None
        return (
            f"the request budget will not last: {here.rest()}, and the slots until then want {sum_of(wants)} = {total}"
        )

    def reserve(self, planned: Sequence[PlannedJourney], *, journey: str, slot: datetime, now: datetime) -> Reserve:
        """Return what a run of a journey's slot must leave to the slots that come until the window ends."""
        here = self.at(now)
        until = here.resets_at or now + timedelta(seconds=self.allowed.window_s)
        # The slot of another journey at the same moment may be under way beside this one, and is not counted as spent yet.
        before = slot - timedelta(microseconds=1)
        others = [p for p in planned if p.journey != journey]
        wants = self._wants([p for p in planned if p.journey == journey], slot, until) + self._wants(
            others, before, until
        )
        return Reserve(
            left=self.allowed.requests if here.left is None else here.left,
            kept=sum(want.requests for want in wants),
            unpriced=sum(want.slots for want in wants if not want.cost),
        )

    def _wants(self, planned: Sequence[PlannedJourney], after: datetime, until: datetime) -> list[Want]:
        return [
            Want(
                journey=p.journey,
                slots=len(list(p.grid.between(after, until))),
                cost=max(self.costs.get(p.journey, 0), self.latest.get(p.journey, 0)),
            )
            for p in planned
        ]

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
