"""Writes slots down as missed that nobody told of within a day, so that every slot ends in one record."""

from __future__ import annotations

from hub.jobs.clock_check import refuse_a_wrong_clock
from hub.jobs.job import Job, JobContext
from hub.jobs.schedule import Every
from hub.unknown_slots import write_missed


def _write(context: JobContext) -> str:
    refuse_a_wrong_clock(context)
    services = context.services
    written = write_missed(
        services.store,
        services.watched,
        since=services.first_watched,
        now=services.clock(),
        check=context.check,
        maintenance=services.policy.maintenance,
    )
    return f"{written} slots were written down as missed" if written else "no slot is without a record"


JOB = Job(
    name="missed_slots",
    purpose="Writes slots down as missed that no runner told of within 24 h.",
    schedule=Every(600),
    do=_write,
)
