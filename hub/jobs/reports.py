"""Writes the daily, weekly and monthly reports into the hub's folder, and mails them to whoever `reports` of alerts.yaml names.

A report is about the last period that was over at the moment of the slot, however late the job runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time, timedelta

from alerts.report_mail import ReportNote
from hub.jobs.job import Job, JobContext, JobError, JobServices
from hub.jobs.schedule import JobSchedule, daily, monthly, weekly
from hub.report_data import ReportSettings
from hub.reports import MadeReport, make_report
from hub.watched import Watched
from reports.pages import write
from reports.periodic.period import last_whole
from reports.periodic.registry import REPORTS

FOLDER = "reports"
_SCHEDULES: Mapping[str, Callable[[str], JobSchedule]] = {
    "daily": lambda zone: daily(time(7, 0), zone=zone),
    "weekly": lambda zone: weekly(0, time(7, 10), zone=zone),
    "monthly": lambda zone: monthly(1, time(7, 20), zone=zone),
}
"""When each is written, in the business's time zone: in the morning after its period."""


def report_jobs(watched: Watched) -> tuple[Job, ...]:
    """Return the job that writes each scheduled report."""
    business = watched.site.business
    zone = business.timezone if business is not None else "UTC"
    return tuple(_job_of(name, schedule(zone), zone) for name, schedule in _SCHEDULES.items())


def _job_of(name: str, schedule: JobSchedule, zone: str) -> Job:
    def make(context: JobContext) -> str:
        return _write(context, name, zone)

    return Job(
        name=f"{name}_report",
        purpose=f"Writes the {name} report, and mails it where alerts.yaml names recipients.",
        schedule=schedule,
        do=make,
        deadline_s=600.0,
        give_up_after=timedelta(hours=20),
        is_configured=lambda services: services.folder is not None and services.targets is not None,
    )


def _write(context: JobContext, name: str, zone: str) -> str:
    """Write and mail one report. Raises JobError."""
    services = context.services
    assert services.folder is not None
    assert services.targets is not None
    settings = ReportSettings(watched=services.watched, targets=services.targets, base_url=services.policy.base_url)
    period = last_whole(REPORTS[name].kind, context.slot, zone)
    made = make_report(services.store, name, period, settings, now=services.clock())
    context.check()
    path = services.folder / FOLDER / made.file_name
    try:
        write(path, made.html())
    except OSError as error:
        raise JobError(f"the report cannot be written to {path}: {error.strerror}") from None
    return f"{made.file_name} was written{_mailed(services, made)}"


def _mailed(services: JobServices, made: MadeReport) -> str:
    """Mail a report to whoever is to get it, and return what came of it, as the end of a sentence. Raises JobError."""
    mail = services.report_mail
    if mail is None:
        return "; nobody is to get it by mail"
    if made.kind.name not in mail.which:
        return "; alerts.yaml does not want it mailed"
    base = services.policy.base_url.rstrip("/")
    note = ReportNote(
        key=f"{made.kind.name}-{made.period.name}",
        subject=made.page.title,
        sentence=made.page.sentence,
        actions=tuple(action.text for action in made.page.actions),
        file_name=made.file_name,
        html=made.html(),
        link=f"{base}/reports/{made.kind.name}?for={made.period.name}" if base else "",
    )
    receipt = mail.send(note)
    if not receipt.ok:
        raise JobError(
            f"{made.file_name} was written, and could not be mailed: {receipt.detail}", permanent=receipt.permanent
        )
    return f" and mailed: {receipt.detail}"
