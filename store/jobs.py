"""Stores the hub's named jobs: the claim of each slot, its result, and the state that pages and metrics show."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, desc, select, update

from facts import JobOutcome, JobRun, JobState
from store.tables import job_runs as runs_table
from store.tables import jobs as table
from store.upsert import insert

_RUNNING, _FAILED, _TIMED_OUT = JobOutcome.RUNNING.value, JobOutcome.FAILED.value, JobOutcome.TIMED_OUT.value


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClaim:
    """Holds a slot that a hub is about to run.

    `again` is true for another try of a slot that failed. `keep_until` is how long the row is kept, so that the slot cannot
    come twice. `next_at` is when the job runs after this.
    """

    job: str
    key: str
    slot: datetime
    holder: str
    at: datetime
    keep_until: datetime
    next_at: datetime
    again: bool = False
    late: bool = False
    requested_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """Holds the result of a claim. After a failure nothing is retried before `not_before`."""

    outcome: JobOutcome
    at: datetime
    duration_s: float
    result: str
    next_at: datetime
    not_before: datetime | None = None
    permanent: bool = False


def register(connection: Connection, next_times: Mapping[str, datetime], *, now: datetime) -> None:
    """Add jobs, each with its next run; known jobs stay unchanged."""
    for job, next_at in next_times.items():
        first = {
            "job": job,
            "known_since": now,
            "next_at": next_at,
            "last_result": "",
            "failures": 0,
            "permanent": False,
            "succeeded": 0,
            "failed": 0,
        }
        connection.execute(insert(connection, table).values(first).on_conflict_do_nothing())


def states(connection: Connection) -> dict[str, JobState]:
    """Return the state of each job that any hub ever knew, by name."""
    return {row.job: _state(row) for row in connection.execute(select(table).order_by(table.c.job))}


def claim(connection: Connection, wanted: JobClaim) -> bool:
    """Claim a slot; return False if it was claimed before. Whoever claims it runs it once this transaction is committed."""
    taken = _try_again(connection, wanted) if wanted.again else _claim_new(connection, wanted)
    if not taken:
        return False
    changed: dict[str, Any] = {
        "last_outcome": _RUNNING,
        "last_started_at": wanted.at,
        "last_ended_at": None,
        "last_result": "",
        "last_by": wanted.requested_by,
        "next_at": wanted.next_at,
    }
    if wanted.requested_by is not None:
        changed |= {"requested_at": None, "requested_by": None}
    elif not wanted.again:
        changed |= _slot_of(wanted, JobOutcome.RUNNING)
    else:
        changed |= {"slot_outcome": _RUNNING}
    connection.execute(update(table).where(table.c.job == wanted.job).values(changed))
    return True


def skip(connection: Connection, wanted: JobClaim, reason: str) -> bool:
    """Record that a slot is not run at all, and why; return False if it was claimed before."""
    if not _claim_new(connection, wanted, outcome=JobOutcome.SKIPPED, result=reason):
        return False
    changed = {**_slot_of(wanted, JobOutcome.SKIPPED), "next_at": wanted.next_at}
    connection.execute(update(table).where(table.c.job == wanted.job).values(changed))
    return True


def _slot_of(wanted: JobClaim, outcome: JobOutcome) -> dict[str, Any]:
    return {
        "last_key": wanted.key,
        "last_slot": wanted.slot,
        "claimed_at": wanted.at,
        "slot_outcome": outcome.value,
        "slot_first_at": wanted.at,
    }


def _claim_new(
    connection: Connection, wanted: JobClaim, *, outcome: JobOutcome = JobOutcome.RUNNING, result: str = ""
) -> bool:
    row = {
        "job": wanted.job,
        "key": wanted.key,
        "slot": wanted.slot,
        "outcome": outcome.value,
        "tries": 1,
        "holder": wanted.holder,
        "started_at": wanted.at,
        "ended_at": None if outcome is JobOutcome.RUNNING else wanted.at,
        "result": result,
        "late": wanted.late,
        "requested_by": wanted.requested_by,
        "keep_until": wanted.keep_until,
    }
    new = insert(connection, runs_table).values(row).on_conflict_do_nothing().returning(runs_table.c.key)
    return connection.execute(new).first() is not None


def _try_again(connection: Connection, wanted: JobClaim) -> bool:
    failed = (
        update(runs_table)
        .where(
            runs_table.c.job == wanted.job,
            runs_table.c.key == wanted.key,
            runs_table.c.outcome.in_((_FAILED, _TIMED_OUT)),
        )
        .values(
            outcome=_RUNNING,
            tries=runs_table.c.tries + 1,
            holder=wanted.holder,
            started_at=wanted.at,
            ended_at=None,
            duration_s=None,
            result="",
        )
    )
    return bool(connection.execute(failed).rowcount)


def finish(connection: Connection, job: str, key: str, *, holder: str, came: JobResult) -> bool:
    """Record the result of a claim; return False if another hub holds it by now, or a result was recorded already."""
    mine = (runs_table.c.job == job, runs_table.c.key == key, runs_table.c.holder == holder)
    changed = connection.execute(
        update(runs_table)
        .where(*mine, runs_table.c.outcome == _RUNNING)
        .values(outcome=came.outcome.value, ended_at=came.at, duration_s=came.duration_s, result=came.result)
    )
    if not changed.rowcount:
        return False
    good = came.outcome is JobOutcome.SUCCEEDED
    values: dict[str, Any] = {
        "last_outcome": came.outcome.value,
        "last_ended_at": came.at,
        "last_duration_s": came.duration_s,
        "last_result": came.result,
        "next_at": came.next_at,
        "not_before": came.not_before,
        "permanent": came.permanent,
        "refused_by": holder if came.permanent else None,
        "failures": 0 if good else table.c.failures + 1,
    }
    if good:
        values |= {"last_success_at": came.at, "succeeded": table.c.succeeded + 1}
    else:
        values["failed"] = table.c.failed + 1
    connection.execute(update(table).where(table.c.job == job).values(values))
    _set_slot_outcome(connection, job, key, came.outcome)
    return True


def amend(connection: Connection, job: str, key: str, *, holder: str, result: str) -> None:
    """Complete the record of a run that exceeded its time limit, once it has ended."""
    mine = (runs_table.c.job == job, runs_table.c.key == key, runs_table.c.holder == holder)
    late = update(runs_table).where(*mine, runs_table.c.outcome == _TIMED_OUT).values(result=result)
    row = connection.execute(late.returning(runs_table.c.started_at)).first()
    if row is not None:
        same = (table.c.job == job, table.c.last_started_at == row.started_at)
        connection.execute(update(table).where(*same).values(last_result=result))


def cut_off(
    connection: Connection, *, holder: str, under_way: Collection[tuple[str, str]], at: datetime, reason: str
) -> list[JobRun]:
    """Record the end of every abandoned run, and return them.

    They are those of other holders than `holder`, who has the lease now, and its own but those `under_way` (job and key).
    """
    query = select(runs_table).where(runs_table.c.outcome == _RUNNING)
    lost = [row for row in connection.execute(query) if row.holder != holder or (row.job, row.key) not in under_way]
    for row in lost:
        values = {"outcome": JobOutcome.CUT_OFF.value, "ended_at": at, "result": reason}
        same = (runs_table.c.job == row.job, runs_table.c.key == row.key)
        connection.execute(update(runs_table).where(*same).values(values))
        newest = (table.c.job == row.job, table.c.last_outcome == _RUNNING, table.c.last_started_at == row.started_at)
        shown = {"last_outcome": JobOutcome.CUT_OFF.value, "last_ended_at": at, "last_result": reason}
        connection.execute(update(table).where(*newest).values({**shown, "last_duration_s": None}))
        counted = {"failed": table.c.failed + 1, "failures": table.c.failures + 1}
        connection.execute(update(table).where(table.c.job == row.job).values(counted))
        _set_slot_outcome(connection, row.job, row.key, JobOutcome.CUT_OFF)
    return [_run(row) for row in lost]


def _set_slot_outcome(connection: Connection, job: str, key: str, outcome: JobOutcome) -> None:
    same = (table.c.job == job, table.c.last_key == key)
    connection.execute(update(table).where(*same).values(slot_outcome=outcome.value))


def request(connection: Connection, job: str, *, by: str, at: datetime) -> bool:
    """Request a run now, whatever the schedule says; return False if no hub knows the job. Asking twice is asking once."""
    asked = update(table).where(table.c.job == job, table.c.requested_at.is_(None))
    connection.execute(asked.values(requested_at=at, requested_by=by[:100]))
    return connection.execute(select(table.c.job).where(table.c.job == job)).first() is not None


def recent(connection: Connection, job: str, *, limit: int = 20) -> list[JobRun]:
    """Return the newest runs of a job, the newest first."""
    query = select(runs_table).where(runs_table.c.job == job)
    query = query.order_by(desc(runs_table.c.started_at), desc(runs_table.c.slot)).limit(limit)
    return [_run(row) for row in connection.execute(query)]


_STATE = tuple(field.name for field in fields(JobState))
_RUN = tuple(field.name for field in fields(JobRun))


def _state(row: Row[Any]) -> JobState:
    values = {name: getattr(row, name) for name in _STATE}
    for name in ("slot_outcome", "last_outcome"):
        values[name] = JobOutcome(values[name]) if values[name] else None
    return JobState(**values)


def _run(row: Row[Any]) -> JobRun:
    values = {name: getattr(row, name) for name in _RUN}
    return JobRun(**{**values, "outcome": JobOutcome(row.outcome)})
