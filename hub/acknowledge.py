"""Acknowledges and unacknowledges: records the person and the time, and notifies the destinations of the alert."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.machine import Standing, acknowledge, unacknowledge
from alerts.policy import Policy
from config.durations import seconds
from facts import Alert, AlertState
from hub.cycle import save_step, standing_alerts, with_deploys
from hub.errors import HubError
from store import Store
from store import alerts as alert_rows

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=7)
"""For how long an alert may be acknowledged: one that lasts longer than a week is forgotten."""


def read_length(text: object) -> timedelta | None:
    """Return for how long an acknowledgement is asked to hold, like `2h`; None where nothing is said. Raises ValueError."""
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise ValueError(f"for: {text!r:.40} is no length; write it like 30m, 2h or 1d")
    try:
        length = timedelta(seconds=seconds(text.strip(), key="for"))
    except OverflowError:
        length = timedelta.max
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(f"for: {text:.40} is not between 1m and 7d; an acknowledgement that lasts longer is forgotten")
    return length


def take_on(
    store: Store,
    policy: Policy,
    alert_id: str,
    *,
    by: str,
    now: datetime,
    take: bool = True,
    length: timedelta | None = None,
) -> Alert:
    """Acknowledge an alert and its incident, or with `take=False` unacknowledge it; a repetition changes nothing.

    An alert that is resolved stands for its incident while that is open. `length` is how long the acknowledgement holds; None where it
    holds as long as the escalation in alerts.yaml says.

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
        policy = with_deploys(
            connection, policy, [one.began_at for one in (alert, *standing.alerts, *standing.past)], now
        )
        if take:
            until = now + length if length is not None else None
            step = acknowledge(standing, alert, policy, by=by, now=now, until=until)
        else:
            step = unacknowledge(standing, alert, policy, by=by, now=now)
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
