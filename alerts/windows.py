"""Computes when a maintenance window is, by its recurrence rule, and which alerts it covers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerts.recurrence import recurrence
from facts import NO_TRAITS, Alert, Family

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A maintenance window. `start` is the wall time in `zone` at which it begins first, `rrule` how it is repeated (None: once).

    Without `journeys` and `locations` it covers every slot, and every alert that is not about the monitor itself.
    """

    name: str
    start: datetime
    duration: timedelta
    reason: str
    zone: ZoneInfo
    rrule: str | None = None
    journeys: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    announce: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """Return what it covers, in words: `journey ga_purchase, location us-east`."""
        told = [f"journey {' and '.join(self.journeys)}"] if self.journeys else []
        told += [f"location {' and '.join(self.locations)}"] if self.locations else []
        return ", ".join(told) or "everything"

    def between(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """Return the beginnings and ends, in UTC, of the times that begin after `since` and not after `until`, in order."""
        first, last = _day_of(since), _day_of(until)
        found = _occurrences(self, first, last - first + 2 * _DAY)
        return [(starts, starts + self.duration) for starts in found if since < starts <= until]

    def active(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Return the beginning and the end of the time that a moment lies in; of several that overlap, the one that ends last."""
        return next((one for one in reversed(self.between(now - self.duration, now))), None)

    def covers(self, alert: Alert) -> bool:
        """Return whether a window covers an alert: by its journey, and by the location that it is bound to."""
        traits = alert.traits or NO_TRAITS
        if not self.journeys and not self.locations:
            return traits.family is not Family.MONITOR
        return (not self.journeys or alert.journey in self.journeys) and (
            not self.locations or traits.location_bound in self.locations
        )


def _day_of(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


@lru_cache(maxsize=256)
def _occurrences(window: Maintenance, day: datetime, length: timedelta) -> tuple[datetime, ...]:
    """Return when a window begins from the day before `day` on, in UTC; remembered, because each tick asks of the same days."""
    if window.rrule is None:
        walls = [window.start]
    else:
        # The rule is of the wall clock: 02:00 stays at 02:00 when the clocks are changed.
        wall = day.astimezone(window.zone).replace(tzinfo=None)
        walls = recurrence(window.rrule, window.start).between(wall - 2 * _DAY, wall + length + 2 * _DAY, inc=True)
    return tuple(sorted(moment_of(wall, window.zone) for wall in walls))


def moment_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment of a wall time: the first of two that it stands for, and the next that exists of one that the clock skips."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # In a gap fold=0 is computed with the offset before it, and so lies after its end.
    gap = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while gap.astimezone(zone).replace(tzinfo=None) < wall:
        gap += timedelta(minutes=1)
    return gap
