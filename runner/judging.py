"""How an attempt ended: judged from its own account of its walk, or from what is known of one that did not live to give it."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from config.network import on_the_way
from facts import Attempt, Blame, Status, Step, StepStatus
from journeys.failure import Failure
from journeys.net_errors import is_the_sites
from runner.blame import Surroundings, group_of, judge, wants_a_look
from runner.canaries import door_opens, look
from runner.caps import Finding
from runner.job import Job
from runner.machine import short_of
from runner.minder import LAUNCH_S
from runner.seen import Seen
from runner.stuck import clearer


def judged(seen: Seen, job: Job, steps: Sequence[str]) -> Attempt:
    """The attempt with its status and blame; `steps` are the journey's, as far as any attempt has told them."""
    if seen.attempt is not None:
        walked = _judge_walk(seen.attempt, seen.failure, job, seen.folder)
        return clearer(walked, page_never_rested=seen.page_never_rested)
    if seen.unable is not None:
        status = (Status.FAILED, Blame.JOURNEY) if seen.unable_journey else (Status.ERRORED, Blame.RUNNER)
        return unmade(seen, seen.unable, *status, steps=steps)
    if seen.finding is not None:
        return _ended(seen, seen.finding, job, steps)
    return _unseen(seen, _death(seen), steps)


def unmade(seen: Seen, reason: str, status: Status, blame: Blame, *, steps: Sequence[str]) -> Attempt:
    """An attempt that could not be made."""
    return Attempt(
        number=seen.number,
        status=status,
        blame=blame,
        started_at=seen.started_at,
        error=reason,
        error_group=group_of(reason),
        steps=_all_steps({}, steps),
    )


def _unseen(seen: Seen, reason: str, steps: Sequence[str]) -> Attempt:
    """An attempt whose end nobody saw, or that never came to begin."""
    attempt = unmade(seen, reason, Status.ERRORED, Blame.RUNNER, steps=steps)
    return replace(attempt, failed_step=seen.step, steps=_all_steps(seen.steps, steps))


def _judge_walk(attempt: Attempt, failure: Failure | None, job: Job, folder: Path) -> Attempt:
    if failure is None:
        return attempt
    answered = any(r.party == "first" and is_the_sites(r.status) for r in attempt.requests)
    looks = wants_a_look(failure.kind, site_answered=answered)
    # Behind a proxy it is the proxy that answers while our own network is well; the site's own door may open to nobody here.
    proxy = on_the_way(job.proxies, job.site.base_url)
    around = Surroundings(
        canaries=look([*job.canaries, proxy.server] if proxy else job.canaries) if looks else (),
        door_opens=door_opens(job.site.base_url) if looks and not proxy else None,
        short_of=short_of(folder),
    )
    judgement = judge(failure.kind, site_answered=answered, late=failure.late, around=around)
    error = f"{attempt.error}; {judgement.because}" if judgement.because else attempt.error
    group = group_of(failure.sentence)
    return replace(attempt, status=judgement.status, blame=judgement.blame, error=error, error_group=group)


def _ended(seen: Seen, finding: Finding, job: Job, steps: Sequence[str]) -> Attempt:
    """Killed in the midst of a step, or before the first: what it had told by then is kept."""
    if seen.began is None and finding.blame in (Blame.RUNNER, Blame.SITE):
        reason = f"the browser did not start within {LAUNCH_S:g} s"
        reason = f"{reason}: {finding.cause}" if finding.blame is Blame.RUNNER else reason
        return _unseen(seen, reason, steps)
    name = seen.step or (list(seen.steps) or list(steps) or [job.journey])[-1]
    since = time.monotonic() - seen.step_since if seen.step else 0.0
    error = f"{name}: {finding.cause}"
    if seen.step:
        error += f"; the run was ended {since:.0f} s after the step began"
        timed_out = finding.status is Status.TIMED_OUT
        status = StepStatus.TIMED_OUT if timed_out else StepStatus.FAILED
        seen.steps[name] = Step(name=name, status=status, duration_ms=since * 1000, error=error)
    return Attempt(
        number=seen.number,
        status=finding.status,
        blame=finding.blame,
        started_at=seen.started_at,
        failed_step=name,
        error=error,
        error_group=group_of(error),
        where=finding.where,
        duration_ms=sum(step.duration_ms or 0 for step in seen.steps.values()),
        waited_ms=seen.waited_s * 1000,
        steps=_all_steps(seen.steps, steps),
        **seen.so_far,
    )


def _death(seen: Seen) -> str:
    code = seen.exit_code
    if seen.done:
        how = "told nothing that could be read of its walk"
    elif code is None:
        how = "closed its door to the supervisor"
    elif code < 0:
        how = f"was killed ({signal.Signals(-code).name})"
    else:
        how = f"ended by itself with {code}"
    where = f"{seen.step}: " if seen.step else ""
    words = f"; its last words: {seen.last_words}" if seen.last_words else ""
    return f"{where}the attempt's process {how}{words}"


def _all_steps(told: dict[str, Step], steps: Sequence[str]) -> tuple[Step, ...]:
    return tuple(told.get(name, Step(name=name, status=StepStatus.SKIPPED)) for name in steps)
