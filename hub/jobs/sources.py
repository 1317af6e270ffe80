"""Reads each configured source of numbers on its schedule; the job has the source's name."""

from __future__ import annotations

from collections.abc import Iterable

from hub.collect import CollectResult, Reading, collect_once
from hub.jobs.job import Backoff, Job, JobContext, JobError
from hub.jobs.schedule import Every
from sources import Source

_DEADLINE_S = 120.0


def source_jobs(sources: Iterable[Source]) -> tuple[Job, ...]:
    """Return the job that reads each source."""
    return tuple(_job_of(source) for source in sources)


def _job_of(source: Source) -> Job:
    def read(context: JobContext) -> str:
        period_s = source.every_s / context.services.scale
        reading = collect_once(context.services.store, source, context.services.clock(), period_s=period_s)
        return _sentence(source, reading)

    return Job(
        name=source.name,
        purpose=f"Reads the numbers of the source {source.name}.",
        schedule=Every(source.every_s),
        do=read,
        deadline_s=_DEADLINE_S,
        # How long a source that failed is left alone is kept with its cursor: here the next slot is soon enough.
        backoff=Backoff(first_s=source.every_s, longest_s=source.every_s),
    )


def _sentence(source: Source, reading: Reading) -> str:
    """Return what a reading came to; one that may not be made yet is no failure. Raises JobError where it failed."""
    match reading.result:
        case CollectResult.FAILED:
            raise JobError(reading.error or f"{source.name} brought nothing")
        case CollectResult.WAITING:
            # Nothing was tried, so nothing failed: the failed reading before it was counted as one.
            why = f": {reading.error}" if reading.error else ""
            return f"not asked: {source.name} failed before, and its wait is not over{why}"
        case CollectResult.SUPERSEDED:
            return "another hub read it at the same time"
        case CollectResult.COLLECTED:
            events = f" and {reading.events} events" if reading.events else ""
            noun = "sample" if reading.samples == 1 else "samples"
            return f"{reading.samples} {noun}{events}"
