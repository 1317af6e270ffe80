"""Keeps the evidence within its limit of bytes; that of the oldest passed runs is deleted first."""

from __future__ import annotations

from hub.jobs.clock_check import refuse_a_wrong_clock
from hub.jobs.job import Job, JobContext
from hub.jobs.schedule import Every
from process.logs import get_logger

_log = get_logger("sixfb.hub")


def _make_room(context: JobContext) -> str:
    refuse_a_wrong_clock(context)
    gone = context.services.artifacts.make_room(context.services.evidence_bytes)
    if not gone:
        return "all evidence is within its limit"
    _log.warning("evidence_let_go", artifacts=gone)
    return f"{gone:,} artifacts were let go"


JOB = Job(
    name="evidence_limit",
    purpose="Keeps the evidence within SIXFB_EVIDENCE_GB, the oldest of passed runs going first.",
    schedule=Every(600),
    do=_make_room,
    deadline_s=900.0,
)
