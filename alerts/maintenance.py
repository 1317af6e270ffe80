"""Computes maintenance windows: when they are, and which journeys, locations and alerts they cover. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from alerts.hours import is_timezone
from alerts.message import Message
from alerts.people import wall_time
from alerts.policy import Policy
from alerts.recurrence import FIRST_YEAR, LAST_YEAR, recurrence
from alerts.windows import Maintenance
from config.bounds import Length, refuse
from config.durations import seconds
from facts import Notification, NotificationKind, PlannedMaintenance, Severity, to_wire

_STRICT: dict[str, Any] = {"extra": "forbid"}
_Duration = Annotated[
    str, Length("1m", "7d", "a slot is every few minutes, and nothing is watched for as long as it lasts")
]
_LONGEST_TEXT = 200
_AGAIN = "its slots are run again"
ENDED_LATELY = timedelta(hours=1)
"""How long after its end a window is still announced as over, by a hub that was down at that moment."""
PLANNED_AHEAD = timedelta(days=2)
"""How far ahead a runner is told, so that one that loses its hub goes on as planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSettings:
    """One entry of `maintenance` in alerts.yaml.

    `start` is the wall time at which it begins first, in `timezone` (that of `business_hours` if not said); `rrule` is how it is
    repeated, a rule of iCalendar (RFC 5545). `duration` is elapsed time. Without `journeys` and `locations` it covers all.
    `announce` are destinations that are told of its beginning and its end.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    name: str
    start: str
    duration: _Duration
    reason: str
    rrule: str | None = None
    timezone: str | None = None
    journeys: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    announce: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", self.name):
            yield f"name: {self.name!r:.60} is none; write 1 to 32 letters, digits, _ and -"
        if not 1 <= len(self.reason.strip()) <= _LONGEST_TEXT:
            yield f"reason: has {len(self.reason.strip())} characters; write why, in at most {_LONGEST_TEXT}"
        if self.timezone is not None and not is_timezone(self.timezone):
            yield f"timezone: {self.timezone!r:.60} is not an IANA time zone; write it like America/Chicago"
        start = wall_time(self.start)
        if start is None:
            yield f"start: {self.start!r:.40} is not a date and time; write it like 2026-01-05T02:00"
        elif not FIRST_YEAR <= start.year <= LAST_YEAR:
            yield f"start: {self.start!r:.40} is not between the years {FIRST_YEAR} and {LAST_YEAR}"
        elif self.rrule is not None and (why := wrong_with_rule(self.rrule, start)) is not None:
            yield f"rrule: {why}"

    def window(self, zone: ZoneInfo, journeys: Mapping[str, str]) -> Maintenance:
        """Return the window; `zone` is that of business hours, for one that names none.

        `journeys` are other names of journeys, each with the one by which alerts and runners know it.
        """
        start = wall_time(self.start)
        assert start is not None
        return Maintenance(
            name=self.name,
            start=start,
            duration=timedelta(seconds=seconds(self.duration)),
            reason=self.reason.strip(),
            rrule=self.rrule,
            zone=ZoneInfo(self.timezone) if self.timezone else zone,
            journeys=tuple(journeys.get(name, name) for name in self.journeys),
            locations=tuple(self.locations),
            announce=tuple(self.announce),
        )


def wrong_with_rule(rule: str, start: datetime) -> str | None:
    """Return what is wrong with a recurrence rule; None if it can be used."""
    try:
        recurrence(rule, start)
    except ValueError as error:
        return f"{rule!r:.80} {error}"
    return None


def planned(windows: Sequence[Maintenance], location: str, now: datetime) -> tuple[PlannedMaintenance, ...]:
    """Return the maintenance of a location that its runner must know: what is under way or begins within two days."""
    found = [
        PlannedMaintenance(
            starts_at=starts,
            ends_at=ends,
            reason=window.reason,
            journeys=window.journeys,
        )
        for window in windows
        if not window.locations or location in window.locations
        for starts, ends in window.between(now - window.duration, now + PLANNED_AHEAD)
    ]
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.ends_at, one.journeys)))


def announcements(policy: Policy, now: datetime) -> tuple[Notification, ...]:
    """Return the messages owed for windows that are under way, or ended lately; each has one id, so that it is owed once."""
    return tuple(_announced(policy, now))


def _announced(policy: Policy, now: datetime) -> Iterator[Notification]:
    for window in policy.maintenance:
        for starts, ends in window.between(now - window.duration - ENDED_LATELY, now):
            yield from _of_one(window, starts, ends, policy, now, over=False)
            if ends <= now:
                yield from _of_one(window, starts, ends, policy, now, over=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Holds a window that is under way as it was announced, so that its end is told although it was taken out of alerts.yaml."""

    thread: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    about: str
    announce: tuple[str, ...] = ()


def under_way(policy: Policy, now: datetime) -> tuple[UnderWay, ...]:
    """Return the windows that are under way, and are announced."""
    return tuple(
        UnderWay(
            thread=_thread(window, starts),
            starts_at=starts,
            ends_at=ends,
            reason=window.reason,
            about=window.about,
            announce=window.announce,
        )
        for window in policy.maintenance
        if window.announce
        for starts, ends in window.between(now - window.duration, now)
    )


def ended_early(before: Sequence[UnderWay], policy: Policy, now: datetime) -> tuple[Notification, ...]:
    """Return the end announcements of windows that were under way at the last look, and are not any more.

    One that ended at its time has the same announcement from `announcements`, under the same id.
    """
    still = {one.thread for one in under_way(policy, now)}
    known = policy.directory.destinations
    return tuple(
        _notification(one.thread, destination, headline, summary, policy, now, over=True)
        for one in before
        if one.thread not in still and one.starts_at <= now < one.ends_at + ENDED_LATELY
        for headline in (
            f"Maintenance is over: {one.reason}"
            if now >= one.ends_at
            else f"Maintenance was ended early: {one.reason}",
        )
        for summary in (f"{one.about}: {_AGAIN}",)
        for destination in one.announce
        if not known or destination in known
    )


def _thread(window: Maintenance, starts: datetime) -> str:
    return f"maintenance-{window.name}-{starts:%Y%m%dT%H%M}"


def _of_one(
    window: Maintenance, starts: datetime, ends: datetime, policy: Policy, now: datetime, *, over: bool
) -> Iterator[Notification]:
    when = f"{ends.astimezone(window.zone):%a %d %b %H:%M} ({window.zone})"
    headline = f"Maintenance is over: {window.reason}" if over else f"Maintenance until {when}: {window.reason}"
    what = _AGAIN if over else "slots are skipped, and alerts are held until it ends"
    for destination in window.announce:
        summary = f"{window.about}: {what}"
        yield _notification(_thread(window, starts), destination, headline, summary, policy, now, over=over)


def _notification(
    thread: str, destination: str, headline: str, summary: str, policy: Policy, now: datetime, *, over: bool
) -> Notification:
    kind = NotificationKind.RESOLVED if over else NotificationKind.UPDATE
    message = Message(
        incident=thread, kind=kind, severity=Severity.INFO, headline=headline, summary=summary, mark=policy.mark
    )
    return Notification(
        id=f"{thread}.{kind}.{destination}",
        thread=thread,
        alert_id=thread,
        destination=destination,
        kind=kind,
        severity=Severity.INFO,
        order=2 if over else 1,
        created_at=now,
        due_at=now,
        message=to_wire(message),
    )
