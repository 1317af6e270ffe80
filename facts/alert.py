"""Defines alerts with their states, incidents, and the messages that alerts owe."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from facts.traits import NO_TRAITS, Traits
from facts.verdict import Severity, digest_of

_LONGEST_THREAD = 64


class AlertState(StrEnum):
    """pending → firing → resolved. A pending alert whose breach ends before its time is `dropped`: no message was sent."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Holds one episode of an alert.

    `key` is the verdict's; `id` is the key with dots and the episode's number, so it fits a path (`F0.ga_purchase.3`).
    `clear_since` is since when the recovery condition has held without a break. `last_known` is true while a firing alert has
    no data. `samples` are the distinct samples seen breaching. `inhibited_by` is the key of the alert that makes this one
    unnecessary to tell. `runs` are run ids that prove it, newest last.
    `breaching` is false for a firing alert whose rule is no longer breached and has not recovered yet. `since` is when the first bad
    run of this failure began, `ended_at` the first good one after the last bad. `title_past` and `summary_past` are title and summary
    once it is over.
    `cause` is the newest failure in the words of its run, where runs failed.
    `acked_until` is when its acknowledgement ends, where the person said for how long.
    `closed` says why it was ended by other than recovery (a location that was removed).
    `traits` are those of its rule; None where an earlier version stored it. `flapping` is true while it fires and resolves again and
    again, and its messages are damped.
    """

    id: str
    key: str
    rule: str
    severity: Severity
    state: AlertState
    episode: int
    pending_since: datetime
    summary: str
    title: str = ""
    journey: str | None = None
    subject: str | None = None
    fired_at: datetime | None = None
    acked_at: datetime | None = None
    acked_by: str | None = None
    acked_until: datetime | None = None
    resolved_at: datetime | None = None
    clear_since: datetime | None = None
    last_known: bool = False
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    incident: str | None = None
    inhibited_by: str | None = None
    runbook: str | None = None
    closed: str | None = None
    needs_review: bool = False
    breaching: bool = True
    since: datetime | None = None
    ended_at: datetime | None = None
    title_past: str = ""
    summary_past: str = ""
    traits: Traits | None = None
    cause: str = ""
    flapping: bool = False

    @property
    def began_at(self) -> datetime:
        """The time when the failure began, as far as the runs show; else when its rule was first breached."""
        return self.since or self.fired_at or self.pending_since

    @property
    def over_at(self) -> datetime | None:
        """When it ended: at the first good run after the last bad one, else when the alert was resolved. None while it is open."""
        return (self.ended_at or self.resolved_at) if self.resolved_at else None

    @property
    def lasted_s(self) -> float | None:
        """The duration in seconds; None while it is open."""
        return max(0.0, (self.over_at - self.began_at).total_seconds()) if self.over_at else None


def urgency(alert: Alert, now: datetime) -> tuple[int, datetime, int, str]:
    """Return what to sort alerts by: the worst first, then the oldest, then what says best what a buyer meets.

    `now` is for one that does not fire yet.
    """
    return alert.severity.rank, alert.fired_at or now, _distance_to_buyer(alert.traits or NO_TRAITS), alert.key


def _distance_to_buyer(traits: Traits) -> int:
    """Return how directly an alert says what a buyer meets; 0 is most directly."""
    if traits.needs_review:
        return 0  # a ticket that was sold twice, an amount that was charged twice: it has happened to somebody
    if traits.journey_fails:
        return 1 if traits.of_payment else 2
    return 3


class NotificationKind(StrEnum):
    """The reason of a message."""

    FIRING = "firing"
    UPDATE = "update"
    """More alerts joined the incident, or one of them became more severe."""
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"


class NotificationState(StrEnum):
    """owed → claimed → delivered; or back to owed for another try; or dead, superseded, suppressed."""

    OWED = "owed"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    DEAD = "dead"
    SUPERSEDED = "superseded"
    """Never delivered, and no longer true: a later message covers it."""
    SUPPRESSED = "suppressed"
    """Withheld on purpose; `reason` says why."""


class Confirmation(StrEnum):
    """Whether a message that a provider took arrived: pending → confirmed or unconfirmed. Most channels tell nothing of this."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    """The provider could not deliver it, or did not say in time that it did."""


class HoldReason(StrEnum):
    """Why a message was held back. A stage of suppression that is added has its reason here."""

    INHIBITION = "inhibition"
    """Another alert covers it; it is not sent."""
    SILENCE = "silence"
    """A person silenced it; it is not sent, and told when it still fires after the silence."""
    MAINTENANCE = "maintenance"
    """A maintenance window covers it; it is not sent, and told when it still fires after the window."""
    BUSINESS_HOURS = "business_hours"
    """It waits for the next opening."""
    SMS_LIMIT = "sms_limit"
    """The phone has got as many SMS as it gets in a while; it is sent when that is over."""
    DIGEST = "digest"
    """It was over before it was due; the next digest sums it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Holds one message owed to one destination.

    `id` is deterministic (incident, kind, sequence, destination), so that owing it twice is owing it once. `thread` is
    the incident's id: the dedup key of every message of one outage. `order` numbers the messages of a thread to a
    destination; a later one waits for an earlier one. `message` is the JSON form of `alerts.message.Message`.
    `hold` is why it was held back, `reason` the same as a sentence. `tier` is the escalation tier that it belongs to.

    `receipt` is what the receiver's service answered. Where that service tells later whether the message arrived, `reference` is
    its name for the message, `confirmation` what it told last, and `confirmed_at` when that became final.
    """

    id: str
    thread: str
    alert_id: str
    destination: str
    kind: NotificationKind
    severity: Severity
    order: int
    created_at: datetime
    due_at: datetime
    state: NotificationState = NotificationState.OWED
    tries: int = 0
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    delivered_at: datetime | None = None
    last_error: str | None = None
    reason: str | None = None
    hold: HoldReason | None = None
    tier: int | None = None
    message: dict[str, Any] = field(default_factory=dict)
    receipt: str | None = None
    reference: str | None = None
    confirmation: Confirmation | None = None
    confirmed_at: datetime | None = None

    @property
    def reached_nobody(self) -> bool:
        """Whether the message certainly reached nobody: it was refused, or its delivery was not confirmed."""
        return self.state is NotificationState.DEAD or self.confirmation is Confirmation.UNCONFIRMED


def withheld_thread(alert_id: str) -> str:
    """Return the thread of the messages of an alert that were held back and belong to no incident."""
    thread = f"withheld-{alert_id}"
    return thread if len(thread) <= _LONGEST_THREAD else f"{thread[: _LONGEST_THREAD - 13]}~{digest_of(alert_id)}"


def trail_of(notification: Notification) -> str:
    """Return in one sentence what became of a message: its state and when, its receipt, and what it was held back by and until when."""
    one, state = notification, notification.state
    parts = []
    if state is NotificationState.DELIVERED:
        parts.append(f"delivered at {_at(one.delivered_at)}")
    elif state is NotificationState.OWED:
        parts.append(f"due at {_at(one.due_at)}")
    else:
        parts.append(f"{state.value} (made at {_at(one.created_at)})")
    if one.tries > 1:
        parts.append(f"{one.tries} tries")
    if one.receipt:
        parts.append(f"receipt: {one.receipt}")
    match one.confirmation:
        case Confirmation.PENDING:
            parts.append("not known yet whether it arrived")
        case Confirmation.CONFIRMED:
            parts.append(f"arrived by {_at(one.confirmed_at)}")
        case Confirmation.UNCONFIRMED:
            parts.append(f"counts as not reached since {_at(one.confirmed_at)}")
    if one.reason:
        parts.append(one.reason)
    if one.last_error and one.last_error != one.receipt:
        parts.append(f"last error: {one.last_error}")
    return "; ".join(parts)


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment is not None else "a time that is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Holds the overdue messages of a destination.

    `since` is when the oldest of them was first tried, or was due if none was tried yet (`tried` is false). `error` is
    the result of the last try.
    """

    destination: str
    since: datetime
    messages: int
    tried: bool
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Holds the alerts with one cause. `lead` is the alert that opened it. `told` are the ids of alerts that its messages have named.

    `updated_at` is when its last message was owed; `sequence` counts them. `flapping_since` is since when its lead fires and resolves
    again and again; None where it does not.
    """

    id: str
    lead: str
    severity: Severity
    opened_at: datetime
    alerts: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
    sequence: int = 0
    flapping_since: datetime | None = None


class LadderStatus(StrEnum):
    """pending → done, or cancelled. A tier that is done and reached nobody is `unreached`."""

    PENDING = "pending"
    DONE = "done"
    CANCELLED = "cancelled"
    """Somebody acknowledged, it was resolved, or a more urgent ladder took its place."""
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Holds a role as it was resolved at one moment: `names` are the people and destinations that stood behind it."""

    role: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRow:
    """Holds one step of an incident's escalation: who is called, and when, unless somebody acknowledges before.

    `tier` counts from 1; `repeat` counts the repetitions of the last tier, 0 for its first call. `round` counts how often the
    ladder was begun. `recipients` are the roles as they were when it was begun, each with its people. `destinations` are those
    that were called, `note` says what came of it. `asked_by` is who called for it before its time.
    """

    id: str
    incident: str
    severity: Severity
    round: int
    tier: int
    due_at: datetime
    created_at: datetime
    repeat: int = 0
    status: LadderStatus = LadderStatus.PENDING
    recipients: tuple[Recipient, ...] = ()
    done_at: datetime | None = None
    destinations: tuple[str, ...] = ()
    note: str | None = None
    asked_by: str | None = None
