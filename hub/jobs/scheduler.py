"""Runs the jobs: on one hub at a time by a lease, each slot at most once, each run in a thread of its own within its time.

One thread calls `look` again and again. It alone reads and writes the jobs' rows, so a run that hangs holds up nothing but itself.
The claim of a slot is committed before its work starts: whatever is killed after that is recorded as cut off by the hub that takes
the lease next, and is not run a second time.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from facts import Failpoint, JobOutcome, JobState, go_on
from hub.jobs.due import Due, due, kept_until, next_time
from hub.jobs.job import Job, JobContext, JobError, JobServices
from process.logs import get_logger
from redact.plain_text import plain
from sources import SourceError
from store import Store, StoreUnavailableError, lease
from store import jobs as rows
from store.jobs import JobClaim, JobResult

_log = get_logger("sixfb.jobs")
JOBS_LEASE = "jobs"
_CUT_OFF = "it was cut off: the hub that ran it ended, or could not reach the database, in the middle"
_LONGEST_RESULT = 500


@dataclass(kw_only=True)
class _Attempt:
    """One run under way. `came` is set by its thread when it is over; `recorded` once its outcome is in the database."""

    job: Job
    claim: JobClaim
    began_s: float
    stop: str | None = None
    came: tuple[JobOutcome, str, JobError | SourceError | None, float] | None = None
    recorded: bool = False
    thread: threading.Thread | None = None


@dataclass(kw_only=True)
class JobScheduler:
    """Claims and runs what is due. `holder` is this process among the hubs; `steady` is a clock that nobody sets.

    `unavailable` hears of a database that a job could not use.
    """

    store: Store
    jobs: Sequence[Job]
    services: JobServices
    holder: str
    lease_s: float = lease.LIFE_S
    clock: Callable[[], datetime]
    steady: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    at: Failpoint = go_on
    unavailable: Callable[[StoreUnavailableError], None] = lambda _error: None
    _epoch: int | None = field(default=None, init=False)
    _renew_at: float = field(default=0.0, init=False)
    _running: dict[str, _Attempt] = field(default_factory=dict, init=False)
    _claimed_before: dict[str, str] = field(default_factory=dict, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        now = self.clock()
        next_times = {job.name: next_time(job, None, now) for job in self.jobs}
        with self.store.write() as connection:
            rows.register(connection, next_times, now=now)

    def look(self) -> int:
        """Record what is over and start what is due; how many runs were started. Raises StoreUnavailableError."""
        self._record_what_is_over()
        if self._ended.is_set() or not self._has_lease():
            return 0
        with self.store.read() as connection:
            states = rows.states(connection)
        started = 0
        for job in self.jobs:
            if job.name not in self._running and job.name in states:
                started += self._start_if_due(job, states[job.name])
        return started

    def _has_lease(self) -> bool:
        """Take or renew the lease where it is time to; whether this hub runs the jobs."""
        if self.steady() < self._renew_at:
            return self._epoch is not None
        before = self._epoch
        with self.store.write() as connection:
            self._epoch = lease.take(connection, name=JOBS_LEASE, holder=self.holder, ttl_s=self.lease_s)
            if self._epoch is not None and self._epoch != before:
                under_way = [(one.claim.job, one.claim.key) for one in self._running.values() if not one.recorded]
                lost = rows.cut_off(
                    connection, holder=self.holder, under_way=under_way, at=self.clock(), reason=_CUT_OFF
                )
                for run in lost:
                    _log.warning("job_was_cut_off", job=run.job, slot=run.key)
        self._renew_at = self.steady() + self.lease_s / 3
        if (before is None) != (self._epoch is None):
            self._claimed_before.clear()
            _log.info("jobs_run_here" if self._epoch is not None else "jobs_run_elsewhere", holder=self.holder)
        if self._epoch is None:
            self._tell_all_to_stop("another hub runs the jobs now")
        return self._epoch is not None

    def _start_if_due(self, job: Job, state: JobState) -> bool:
        now = self.clock()
        found = due(job, state, now, holder=self.holder)
        if found is None or (self._claimed_before.get(job.name) == found.slot.key and not found.again):
            return False
        claim = self._claim_of(job, found, now)
        with self.store.write() as connection:
            if not lease.holds(connection, name=JOBS_LEASE, holder=self.holder, epoch=self._epoch or 0):
                self._renew_at = 0.0
                return False
            claimed = rows.claim(connection, claim) if found.skip is None else rows.skip(connection, claim, found.skip)
        if not claimed:
            self._claimed_before[job.name] = claim.key
            return False
        if found.skip is not None:
            _log.warning("job_skipped", job=job.name, slot=claim.key, reason=found.skip)
            return False
        self.at("jobs.claimed")
        self._begin(job, claim)
        return True

    def _claim_of(self, job: Job, found: Due, now: datetime) -> JobClaim:
        return JobClaim(
            job=job.name,
            key=found.slot.key,
            slot=found.slot.at,
            holder=self.holder,
            at=now,
            keep_until=kept_until(job, found.slot, now),
            next_at=next_time(job, None, now),
            again=found.again,
            late=found.late,
            requested_by=found.requested_by,
        )

    def _begin(self, job: Job, claim: JobClaim) -> None:
        attempt = _Attempt(job=job, claim=claim, began_s=self.steady())
        attempt.thread = threading.Thread(target=self._run, args=(attempt,), name=f"job {job.name}", daemon=True)
        self._running[job.name] = attempt
        try:
            attempt.thread.start()
        except RuntimeError as error:  # the system allows no more threads
            attempt.thread = None
            attempt.came = JobOutcome.FAILED, f"it could not be begun: {error}", None, self.steady()

    def _run(self, attempt: _Attempt) -> None:
        job, cause = attempt.job, None
        context = JobContext(services=self.services, slot=attempt.claim.slot, stopped=lambda: attempt.stop)
        try:
            outcome, said = JobOutcome.SUCCEEDED, job.do(context)
        except (JobError, SourceError) as error:
            outcome, said, cause = JobOutcome.FAILED, str(error), error
        except StoreUnavailableError as error:
            outcome, said = JobOutcome.FAILED, error.public
            self.unavailable(error)
        except Exception as error:  # noqa: BLE001 - a job's own mistake must take no other job with it
            _log.exception("job_failed", job=job.name)
            outcome, said = JobOutcome.FAILED, f"our own mistake ({type(error).__name__}); the log shows where"
        self.at("jobs.done")
        attempt.came = outcome, said, cause, self.steady()

    def _record_what_is_over(self) -> None:
        for name, attempt in list(self._running.items()):
            if attempt.came is None and attempt.thread is not None and not attempt.thread.is_alive():
                attempt.came = attempt.came or (JobOutcome.FAILED, "its thread ended unheard", None, self.steady())
            overdue = self.steady() - attempt.began_s > attempt.job.deadline_s
            if attempt.came is not None:
                if attempt.recorded:
                    self._amend(attempt)
                else:
                    outcome, said, cause, ended_s = attempt.came
                    self._record(attempt, outcome, said, cause, ended_s - attempt.began_s)
                    self.at("jobs.recorded")
                del self._running[name]
            elif overdue and not attempt.recorded:
                attempt.stop = f"its {attempt.job.deadline_s:g} s are over"
                said = f"not over within {attempt.job.deadline_s:g} s; it is not begun again before it ends"
                self._record(attempt, JobOutcome.TIMED_OUT, said, None, self.steady() - attempt.began_s)
                attempt.recorded = True

    def _record(
        self,
        attempt: _Attempt,
        outcome: JobOutcome,
        said: str,
        cause: JobError | SourceError | None,
        took_s: float,
    ) -> None:
        job, claim, now = attempt.job, attempt.claim, self.clock()
        took_s = round(max(0.0, took_s), 3)
        with self.store.write() as connection:
            state = rows.states(connection).get(job.name)
            came = self._result(job, state, outcome, said, cause, took_s, now)
            recorded = rows.finish(connection, job.name, claim.key, holder=self.holder, came=came)
        log = _log.info if outcome is JobOutcome.SUCCEEDED else _log.warning
        log("job_ended", job=job.name, slot=claim.key, outcome=outcome.value, took_s=took_s, result=came.result)
        if not recorded:
            _log.warning(
                "job_result_refused", job=job.name, slot=claim.key, reason="another hub recorded it as cut off"
            )

    def _result(
        self,
        job: Job,
        state: JobState | None,
        outcome: JobOutcome,
        said: str,
        cause: JobError | SourceError | None,
        took_s: float,
        now: datetime,
    ) -> JobResult:
        result = plain(said)[:_LONGEST_RESULT]
        following = job.schedule.following(now).at
        if outcome is JobOutcome.SUCCEEDED:
            return JobResult(outcome=outcome, at=now, duration_s=took_s, result=result, next_at=following)
        permanent = cause is not None and cause.permanent
        wait = job.backoff.wait(
            (state.failures if state else 0) + 1,
            retry_after_s=cause.retry_after_s if cause is not None else None,
            permanent=permanent,
            jitter=self.jitter(),
        )
        not_before = now + wait
        return JobResult(
            outcome=outcome,
            at=now,
            duration_s=took_s,
            result=result,
            # A failed slot is tried again before the next one comes; a permanent failure waits for that.
            next_at=max(following, not_before) if permanent else not_before,
            not_before=not_before,
            permanent=permanent,
        )

    def _amend(self, attempt: _Attempt) -> None:
        """A run that was over its time has come to its end after all."""
        assert attempt.came is not None
        outcome, said, _, ended_s = attempt.came
        took_s = ended_s - attempt.began_s
        result = (
            f"it ended after {took_s:.0f} s, with {attempt.job.deadline_s:g} s to do it in ({outcome}: {plain(said)})"
        )
        _log.warning("job_ended_late", job=attempt.job.name, slot=attempt.claim.key, took_s=round(took_s, 1))
        with self.store.write() as connection:
            rows.amend(
                connection,
                attempt.job.name,
                attempt.claim.key,
                holder=self.holder,
                result=result[:_LONGEST_RESULT],
            )

    def _tell_all_to_stop(self, reason: str) -> None:
        for attempt in self._running.values():
            attempt.stop = attempt.stop or reason

    def under_way(self) -> Mapping[str, float]:
        """Return the jobs that run now, each with how many seconds it has."""
        now = self.steady()
        return {name: now - attempt.began_s for name, attempt in list(self._running.items())}

    def end(self) -> None:
        """Begin no other run, and tell those under way to stop."""
        self._ended.set()
        self._tell_all_to_stop("the hub ends")

    def has_ended(self, within_s: float) -> bool:
        """Wait for the runs under way, and record what came of them; whether all are over. Call it once nobody looks any more."""
        ends = time.monotonic() + within_s
        for attempt in list(self._running.values()):
            if attempt.thread is not None:
                attempt.thread.join(max(0.0, ends - time.monotonic()))
        self._record_what_is_over()
        return not self._running

    def give_up(self) -> None:
        """Let another hub run the jobs at once."""
        self._epoch, self._renew_at = None, 0.0
        with self.store.write() as connection:
            lease.release(connection, name=JOBS_LEASE, holder=self.holder)
