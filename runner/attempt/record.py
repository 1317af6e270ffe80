"""Makes the single record of a run from its attempts and their observations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from facts import Attempt, Run, Status, from_wire, to_wire
from redact import Scrubber
from runner.attempt.job import Job
from runner.attempt.observation import NO_BROWSER, AttemptObservation, JourneyLimits
from runner.attempt.trim import trimmed

_LONGEST_TITLE = 200


def record(
    job: Job,
    attempts: Sequence[Attempt],
    observation: Sequence[AttemptObservation],
    *,
    course: JourneyLimits,
    scrubber: Scrubber,
    started_at: datetime,
    finished_at: datetime,
) -> Run:
    """Return the record, with every secret masked whatever its origin, and no larger than the hub accepts."""
    counted = _counted(attempts)
    slow_after = None if course.slow_after_s is None else course.slow_after_s * 1000
    passed = counted.status is Status.PASSED
    run = Run(
        id=job.run_id,
        journey=job.journey,
        location=job.location,
        slot=job.slot,
        status=counted.status,
        blame=counted.blame,
        slow=passed and slow_after is not None and counted.duration_ms > slow_after,
        flaky=passed and counted.number > 1,
        failed_step=counted.failed_step,
        error=counted.error,
        duration_ms=counted.duration_ms,
        slow_after_ms=slow_after,
        started_at=started_at,
        finished_at=finished_at,
        site=job.site.shown_url,
        browser=next((one.browser for one in reversed(observation) if one.browser != NO_BROWSER), NO_BROWSER),
        plan=job.plan_hash,
        counts=counted.number,
        attempts=tuple(attempts),
        steps=counted.steps,
        vitals=counted.vitals,
        purchases=tuple({key: bought for one in observation for key, bought in one.purchases.items()}.values()),
        evidence=tuple(fact for one in observation for fact in one.evidence),
        notes=tuple(_notes(job, counted, observation)),
        buys=course.buys,
        title=course.title[:_LONGEST_TITLE] if course.title else None,
    )
    return trimmed(from_wire(Run, scrubber.mask_all(to_wire(run))[0]))


def _counted(attempts: Sequence[Attempt]) -> Attempt:
    """Return the attempt that counts: the last one, unless it errored or was blocked and so could not confirm or refute the first."""
    last = attempts[-1]
    return attempts[0] if last.status in (Status.ERRORED, Status.BLOCKED) else last


def _notes(job: Job, counted: Attempt, observation: Sequence[AttemptObservation]) -> list[str]:
    notes: list[str] = []
    for one in observation:
        notes += [note for note in one.notes if note not in notes]
    if counted.traced:
        notes.append("the attempt that counts was traced, which stretches its step times")
    if not job.sandbox:
        notes.append("the browser's sandbox was off")
    return notes
