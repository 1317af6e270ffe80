"""The second stage of the pipeline: what holds an alert or its messages back, each with a named reason that is stored. Pure.

An alert that is suppressed opens no incident and owes no message (`ALERT_STAGES`). A message that is deferred is owed, and waits
(`MESSAGE_STAGES`). A new reason is a function here, its place in one of the two lists, and a member of `facts.HoldReason`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.policy import Policy
from alerts.silences import silence_of
from facts import Alert, HoldReason, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Holds why something is held back: the reason, its sentence, and until when (None: it is never sent)."""

    reason: HoldReason
    says: str
    until: datetime | None = None


def inhibition(alert: Alert, _policy: Policy, _now: datetime) -> Hold | None:
    """Hold an alert back that another one covers."""
    if alert.inhibited_by is None:
        return None
    return Hold(reason=HoldReason.INHIBITION, says=f"{alert.inhibited_by} covers it")


def silence(alert: Alert, policy: Policy, now: datetime) -> Hold | None:
    """Hold an alert back that a person silenced."""
    found = silence_of(alert, policy.silences, now)
    if found is None:
        return None
    says = f"{found.id} by {found.by} silences it until {found.ends_at:%Y-%m-%d %H:%M} UTC: {found.reason}"
    return Hold(reason=HoldReason.SILENCE, says=says, until=found.ends_at)


def maintenance(alert: Alert, policy: Policy, now: datetime) -> Hold | None:
    """Hold back an alert about something under maintenance now; of several windows, the one that ends last counts."""
    active = [(times[1], one) for one in policy.maintenance if one.covers(alert) and (times := one.active(now))]
    if not active:
        return None
    ends, window = max(active, key=lambda found: (found[0], found[1].name))
    says = f"maintenance {window.name} until {ends:%Y-%m-%d %H:%M} UTC: {window.reason}"
    return Hold(reason=HoldReason.MAINTENANCE, says=says, until=ends)


def held_for_now(alert: Alert, policy: Policy, now: datetime) -> Hold | None:
    """Return what a person asked for that holds an alert back until it ends: a silence, or a maintenance window."""
    return silence(alert, policy, now) or maintenance(alert, policy, now)


def business_hours(severity: Severity, policy: Policy, now: datetime) -> Hold | None:
    """Hold a message back until business hours open, where its severity keeps to them."""
    hours = policy.clock(severity)
    if hours is None or hours.is_open(now):
        return None
    opening = hours.next_opening(now)
    local = hours.local(opening)
    says = f"held until {local:%a %d %b %H:%M} ({hours.zone}): outside business hours"
    return Hold(reason=HoldReason.BUSINESS_HOURS, says=says, until=opening)


ALERT_STAGES: tuple[Callable[[Alert, Policy, datetime], Hold | None], ...] = (inhibition, silence, maintenance)
MESSAGE_STAGES: tuple[Callable[[Severity, Policy, datetime], Hold | None], ...] = (business_hours,)


def suppressed(alert: Alert, policy: Policy, now: datetime) -> Hold | None:
    """Return what holds an alert back, by the first stage that does; None if it is sent."""
    return next((hold for stage in ALERT_STAGES if (hold := stage(alert, policy, now)) is not None), None)


def deferred(severity: Severity, policy: Policy, now: datetime) -> Hold | None:
    """Return what holds a message back: the first of the stages that does; None if it is sent now."""
    return next((hold for stage in MESSAGE_STAGES if (hold := stage(severity, policy, now)) is not None), None)
