"""Shows an alert with its messages and its escalation, for the overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Alert, AlertState, LadderRow, Notification, Severity, Silence, trail_of
from reports.live.frame import Ago, ago
from reports.live.silences import silenced_words
from reports.words import span

SEVERITY_TONES = {Severity.CRITICAL: "bad", Severity.HIGH: "warn", Severity.MEDIUM: "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRow:
    """Holds one message: its destination, content and state."""

    destination: str
    kind: str
    state: str
    tries: int
    at: Ago | None
    note: str
    trail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """Holds one call of an escalation tier: whom, its state, when, and what came of it."""

    tier: str
    roles: str
    state: str
    at: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """Holds one alert in the form shown on pages."""

    id: str
    title: str
    summary: str
    severity: str
    tone: str
    state: str
    since: Ago | None
    lasted: str | None
    acked: str | None
    can_ack: bool
    incident: str | None
    inhibited_by: str | None
    counted: str
    left_out: tuple[str, ...]
    run_id: str | None
    runbook: str | None
    last_known: bool
    closed: str | None = None
    silenced: str | None = None
    is_flapping: bool = False
    notifications: tuple[NotificationRow, ...] = ()
    calls: tuple[CallRow, ...] = ()


def alert_row(
    alert: Alert,
    now: datetime,
    notifications: Sequence[Notification] = (),
    calls: Sequence[LadderRow] = (),
    silence: Silence | None = None,
) -> AlertRow:
    """Return the row of an alert; `notifications` and `calls` are those of its incident, `silence` is what holds it back."""
    firing = alert.state is AlertState.FIRING
    over = alert.resolved_at is not None
    ended = (alert.over_at or now) if over else now
    if alert.needs_review:
        state = "needs review"
    elif alert.closed:
        state = "closed"
    else:
        state = alert.state.value
    return AlertRow(
        id=alert.id,
        title=(alert.title_past if over else "") or alert.title or alert.key,
        summary=alert.summary,
        severity=alert.severity.value,
        tone=SEVERITY_TONES.get(alert.severity, "mute") if firing else "mute",
        state=state,
        since=ago(alert.began_at, now),
        lasted=span(max(ended - alert.began_at, timedelta(0))) if alert.state is not AlertState.PENDING else None,
        acked=alert.acked_by,
        can_ack=(firing and alert.acked_at is None) or alert.needs_review,
        incident=alert.incident,
        inhibited_by=alert.inhibited_by,
        counted=", ".join(alert.counted),
        left_out=alert.left_out,
        run_id=alert.runs[-1] if alert.runs else None,
        runbook=alert.runbook,
        last_known=alert.last_known,
        closed=alert.closed,
        silenced=silenced_words(silence),
        is_flapping=alert.flapping and not over,
        notifications=tuple(_row(n, now) for n in notifications),
        calls=tuple(_call(row) for row in calls),
    )


def _call(row: LadderRow) -> CallRow:
    return CallRow(
        tier=f"Tier {row.tier}{f', repetition {row.repeat}' if row.repeat else ''}",
        roles=", ".join(recipient.role for recipient in row.recipients) or "nobody",
        state=row.status.value,
        at=f"{row.done_at or row.due_at:%Y-%m-%d %H:%M:%S} UTC",
        note=row.note or "",
    )


def _row(notification: Notification, now: datetime) -> NotificationRow:
    return NotificationRow(
        destination=notification.destination,
        kind=notification.kind.value,
        state=notification.state.value,
        tries=notification.tries,
        at=ago(notification.delivered_at or notification.created_at, now),
        note=notification.reason or notification.last_error or "",
        trail=trail_of(notification),
    )
