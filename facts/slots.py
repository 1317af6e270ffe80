"""Defines the slot grid: the planned times of a journey at a location, on the UTC clock.

A slot is an epoch multiple of the period plus the location's stagger, `period × index / n`. Only the grid decides when
runs are due; the scheduler merely wakes the runner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Holds the slots of one journey at one location: every `period_s` seconds, `stagger_s` after the epoch's multiple."""

    period_s: int
    stagger_s: float = 0.0

    @staticmethod
    def of(period_s: int, *, index: int, n: int) -> Grid:
        """Return the grid of the location with this index among the journey's `n` locations."""
        return Grid(period_s=period_s, stagger_s=period_s * index / n)

    def at_or_before(self, moment: datetime) -> datetime:
        """Return the latest slot that is not after `moment`."""
        return self._slot(self._number(moment))

    def after(self, moment: datetime) -> datetime:
        """Return the first slot that is later than `moment`."""
        return self._slot(self._number(moment) + 1)

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the slots later than `after` and not later than `until`, oldest first."""
        slot = self.after(after)
        while slot <= until:
            yield slot
            slot += timedelta(seconds=self.period_s)

    def _number(self, moment: datetime) -> int:
        # In whole microseconds: a float of seconds since the epoch could assign a slot to its neighbour.
        since = (moment - _EPOCH - timedelta(seconds=self.stagger_s)) // timedelta(microseconds=1)
        return since // (self.period_s * 1_000_000)

    def _slot(self, number: int) -> datetime:
        return _EPOCH + timedelta(seconds=number * self.period_s + self.stagger_s)


LEAST_FREE_S = 30.0
"""The shortest time before its next slot in which a journey may be run beside the schedule, in seconds."""
_MOST_FREE_S = 120.0


def free_time_s(period_s: float) -> float:
    """Return how many seconds before its next slot a journey may still be run beside the schedule.

    A journey never runs twice at the same time, so a run that lasts longer makes the slot a missed one.
    """
    return min(_MOST_FREE_S, max(LEAST_FREE_S, period_s / 2))


def late_limit_s(period_s: float) -> float:
    """Return how many seconds after its slot a run may still start: a quarter of the period, at least 10 s, at most 60 s."""
    return min(60.0, max(10.0, period_s / 4))


def claim_ttl_s(period_s: float) -> float:
    """Return how many seconds a claim on a slot lasts without renewal.

    It is a third of the time in which a run may still start, so that another runner learns in time that the holder
    died.
    """
    return late_limit_s(period_s) / 3
