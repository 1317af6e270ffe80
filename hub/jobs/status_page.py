"""Publishes the public status page into the folder that site.yaml names."""

from __future__ import annotations

from pathlib import Path

from hub.jobs.job import CatchUp, Job, JobContext, JobError, JobServices
from hub.jobs.schedule import Every
from hub.status_page import StatusPageError, load_summary, look_of, publish


def _publish(context: JobContext) -> str:
    services = context.services
    settings = services.watched.site.status_page
    assert settings is not None
    assert settings.folder is not None
    try:
        windows = services.policy.maintenance
        summary = load_summary(services.store, services.watched, services.clock(), maintenance=windows)
        count = publish(summary, look_of(settings), Path(settings.folder))
    except StatusPageError as error:
        raise JobError(str(error)) from None
    return f"{count} files in {settings.folder}: {summary.state.words.lower()}"


def _is_configured(services: JobServices) -> bool:
    settings = services.watched.site.status_page
    return settings is not None and settings.folder is not None


JOB = Job(
    name="status_page",
    purpose="Publishes the public status page.",
    schedule=Every(60),
    do=_publish,
    catch_up=CatchUp.SKIP,
    deadline_s=60.0,
    is_configured=_is_configured,
)
