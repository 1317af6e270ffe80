"""Reads shifts from an iCalendar file: the person named by an event is on call while it lasts.

Recurring events (RRULE, RDATE, EXDATE) and single changed occurrences (RECURRENCE-ID) are understood: RFC 5545.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.recurrence import FIRST_YEAR, LAST_YEAR, recurrence
from config import Complaint, ConfigError
from config.files import UnreadableFileError, read_text
from process.logs import get_logger

_log = get_logger("sixfb.alerts")
_MOST_BYTES = 1024 * 1024
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One event: its names, its first beginning, its length, and when it comes again.

    `again` is a rule set of dateutil; None for an event that comes once. `moved` are beginnings that another event replaces.
    """

    names: tuple[str, ...]
    begins: datetime
    length: timedelta
    again: Any = None
    moved: frozenset[datetime] = frozenset()

    def covers(self, at: datetime) -> bool:
        """Return whether an occurrence of the event lasts at a moment."""
        local = at.astimezone(self.begins.tzinfo)
        if self.again is None:
            return self.begins <= local < self.begins + self.length
        # An occurrence may be longer than the time between two of them.
        occurrences = self.again.between(local - self.length, local, inc=True)
        return any(one <= local < one + self.length for one in occurrences if one not in self.moved)


def shifts_of(text: str, zone: ZoneInfo) -> tuple[Shift, ...]:
    """Return the shifts in an iCalendar text; times without a zone are in `zone`. Raises ValueError."""
    from icalendar import Calendar  # takes a while, which only those who use it should spend

    try:
        events = [event for event in Calendar.from_ical(text).walk("VEVENT") if event.get("DTSTART") is not None]
        moved: dict[str, set[datetime]] = {}
        for event in events:
            if event.get("RECURRENCE-ID") is not None:
                moved.setdefault(str(event.get("UID")), set()).add(_moment(event.get("RECURRENCE-ID").dt, zone))
        kept = [event for event in events if str(event.get("STATUS", "")).upper() != "CANCELLED"]
        return tuple(_shift(event, zone, moved) for event in kept)
    except (
        AttributeError,
        TypeError,
        LookupError,
        OverflowError,
    ) as error:  # such as a property that stands there twice
        raise ValueError(f"an event has another shape: {error}") from None


def _shift(event: Any, zone: ZoneInfo, moved: dict[str, set[datetime]]) -> Shift:
    begins = _moment(event.get("DTSTART").dt, zone)
    recurs = event.get("RECURRENCE-ID") is None and event.get("RRULE") is not None
    shift = Shift(
        names=tuple(name.strip() for name in str(event.get("SUMMARY", "")).split(",") if name.strip()),
        begins=begins,
        length=_length(event, begins, zone),
        again=_rules(event, begins, zone) if recurs else None,
        moved=frozenset(moved.get(str(event.get("UID")), ())) if recurs else frozenset(),
    )
    return _checked(shift)


def _length(event: Any, begins: datetime, zone: ZoneInfo) -> timedelta:
    if event.get("DTEND") is not None:
        return _moment(event.get("DTEND").dt, zone) - begins
    if event.get("DURATION") is not None:
        length: timedelta = event.get("DURATION").dt
        return length
    return timedelta(0) if isinstance(event.get("DTSTART").dt, datetime) else _DAY


def _rules(event: Any, begins: datetime, zone: ZoneInfo) -> Any:
    from dateutil.rrule import rruleset

    found = rruleset()
    text = event.get("RRULE").to_ical().decode()
    try:
        found.rrule(recurrence(text, begins))
    except ValueError as error:
        raise ValueError(f"the RRULE {text!r:.80} {error}") from None
    for name, add in (("RDATE", found.rdate), ("EXDATE", found.exdate)):
        listed = event.get(name)
        for dates in listed if isinstance(listed, list) else [listed] if listed is not None else []:
            for one in dates.dts:
                add(_moment(one.dt, zone))
    return found


def _moment(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), tzinfo=zone)
    return value if value.tzinfo is not None else value.replace(tzinfo=zone)


def _checked(shift: Shift) -> Shift:
    """Return a shift that can be evaluated at any moment. Raises ValueError."""
    if not FIRST_YEAR <= shift.begins.year <= LAST_YEAR:
        raise ValueError(f"a shift begins in the year {shift.begins.year}")
    if not timedelta(0) <= shift.length <= _LONGEST:
        raise ValueError(f"a shift lasts {shift.length}; at most {_LONGEST.days} days")
    return shift


def on_call(shifts: Sequence[Shift], at: datetime) -> tuple[str, ...]:
    """Return the names of everybody who is on call at a moment, each once."""
    return tuple(dict.fromkeys(name for shift in shifts if shift.covers(at) for name in shift.names))


@dataclass(kw_only=True)
class CalendarFile:
    """An iCalendar file, read again when it changes. One that becomes unreadable leaves the shifts of its last good state."""

    path: Path
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    _shifts: tuple[Shift, ...] = field(default=(), init=False)
    _seen: tuple[int, int] | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def read(self, *, key: str, file: str) -> None:
        """Read the file. Raises ConfigError."""
        try:
            self._shifts, self._seen = self._read(), self._stamp()
        except (UnreadableFileError, OSError, ValueError) as error:
            what = f"{self.path.name} cannot be read as an iCalendar file: {' '.join(str(error).split())[:200]}"
            raise ConfigError(Complaint(file=file, key=key, what=what)) from None

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """Return the names of everybody who is on call at a moment."""
        with self._lock:
            try:
                if (stamp := self._stamp()) != self._seen:
                    self._seen, self._shifts = stamp, self._read()
            except (UnreadableFileError, OSError, ValueError) as error:
                _log.warning("calendar_unreadable", file=self.path.name, error=type(error).__name__)
            return on_call(self._shifts, at.astimezone(UTC))

    def _read(self) -> tuple[Shift, ...]:
        return shifts_of(read_text(self.path, most_bytes=_MOST_BYTES), self.zone)

    def _stamp(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size
