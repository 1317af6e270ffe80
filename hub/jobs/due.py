"""Whether a job is due, by its schedule, what is known of it, and a moment. Pure: what is decided here is claimed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import JobOutcome, JobState
from hub.jobs.job import CatchUp, Job
from hub.jobs.schedule import JobSlot

CLOCKS_APART = timedelta(seconds=60)
"""What lies further in the future than this was written by a clock that was ahead."""
_LATE = timedelta(seconds=60)
_KEPT_AT_LEAST = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A slot to claim now. `skip` is why it is not run; None where it is."""

    slot: JobSlot
    again: bool = False
    late: bool = False
    requested_by: str | None = None
    skip: str | None = None


def due(job: Job, state: JobState, now: datetime, *, holder: str) -> Due | None:
    """Return what a job should do now; None where it waits. `holder` is the process that asks.

    A slot is due once. One that was missed is run late or skipped, as the job says; of several missed ones the newest counts.
    A slot that failed is due again after its backoff. What a person asked for is due at once.
    """
    if state.requested_at is not None:
        return Due(slot=_own_slot(f"asked for {now.isoformat()}", now), requested_by=state.requested_by or "somebody")
    latest = job.schedule.latest(now)
    if state.last_key == latest.key:
        return Due(slot=latest, again=True) if _may_try_again(job, state, now, holder) else None
    if _waits(state, now, holder):
        return None
    if state.last_slot is None:
        return Due(slot=latest) if job.schedule.starts_at_once or _existed_at(latest, state, now) else None
    if state.last_slot > now + CLOCKS_APART or (state.claimed_at or now) > now + CLOCKS_APART:
        return _after_a_clock_that_was_ahead(job, state, latest, now)
    if state.last_slot > latest.at:
        return None
    return _of_the_schedule(job, latest, now)


def _of_the_schedule(job: Job, latest: JobSlot, now: datetime) -> Due:
    late = now - latest.at > min(_LATE, job.schedule.period / 2)
    skip = "its time passed while no hub could run it" if late and job.catch_up is CatchUp.SKIP else None
    return Due(slot=latest, late=late, skip=skip)


def _existed_at(slot: JobSlot, state: JobState, now: datetime) -> bool:
    """Whether the job was known at the time of a slot, as far as the clock that noted it can be believed."""
    return slot.at >= state.known_since or state.known_since > now + CLOCKS_APART


def _after_a_clock_that_was_ahead(job: Job, state: JobState, latest: JobSlot, now: datetime) -> Due | None:
    """An interval goes on at once under a key of its own, for its slots until then were claimed; a local time waits for the first
    date that was not."""
    if job.schedule.starts_at_once:
        return Due(slot=_own_slot(now.isoformat(), now))
    return _of_the_schedule(job, latest, now) if _existed_at(latest, state, now) else None


def _own_slot(key: str, now: datetime) -> JobSlot:
    return JobSlot(key=key, at=now)


def _waits(state: JobState, now: datetime, holder: str) -> bool:
    """Whether a failure still keeps the job from being tried."""
    if state.not_before is None or now >= state.not_before:
        return False
    failed_in_the_future = state.last_ended_at is not None and state.last_ended_at > now + CLOCKS_APART
    of_other_settings = state.permanent and state.refused_by != holder
    return not failed_in_the_future and not of_other_settings


def _may_try_again(job: Job, state: JobState, now: datetime, holder: str) -> bool:
    failed = state.slot_outcome in (JobOutcome.FAILED, JobOutcome.TIMED_OUT) and state.not_before is not None
    if not failed or _waits(state, now, holder) or (state.permanent and state.refused_by == holder):
        return False
    return state.slot_first_at is None or now - state.slot_first_at < job.give_up_after


def next_time(job: Job, state: JobState | None, now: datetime) -> datetime:
    """Return when a job runs next as far as can be known: at its next slot, or earlier where a failed one is tried again."""
    following = job.schedule.following(now).at
    if state is None or state.not_before is None or state.not_before <= now:
        return following
    if state.permanent or state.not_before >= following:
        return max(following, state.not_before)
    return state.not_before


def kept_until(job: Job, slot: JobSlot, now: datetime) -> datetime:
    """Return how long a claim is kept: until its slot cannot be the newest one any more, with room for a clock that is wrong."""
    return max(slot.at, now) + max(_KEPT_AT_LEAST, 3 * job.schedule.period)
