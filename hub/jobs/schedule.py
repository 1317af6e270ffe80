"""When a job runs: at an interval, or at a local time of a zone. Pure.

A slot is one planned run. Its key names it once for ever, whatever the clock does afterwards: the moment in UTC for an interval, the
local date for a local time. So a day of 23 or 25 hours has each local slot exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST = timedelta(days=31)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSlot:
    """One planned run: its key and its moment in UTC."""

    key: str
    at: datetime


class JobSchedule(Protocol):
    """What every schedule can tell. All moments are in UTC."""

    @property
    def period(self) -> timedelta:
        """Return the longest time between two slots."""
        ...

    @property
    def starts_at_once(self) -> bool:
        """Return whether a job that never ran is due now, and not only from its next slot on."""
        ...

    def latest(self, now: datetime) -> JobSlot:
        """Return the newest slot that is not after `now`."""
        ...

    def following(self, now: datetime) -> JobSlot:
        """Return the first slot after `now`."""
        ...

    def words(self) -> str:
        """Return the schedule as a person says it."""
        ...

    def scaled(self, scale: float) -> JobSchedule:
        """Return the schedule for a clock that runs `scale` times as fast (the demo's)."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """At each multiple of so many seconds since 1970, so that all hubs agree on the slots. Raises ValueError."""

    seconds: float

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= LONGEST.total_seconds():
            raise ValueError(f"an interval of {self.seconds:g} s: it must be from a second to {LONGEST.days} days")

    @property
    def period(self) -> timedelta:
        """Return the interval."""
        return timedelta(seconds=self.seconds)

    @property
    def starts_at_once(self) -> bool:
        """Return true: the interval that it is now is one to run in."""
        return True

    def latest(self, now: datetime) -> JobSlot:
        """Return the newest slot that is not after `now`."""
        return self._slot((now - _EPOCH) // self.period)

    def following(self, now: datetime) -> JobSlot:
        """Return the first slot after `now`."""
        return self._slot((now - _EPOCH) // self.period + 1)

    def _slot(self, number: int) -> JobSlot:
        at = _EPOCH + number * self.period
        return JobSlot(key=at.isoformat(), at=at)

    def words(self) -> str:
        """Return `every 60 s`, `every 10 min`, `every 2 h`."""
        for size, one, unit in ((3600, "every hour", "h"), (60, "every minute", "min")):
            if self.seconds % size == 0:
                return one if self.seconds == size else f"every {self.seconds / size:g} {unit}"
        return f"every {self.seconds:g} s"

    def scaled(self, scale: float) -> Every:
        """Return a shorter interval, a second at least."""
        return Every(min(max(1.0, self.seconds / scale), LONGEST.total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLocalTime:
    """At a local time of an IANA zone: daily, or on one `weekday` (0 is Monday), or on one `day` of each month (the last one where the
    month is shorter). Make it by `daily`, `weekly` and `monthly`.

    A time that does not exist on a day (the clock is put forward) becomes the next moment that exists; one that is there twice is
    taken the first time. Raises ValueError.
    """

    at: time
    zone: str
    weekday: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is not None:
            raise ValueError("the time of a schedule is a local one: it has no zone of its own")
        if self.weekday is not None and not 0 <= self.weekday <= 6:
            raise ValueError(f"weekday {self.weekday}: it is 0 (Monday) to 6 (Sunday)")
        if self.day is not None and not 1 <= self.day <= 31:
            raise ValueError(f"day {self.day}: it is 1 to 31")
        self._zone()

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{self.zone!r:.60} is no IANA zone; write it like Europe/Berlin") from None

    @property
    def period(self) -> timedelta:
        """Return the longest time between two slots."""
        return LONGEST if self.day is not None else timedelta(days=7 if self.weekday is not None else 1)

    @property
    def starts_at_once(self) -> bool:
        """Return false: a time of day that was before the job existed is not made up for."""
        return False

    def latest(self, now: datetime) -> JobSlot:
        """Return the newest slot that is not after `now`."""
        return next(slot for slot in self._slots(now, forward=False) if slot.at <= now)

    def following(self, now: datetime) -> JobSlot:
        """Return the first slot after `now`."""
        return next(slot for slot in self._slots(now, forward=True) if slot.at > now)

    def _slots(self, now: datetime, *, forward: bool) -> Iterator[JobSlot]:
        """Yield the slots around a moment; they begin two days on the other side of it, for a zone may skip a whole day."""
        zone, step = self._zone(), timedelta(days=1 if forward else -1)
        day = now.astimezone(zone).date() - 2 * step
        while True:
            if self._is_on(day):
                yield JobSlot(key=day.isoformat(), at=moment_of(datetime.combine(day, self.at), zone))
            day += step

    def _is_on(self, day: date) -> bool:
        if self.day is not None:
            last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            return day.day == min(self.day, last.day)
        return self.weekday is None or day.weekday() == self.weekday

    def words(self) -> str:
        """Return `daily at 07:00 (Europe/Berlin)` and the like."""
        when = f"at {self.at:%H:%M} ({self.zone})"
        if self.day is not None:
            return f"monthly on day {self.day} {when}"
        return f"daily {when}" if self.weekday is None else f"every {_WEEKDAYS[self.weekday]} {when}"

    def scaled(self, scale: float) -> AtLocalTime:
        """Return the same: a local time is the wall's, however fast the demo runs."""
        return self


def daily(at: time, *, zone: str) -> AtLocalTime:
    """Return a schedule of every day at a local time. Raises ValueError."""
    return AtLocalTime(at=at, zone=zone)


def weekly(weekday: int, at: time, *, zone: str) -> AtLocalTime:
    """Return a schedule of one day a week (0 is Monday) at a local time. Raises ValueError."""
    return AtLocalTime(at=at, zone=zone, weekday=weekday)


def monthly(day: int, at: time, *, zone: str) -> AtLocalTime:
    """Return a schedule of one day a month at a local time. Raises ValueError."""
    return AtLocalTime(at=at, zone=zone, day=day)


def moment_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC at which a zone's clocks show a time first, or the next moment that exists where they never do."""
    # Aware datetimes of one zone are compared and subtracted by their wall times, so all of this is done in UTC.
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    # In a gap fold=0 reads the time by the offset before it, and fold=1 by the one after it; the change lies between the two.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = late.astimezone(zone).utcoffset()
    before, after = 0, int((late - early).total_seconds())
    while after - before > 1:
        middle = (before + after) // 2
        if (early + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return early + timedelta(seconds=after)
