"""The jobs there are. A new one is a file here and a line in `JOBS`."""

from __future__ import annotations

from hub.jobs import escalation_audit, evidence_limit, missed_slots, orphans, otlp, retention, status_page
from hub.jobs.alerts_trial import trial_jobs
from hub.jobs.job import Job, JobServices
from hub.jobs.reports import report_jobs
from hub.jobs.sources import source_jobs

JOBS: tuple[Job, ...] = (
    missed_slots.JOB,
    retention.JOB,
    evidence_limit.JOB,
    orphans.JOB,
    escalation_audit.JOB,
    status_page.JOB,
    otlp.JOB,
)


def configured_jobs(services: JobServices, *, scale: float = 1.0) -> tuple[Job, ...]:
    """Return the jobs that there is work for here, one for each scheduled report and each source among them; their intervals are
    `scale` times shorter (the demo's clock)."""
    return tuple(
        job.scaled(scale) if scale != 1 else job
        for job in (*JOBS, *trial_jobs(services.trial), *report_jobs(services.watched), *source_jobs(services.sources))
        if job.is_configured(services)
    )
