"""Resolves an alert by hand: ends one that cannot end by itself, with the person and the reason."""

from __future__ import annotations

from datetime import datetime

from alerts.machine import resolve as resolved
from alerts.policy import Policy
from facts import Alert, AlertState
from hub.cycle import save_step, standing_alerts, with_deploys
from hub.errors import HubError
from hub.records import storable
from process.logs import get_logger
from store import Store
from store import alerts as alert_rows

_log = get_logger("sixfb.hub")
LONGEST_REASON = 300
_OPEN = (AlertState.PENDING, AlertState.FIRING)


def read_reason(text: object) -> str:
    """Return why an alert is resolved by hand, in one line. Raises ValueError where nothing is said, or too much."""
    reason = " ".join(storable(text).split()) if isinstance(text, str) else ""
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise ValueError(f"reason: write why it is resolved, in 1 to {LONGEST_REASON} characters")
    return reason


def resolve(store: Store, policy: Policy, alert_id: str, *, by: str, reason: str, now: datetime) -> Alert:
    """End a pending or firing alert, and its incident if nothing else fires in it; everybody who was told learns it, and why.

    It fires again, as a new episode, if its rule is breached at a later tick.

    Raises:
        HubError: 404 no such alert, 409 it is over.
    """
    with store.write() as connection:
        alert = alert_rows.get(connection, alert_id)
        if alert is None:
            raise HubError(404, f"no alert {alert_id!r:.220}; `sixfb alerts list` shows those there are")
        standing = standing_alerts(connection)
        current = next((one for one in standing.alerts if one.id == alert_id and one.state in _OPEN), None)
        if current is None:
            when = f" since {alert.resolved_at:%H:%M:%S} UTC" if alert.resolved_at else ""
            review = "; acknowledge it to end its review" if alert.needs_review else ""
            raise HubError(409, f"{alert_id} is {alert.state}{when}; there is nothing to resolve{review}")
        policy = with_deploys(
            connection, policy, [one.began_at for one in (alert, *standing.alerts, *standing.past)], now
        )
        save_step(connection, resolved(standing, current, policy, by=by, reason=reason, now=now), now)
        _log.info("resolved_by_hand", alert=alert_id, by=by, reason=reason)
        return alert_rows.get(connection, alert_id) or alert
