"""Acknowledges, unacknowledges and escalates: records the person and the time, and notifies the destinations of the alert."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from alerts.machine import Standing, acknowledge, escalate, unacknowledge
from alerts.policy import Policy
from facts import Alert, AlertState, LadderRow
from hub.cycle import save_step, standing_alerts, with_silences
from hub.errors import HubError
from store import Store
from store import alerts as alert_rows


def take_on(store: Store, policy: Policy, alert_id: str, *, by: str, now: datetime, take: bool = True) -> Alert:
    """Acknowledge an alert and its incident, or with `take=False` unacknowledge it; a repetition changes nothing.

    An alert that is resolved stands for its incident while that is open.

    Raises:
        HubError: 404 no such alert, 409 it is resolved.
    """
    with store.write() as connection:
        alert = alert_rows.get(connection, alert_id)
        if alert is None:
            raise HubError(404, f"no alert {alert_id!r}; `sixfb alerts list` shows those there are")
        standing = standing_alerts(connection)
        is_open = any(incident.id == alert.incident for incident in standing.incidents)
        if alert.resolved_at is not None and not alert.needs_review and not is_open:
            raise HubError(
                409, f"{alert_id} was resolved at {alert.resolved_at:%H:%M:%S} UTC; there is nothing to take on"
            )
        step = (acknowledge if take else unacknowledge)(standing, alert, policy, by=by, now=now)
        save_step(connection, step, now)
        return alert_rows.get(connection, alert_id) or alert


def alert_of(standing: Standing, incident_id: str) -> Alert | None:
    """Return the alert that stands for an open incident: its lead if that fires, else another that does, else one that is over."""
    incident = next((one for one in standing.incidents if one.id == incident_id), None)
    if incident is None:
        return None
    members = [one for one in (*standing.alerts, *standing.past) if one.incident == incident_id]
    members.sort(key=lambda one: (one.state is not AlertState.FIRING, one.id != incident.lead, one.id))
    return members[0] if members else None


def acknowledge_incident(
    connection: Connection,
    standing: Standing,
    alert: Alert,
    policy: Policy,
    *,
    by: str,
    now: datetime,
    not_to: Collection[str] = (),
) -> bool:
    """Acknowledge the incident that an alert stands for, in the caller's transaction; return whether anything changed.

    `not_to` are the destinations that the acknowledgement came from: they know it.
    """
    step = acknowledge(standing, alert, policy, by=by, now=now, not_to=not_to)
    save_step(connection, step, now)
    return bool(step.alerts)


def give_back_incident(
    connection: Connection, standing: Standing, alert: Alert, policy: Policy, *, by: str, now: datetime
) -> bool:
    """Unacknowledge the incident that an alert stands for, in the caller's transaction; return whether anything changed."""
    step = unacknowledge(standing, alert, policy, by=by, now=now)
    save_step(connection, step, now)
    return bool(step.alerts)


def escalate_incident(
    connection: Connection, standing: Standing, incident_id: str, policy: Policy, *, now: datetime
) -> tuple[LadderRow, ...]:
    """Call the next tier of an incident now, in the caller's transaction; return the tiers that were called."""
    step = escalate(standing, incident_id, with_silences(connection, policy, now), now=now)
    save_step(connection, step, now)
    return tuple(row for row in step.ladder if row.done_at == now and row.destinations)
