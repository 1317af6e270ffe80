"""Sends the weekly test message to every destination, stores what each answered, and says who cannot be reached."""

from __future__ import annotations

from alerts.weekly_trial import WeeklyTrial, announcement, readiness
from hub.jobs.job import CatchUp, Job, JobContext, JobServices
from hub.jobs.schedule import weekly
from process.logs import get_logger
from store import outbox, trials

_log = get_logger("sixfb.hub")
BY = "the weekly test"


def trial_jobs(trial: WeeklyTrial | None) -> tuple[Job, ...]:
    """Return the job of the weekly test; none where alerts.yaml wants no test."""
    if trial is None:
        return ()
    return (
        Job(
            name="alerts_trial",
            purpose="Sends a test message to every destination, and says who cannot be reached.",
            schedule=weekly(trial.weekday, trial.at, zone=trial.zone),
            do=_try,
            # A test that comes at another hour than the one that people know of would alarm them.
            catch_up=CatchUp.SKIP,
            deadline_s=300.0,
        ),
    )


def _try(context: JobContext) -> str:
    services: JobServices = context.services
    trial, now = services.trial, services.clock()
    assert trial is not None
    results = trial.send(now)
    found = readiness(results, services.policy, now)
    stored = [
        trials.StoredTrial(
            trial=f"trial-{context.slot:%Y%m%dT%H%M}",
            destination=one.destination,
            at=now,
            ok=one.ok,
            detail=one.detail[:500],
            by=BY,
        )
        for one in results
    ]
    with services.store.write() as connection:
        trials.add(connection, stored)
        outbox.owe(connection, announcement(found, trial.announce, services.policy, context.slot, now))
    if not found.is_good:
        _log.warning("not_everybody_can_be_reached", readiness=found.line)
    return found.line
