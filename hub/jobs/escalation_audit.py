"""Finds alerts that fire unacknowledged and that nobody will be called for, and escalates them again."""

from __future__ import annotations

from dataclasses import replace

from alerts.machine import audit
from hub.cycle import save_step, standing_alerts, with_silences
from hub.jobs.job import CatchUp, Job, JobContext
from hub.jobs.schedule import Every
from process.logs import get_logger

_log = get_logger("sixfb.hub")


def _audit(context: JobContext) -> str:
    services = context.services
    now = services.clock()
    with services.store.write() as connection:
        policy, standing = with_silences(connection, services.policy, now), standing_alerts(connection)
        step = audit(standing, policy, now)
        if step.notifications:
            # Its message tells the money at risk, as every other does; what is sold is read only for that.
            step = audit(standing, replace(policy, sales=services.sales_rate(connection, now)), now)
        save_step(connection, step, now)
    repaired = sorted({row.incident for row in step.ladder})
    if not repaired:
        return "every alert that fires is acknowledged or has somebody to be called"
    _log.error("escalation_had_stopped", incidents=repaired)
    return f"the escalation of {', '.join(repaired)} had stopped and goes on"


JOB = Job(
    name="escalation_audit",
    purpose="Finds unacknowledged alerts whose escalation has stopped, and goes on with it.",
    schedule=Every(60),
    do=_audit,
    catch_up=CatchUp.SKIP,
    deadline_s=60.0,
    is_configured=lambda services: services.policy.escalation is not None,
)
