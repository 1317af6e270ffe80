"""Hours of a history: what one journey did at one location, in pieces that stay the same from cycle to cycle."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from facts import Outcome

T = TypeVar("T")
LENGTH = timedelta(hours=1)
_MOST_PARTS = 16
"""The most parts kept of an hour: more than there are windows that begin or end in it."""
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
    _finished: tuple[datetime, ...] = field(default=(), init=False, repr=False)
    """When the outcomes finished, earliest first."""
    _parts: dict[tuple[int, int], Hour] = field(default_factory=dict, init=False, repr=False)
    """The parts that windows asked for lately, by how many outcomes had finished when the window began and when it ended."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_finished", tuple(sorted(o.finished_at for o in self.outcomes)))

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
        """Return the part that finished after `since` and not after `until`: mostly the whole hour, or None.

        The same part is the same object, so that what is derived from it is kept while a window moves on by less than a run.
        """
        if not self._finished or self._finished[-1] <= since or until < self._finished[0]:
            return None
        if since < self._finished[0] and self._finished[-1] <= until:
            return self
        part = bisect_right(self._finished, since), bisect_right(self._finished, until)
        if part not in self._parts:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.clear()
            self._parts[part] = self.where(lambda o: since < o.finished_at <= until)
        return self._parts[part] if part[0] < part[1] else None


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
