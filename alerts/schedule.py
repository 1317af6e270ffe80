"""The third stage of the pipeline: decides when a message is due, and what happens if its alert ends before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.policy import Policy
from alerts.suppress import Hold, deferred
from facts import HoldReason, Notification, NotificationState, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Holds when a message is sent, and the reason for a delay in `hold`; None if it is sent at once."""

    at: datetime
    hold: Hold | None = None


def due(severity: Severity, policy: Policy, now: datetime) -> Due:
    """Return when a message of a severity is due: now, or when what holds it back ends."""
    hold = deferred(severity, policy, now)
    return Due(at=hold.until if hold is not None and hold.until is not None else now, hold=hold)


def is_waiting(notification: Notification) -> bool:
    """Return whether an owed message was held back on purpose, so that nobody can have received it yet."""
    deferrals = (HoldReason.BUSINESS_HOURS,)
    return notification.state is NotificationState.OWED and notification.hold in deferrals and notification.tries == 0


def summed_up(notification: Notification, policy: Policy) -> bool:
    """Return whether a digest covers the alert of a waiting message, so that its end needs no message of its own."""
    digest = policy.digest
    return is_waiting(notification) and digest is not None and notification.severity in digest.severities
