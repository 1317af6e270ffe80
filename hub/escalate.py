"""Escalates an incident because a person asks for it: the next tier is called at once instead of when its time comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from alerts.machine import EscalationRefusedError, Standing
from alerts.machine import escalate as escalated
from alerts.policy import Policy
from facts import LadderRow, LadderStatus
from hub.cycle import save_step, standing_alerts, with_deploys, with_silences
from hub.errors import HubError
from hub.money_at_risk import site_sales_rate
from journeys.site import Site
from process.logs import get_logger
from store import Store, incidents

_log = get_logger("sixfb.hub")
_CALLED = (LadderStatus.DONE, LadderStatus.UNREACHED)


def escalate(
    store: Store, policy: Policy, incident_id: str, *, by: str, now: datetime, site: Site | None = None
) -> tuple[LadderRow, ...]:
    """Call the next tier of an incident now, and return the tiers that were called, in order.

    There is more than one where a tier reaches nobody. `site` tells what is usually sold, for the money at risk in the messages.

    Raises:
        HubError: 404 no such incident, 409 it is resolved, silenced or in maintenance, or no tier is left to call.
    """
    with store.write() as connection:
        # A tick that works at the same time must not call, and write, the same tier.
        standing = standing_alerts(connection)
        incident = incidents.get(connection, incident_id)
        if incident is None:
            raise HubError(404, f"no incident {incident_id!r:.80}; `sixfb alerts incidents` lists those there are")
        if incident.resolved_at is not None:
            raise HubError(
                409, f"{incident_id} was resolved at {incident.resolved_at:%H:%M:%S} UTC; there is nobody to call"
            )
        try:
            return escalate_within(connection, standing, incident_id, policy, by=by, now=now, site=site)
        except EscalationRefusedError as error:
            raise HubError(409, str(error)) from None


def escalate_within(
    connection: Connection,
    standing: Standing,
    incident_id: str,
    policy: Policy,
    *,
    by: str,
    now: datetime,
    site: Site | None = None,
) -> tuple[LadderRow, ...]:
    """Call the next tier of an open incident in the caller's transaction, and return the tiers that were called, in order.

    Raises:
        EscalationRefusedError: it is silenced or in maintenance, or no tier is left to call.
    """
    policy = with_deploys(
        connection, with_silences(connection, policy, now), [a.began_at for a in standing.alerts], now
    )
    if site is not None:
        policy = replace(policy, sales=site_sales_rate(connection, site, now))
    step = escalated(standing, incident_id, policy, by=by, now=now)
    save_step(connection, step, now)
    called = [row for row in step.ladder if row.done_at == now and row.status in _CALLED]
    called.sort(key=lambda row: (row.tier, row.repeat))
    _log.info("escalated_by_hand", incident=incident_id, tiers=[row.tier for row in called], by=by)
    return tuple(called)
