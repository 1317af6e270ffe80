"""The hub's named jobs: one file a job, their registry, and the scheduler that runs each slot at most once."""

from hub.jobs.alerts_trial import trial_jobs
from hub.jobs.job import Backoff, CatchUp, Job, JobContext, JobError, JobServices
from hub.jobs.registry import JOBS, configured_jobs
from hub.jobs.reports import report_jobs
from hub.jobs.schedule import AtLocalTime, Every, daily, monthly, weekly
from hub.jobs.scheduler import JOBS_LEASE, JobScheduler
from hub.jobs.sources import source_jobs

__all__ = [
    "JOBS",
    "JOBS_LEASE",
    "AtLocalTime",
    "Backoff",
    "CatchUp",
    "Every",
    "Job",
    "JobContext",
    "JobError",
    "JobScheduler",
    "JobServices",
    "configured_jobs",
    "daily",
    "monthly",
    "report_jobs",
    "source_jobs",
    "trial_jobs",
    "weekly",
]
