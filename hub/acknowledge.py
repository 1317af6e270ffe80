"""Acknowledges an alert: records the person and the time, and notifies the destinations of the alert."""

from __future__ import annotations

from datetime import datetime

from alerts.machine import acknowledge, unacknowledge
from alerts.policy import Policy
from facts import Alert
from hub.cycle import save_step, standing_alerts
from hub.errors import HubError
from store import Store
from store import alerts as alert_rows


def take_on(store: Store, policy: Policy, alert_id: str, *, by: str, now: datetime, take: bool = True) -> Alert:
    """Acknowledge an alert and its incident, or with `take=False` unacknowledge it; a repetition changes nothing.

    Raises:
        HubError: 404 no such alert, 409 it is resolved.
    """
    with store.write() as connection:
        alert = alert_rows.get(connection, alert_id)
        if alert is None:
            raise HubError(404, f"no alert {alert_id!r}; `sixfb alerts list` shows those there are")
        standing = standing_alerts(connection)
        if alert.resolved_at is not None and not alert.needs_review:
            raise HubError(
                409, f"{alert_id} was resolved at {alert.resolved_at:%H:%M:%S} UTC; there is nothing to take on"
            )
        step = (acknowledge if take else unacknowledge)(standing, alert, policy, by=by, now=now)
        save_step(connection, step, now)
        return alert_rows.get(connection, alert_id) or alert
