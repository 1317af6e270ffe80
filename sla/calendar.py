"""The business's calendar: its time zone, and the times that are like no others (holidays, declared sale windows)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the business is. `timezone` is its IANA name, `holidays` the names of days off by local date, `sale_windows` the
    beginning and the end of times in which more is sold than usual."""

    timezone: str = "UTC"
    holidays: Mapping[date, str] = field(default_factory=dict)
    sale_windows: tuple[tuple[datetime, datetime], ...] = ()

    def local(self, at: datetime) -> datetime:
        """Return a moment as the business's clocks show it."""
        return at.astimezone(_zone(self.timezone))

    def moment(self, day: date, at: time = time()) -> datetime:
        """Return the moment, in UTC, at which a local date has a time of day.

        A time that a clock change leaves out is that much later, one that comes twice is the first of the two.
        """
        return datetime.combine(day, at, _zone(self.timezone)).astimezone(UTC)

    def weeks_before(self, at: datetime, weeks: int) -> datetime:
        """Return the moment with the same local weekday and time so many weeks before, also across a clock change."""
        return self.days_before(at, 7 * weeks)

    def days_before(self, at: datetime, days: int) -> datetime:
        """Return the moment with the same local time so many days before."""
        here = self.local(at)
        return self.moment(here.date() - timedelta(days=days), here.time())

    def special(self, begins: datetime, ends: datetime) -> str | None:
        """Return what makes a stretch of time unlike others, such as `a holiday (Labor Day)`; None where nothing does."""
        day, last = self.local(begins).date(), self.local(ends - timedelta(microseconds=1)).date()
        while day <= last:
            if day in self.holidays:
                return f"a holiday ({self.holidays[day]})"
            day += timedelta(days=1)
        if any(start < ends and begins < end for start, end in self.sale_windows):
            return "a declared sale window"
        return None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
