"""Runs the weekly test of the destinations: its schedule, its messages, and its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Annotated, Any, ClassVar, Literal

from alerts.hours import is_timezone
from alerts.message import Message
from alerts.policy import Policy
from alerts.reach import reach, unreached
from config.bounds import Form, refuse
from facts import Notification, NotificationKind, Severity, to_wire

_STRICT: dict[str, Any] = {"extra": "forbid"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_Time = Annotated[str, Form(r"([01][0-9]|2[0-3]):[0-5][0-9]", 'is no time of day; write it like "10:00"')]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """Holds a destination's response: whether it accepted the message, and a sentence without addresses and secrets."""

    destination: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """`trial` of alerts.yaml: each week on a `day` at a `time`, every destination gets a message marked as a test.

    `timezone` is that of business hours if not said. `announce` are destinations that are told who could not be reached.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    day: Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    time: _Time
    timezone: str | None = None
    announce: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if self.timezone is not None and not is_timezone(self.timezone):
            yield f"timezone: {self.timezone!r:.60} is not an IANA time zone; write it like America/Chicago"

    def trial(self, zone: str, send: Callable[[datetime], Sequence[TrialResult]]) -> WeeklyTrial:
        """Return the trial; `zone` is that of business hours, and `send` sends the messages."""
        return WeeklyTrial(
            weekday=DAYS.index(self.day),
            at=time.fromisoformat(self.time),
            zone=self.timezone or zone,
            announce=tuple(self.announce),
            send=send,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyTrial:
    """When the trial is (`weekday` 0 is Monday, `at` a local time of `zone`), who is told, and what sends its messages."""

    weekday: int
    at: time
    zone: str
    announce: tuple[str, ...] = ()
    send: Callable[[datetime], Sequence[TrialResult]] = field(default=lambda _now: ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Holds the result of a trial: the destinations that accepted it, those that refused with the reason, names that reach nobody."""

    taken: tuple[str, ...]
    refused: tuple[TrialResult, ...]
    nobody: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Return whether everybody can be reached."""
        return not self.refused and not self.nobody

    @property
    def line(self) -> str:
        """Return the readiness in one sentence."""
        count = len(self.taken) + len(self.refused)
        told = f"{len(self.taken)} of {count} destinations took the test message"
        if self.refused:
            told += f"; not reached: {', '.join(f'{one.destination} ({one.detail})' for one in self.refused)}"
        if self.nobody:
            told += f"; {', '.join(self.nobody)} {'reach' if len(self.nobody) > 1 else 'reaches'} nobody"
        return told


def readiness(results: Sequence[TrialResult], policy: Policy, now: datetime) -> Readiness:
    """Return who would be reached, by what each destination answered."""
    taken = tuple(one.destination for one in results if one.ok)
    nobody: Mapping[str, list[str]] = unreached(reach(policy, now, reached=frozenset(taken)))
    return Readiness(taken=taken, refused=tuple(one for one in results if not one.ok), nobody=tuple(nobody))


def announcement(
    found: Readiness, announce: Sequence[str], policy: Policy, slot: datetime, now: datetime
) -> tuple[Notification, ...]:
    """Return the messages owed about a trial; a slot has one to each destination, however often it is tried."""
    thread = f"trial-{slot:%Y%m%dT%H%M}"
    message = Message(
        incident=thread,
        kind=NotificationKind.UPDATE,
        severity=Severity.INFO,
        headline="Weekly test: everybody can be reached"
        if found.is_good
        else "Weekly test: not everybody can be reached",
        summary=found.line,
        mark=policy.mark,
    )
    return tuple(
        Notification(
            id=f"{thread}.{destination}",
            thread=thread,
            alert_id=thread,
            destination=destination,
            kind=NotificationKind.UPDATE,
            severity=Severity.INFO,
            order=1,
            created_at=now,
            due_at=now,
            message=to_wire(message),
        )
        for destination in announce
    )
