"""Escalates an incident now: the next tier is called at once instead of when its time comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerts.policy import Policy
from alerts.suppress import business_hours, held_for_now
from facts import AlertState, LadderRow, LadderStatus
from hub.cycle import standing_alerts, with_silences
from hub.errors import HubError
from process.logs import get_logger
from store import Store, incidents, ladder

_log = get_logger("sixfb.hub")


def escalate(store: Store, policy: Policy, incident_id: str, *, by: str, now: datetime) -> LadderRow:
    """Let the next tier of an incident be due now, and return its row; the next tick calls it.

    Raises:
        HubError: 404 no such incident, 409 it is resolved, acknowledged, silenced or waits for business hours, or no tier is left.
    """
    with store.write() as connection:
        # A tick that works at the same time must not call, and write, the same tier.
        standing = standing_alerts(connection)
        incident = incidents.get(connection, incident_id)
        if incident is None:
            raise HubError(404, f"no incident {incident_id!r:.80}; `/incidents` lists those there are")
        if incident.resolved_at is not None:
            raise HubError(
                409, f"{incident_id} was resolved at {incident.resolved_at:%H:%M:%S} UTC; there is nobody to call"
            )
        pending = [row for row in ladder.of_incidents(connection, [incident_id]) if row.status is LadderStatus.PENDING]
        if not pending:
            raise HubError(
                409, f"{incident_id} has no tier left to call: it is acknowledged, or its severity does not escalate"
            )
        policy = with_silences(connection, policy, now)
        firing = [a for a in standing.alerts if a.incident == incident_id and a.state is AlertState.FIRING]
        holds = [held_for_now(alert, policy, now) for alert in firing]
        hold = holds[0] if holds and all(holds) else business_hours(incident.severity, policy, now)
        if hold is not None:
            raise HubError(409, f"nobody is called for {incident_id} now: {hold.says}")
        following = min(pending, key=lambda row: (row.tier, row.repeat))
        called = replace(following, due_at=min(following.due_at, now), asked_by=by)
        ladder.save(connection, [called])
    _log.info("escalated_by_hand", incident=incident_id, tier=called.tier, by=by)
    return called
