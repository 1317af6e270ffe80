"""Hours of a history: what one journey did at one location, in pieces that stay the same from cycle to cycle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from facts import Outcome

T = TypeVar("T")
LENGTH = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Hour:
    """The outcomes of one journey at one location whose slots lie in one hour of UTC, oldest slot first.

    An hour never changes: a run that comes late makes a new one. So what rules derive from its outcomes is derived once,
    however often the rules are asked (see `once`).
    """

    journey: str
    location: str
    outcomes: tuple[Outcome, ...]
    _derived: dict[Callable[[tuple[Outcome, ...]], Any], Any] = field(default_factory=dict, init=False, repr=False)
    _finished: tuple[datetime, datetime] | None = field(default=None, init=False, repr=False)
    """When the first and the last of the outcomes finished; None for an hour without any."""

    def __post_init__(self) -> None:
        moments = [o.finished_at for o in self.outcomes]
        object.__setattr__(self, "_finished", (min(moments), max(moments)) if moments else None)

    def once(self, derive: Callable[[tuple[Outcome, ...]], T]) -> T:
        """Return what `derive` makes of the outcomes; it is called the first time only."""
        try:
            known: T = self._derived[derive]
        except KeyError:
            known = self._derived[derive] = derive(self.outcomes)
        return known

    def where(self, keep: Callable[[Outcome], bool]) -> Hour:
        """Return an hour of only those outcomes that `keep` is true for."""
        return Hour(self.journey, self.location, tuple(filter(keep, self.outcomes)))

    def mapped(self, change: Callable[[Outcome], Outcome]) -> Hour:
        """Return an hour of what `change` makes of each outcome."""
        return Hour(self.journey, self.location, tuple(map(change, self.outcomes)))

    def finished_within(self, since: datetime, until: datetime) -> Hour | None:
        """Return the part that finished after `since` and not after `until`: mostly the whole hour, or None."""
        if self._finished is None:
            return None
        first, last = self._finished
        if since < first and last <= until:
            return self
        if last <= since or until < first:
            return None
        return self.where(lambda o: since < o.finished_at <= until)


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour that a moment lies in."""
    return moment - (moment - _EPOCH) % LENGTH


def slot_of(outcome: Outcome) -> datetime:
    """Return the slot of an outcome; for an ad-hoc run, which has none, its start."""
    return outcome.slot or outcome.started_at


def hours_of(outcomes: Iterable[Outcome]) -> list[Hour]:
    """Return outcomes, which come oldest slot first, in hours; the hours of one journey and location are oldest first, too."""
    grouped: dict[tuple[datetime, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        grouped[hour_of(slot_of(outcome)), outcome.journey, outcome.location].append(outcome)
    return [
        Hour(journey, location, tuple(grouped[start, journey, location]))
        for start, journey, location in sorted(grouped)
    ]
