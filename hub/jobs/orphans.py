"""Deletes files of evidence that belong to nothing."""

from __future__ import annotations

from hub.jobs.job import Job, JobContext
from hub.jobs.schedule import Every
from process.logs import get_logger

_log = get_logger("sixfb.hub")


def _sweep(context: JobContext) -> str:
    swept = context.services.artifacts.sweep(now=context.services.clock())
    if not swept:
        return "every file belongs to a run"
    _log.info("orphans_swept", files=swept)
    return f"{swept:,} files were deleted"


JOB = Job(
    name="orphans",
    purpose="Deletes files of evidence that belong to no run.",
    # It looks at every file of evidence, of which there may be a hundred thousand.
    schedule=Every(3600),
    do=_sweep,
    deadline_s=1800.0,
)
