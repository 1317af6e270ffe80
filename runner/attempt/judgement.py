"""Decides how an attempt ended: from its own report, or from what is known if it died before it could report."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from facts import Attempt, Blame, Status, Step, StepStatus
from journeys.failure import Failure
from journeys.net_errors import is_the_sites
from process.network import on_the_way
from runner.attempt.attempt_process import LAUNCH_S
from runner.attempt.blame import Surroundings, group_of, judge, wants_a_look
from runner.attempt.canaries import look, site_accepts_connections
from runner.attempt.hang import with_hang_cause
from runner.attempt.job import Job
from runner.attempt.limits import Finding
from runner.attempt.machine import short_of
from runner.attempt.observation import AttemptObservation


def judged(observation: AttemptObservation, job: Job, steps: Sequence[str]) -> Attempt:
    """Return the attempt with its status and blame; `steps` are the journey's steps as far as any attempt has reported them."""
    if observation.attempt is not None:
        walked = _judge_walk(observation.attempt, observation.failure, job, observation.folder)
        return with_hang_cause(walked, page_never_rested=observation.page_never_rested)
    if observation.unable is not None:
        status = (Status.FAILED, Blame.JOURNEY) if observation.unable_journey else (Status.ERRORED, Blame.RUNNER)
        return unmade(observation, observation.unable, *status, steps=steps)
    if observation.finding is not None:
        return _ended(observation, observation.finding, job, steps)
    return _unseen(observation, _death(observation), steps)


def unmade(
    observation: AttemptObservation, reason: str, status: Status, blame: Blame, *, steps: Sequence[str]
) -> Attempt:
    """Return the record of an attempt that could not be made."""
    return Attempt(
        number=observation.number,
        status=status,
        blame=blame,
        started_at=observation.started_at,
        error=reason,
        error_group=group_of(reason),
        steps=_all_steps({}, steps),
    )


def _unseen(observation: AttemptObservation, reason: str, steps: Sequence[str]) -> Attempt:
    """Return the record of an attempt that died without a report, or that never started."""
    attempt = unmade(observation, reason, Status.ERRORED, Blame.RUNNER, steps=steps)
    return replace(attempt, failed_step=observation.step, steps=_all_steps(observation.steps, steps))


def _judge_walk(attempt: Attempt, failure: Failure | None, job: Job, folder: Path) -> Attempt:
    if failure is None:
        return attempt
    answered = any(r.party == "first" and is_the_sites(r.status) for r in attempt.requests)
    looks = wants_a_look(failure.kind, site_answered=answered)
    # Behind a proxy the proxy is the canary, because it answers while this machine's network works; the site itself may
    # accept no direct connection from here.
    proxy = on_the_way(job.proxies, job.site.base_url)
    around = Surroundings(
        canaries=look([*job.canaries, proxy.server] if proxy else job.canaries) if looks else (),
        site_accepts_connections=site_accepts_connections(job.site.base_url) if looks and not proxy else None,
        short_of=short_of(folder),
    )
    judgement = judge(failure.kind, site_answered=answered, late=failure.late, around=around)
    error = f"{attempt.error}; {judgement.because}" if judgement.because else attempt.error
    group = group_of(failure.sentence)
    return replace(attempt, status=judgement.status, blame=judgement.blame, error=error, error_group=group)


def _ended(observation: AttemptObservation, finding: Finding, job: Job, steps: Sequence[str]) -> Attempt:
    """Return the record of an attempt that was ended during a step or before the first one; its reports up to then are kept."""
    if observation.began is None and finding.blame in (Blame.RUNNER, Blame.SITE):
        reason = f"the browser did not start within {LAUNCH_S:g} s"
        reason = f"{reason}: {finding.cause}" if finding.blame is Blame.RUNNER else reason
        return _unseen(observation, reason, steps)
    name = observation.step or (list(observation.steps) or list(steps) or [job.journey])[-1]
    since = time.monotonic() - observation.step_since if observation.step else 0.0
    error = f"{name}: {finding.cause}"
    if observation.step:
        error += f"; the run was ended {since:.0f} s after the step began"
        timed_out = finding.status is Status.TIMED_OUT
        status = StepStatus.TIMED_OUT if timed_out else StepStatus.FAILED
        observation.steps[name] = Step(name=name, status=status, duration_ms=since * 1000, error=error)
    return Attempt(
        number=observation.number,
        status=finding.status,
        blame=finding.blame,
        started_at=observation.started_at,
        failed_step=name,
        error=error,
        error_group=group_of(error),
        where=finding.where,
        duration_ms=sum(step.duration_ms or 0 for step in observation.steps.values()),
        waited_ms=observation.waited_s * 1000,
        steps=_all_steps(observation.steps, steps),
        **observation.so_far,
    )


def _death(observation: AttemptObservation) -> str:
    code = observation.exit_code
    if observation.done:
        how = "told nothing that could be read of its walk"
    elif code is None:
        how = "closed its door to the supervisor"
    elif code < 0:
        how = f"was killed ({signal.Signals(-code).name})"
    else:
        how = f"ended by itself with {code}"
    where = f"{observation.step}: " if observation.step else ""
    words = f"; its last words: {observation.last_words}" if observation.last_words else ""
    return f"{where}the attempt's process {how}{words}"


def _all_steps(told: dict[str, Step], steps: Sequence[str]) -> tuple[Step, ...]:
    return tuple(told.get(name, Step(name=name, status=StepStatus.SKIPPED)) for name in steps)
