"""Lets go of what is older than it is kept: runs, samples, alerts, and evidence with its files."""

from __future__ import annotations

from hub.jobs.clock_check import refuse_a_wrong_clock
from hub.jobs.job import Job, JobContext
from hub.jobs.schedule import Every
from store import retention


def _sweep(context: JobContext) -> str:
    refuse_a_wrong_clock(context)
    services = context.services
    swept = retention.sweep(services.store, now=services.clock(), check=context.check)
    services.artifacts.remove(swept.evidence)
    rows, files = sum(swept.rows.values()), len(swept.evidence)
    return f"{rows:,} rows and {files:,} files of evidence were let go" if rows or files else "nothing was too old"


JOB = Job(
    name="retention",
    purpose="Lets go of runs, samples, alerts and evidence that are older than they are kept.",
    schedule=Every(600),
    do=_sweep,
    deadline_s=1800.0,
)
