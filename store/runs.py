"""Runs: kept once a slot, read whole or in short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, desc, func, select, update

from facts import Answer, Blame, Graded, Outcome, Run, Status, from_wire, reclassified
from store import counters, rollups
from store.rows import Arrival, RunRow, insert_all, insert_one, row_of
from store.tables import STUMBLED, duplicates
from store.tables import runs as table
from store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    """The parts of an outcome that only some rules look at."""

    steps: dict[str, float]
    requests: tuple[Answer, ...]
    vitals: tuple[Graded, ...]
    skipped: tuple[str, ...] = ()
    unconfirmed: bool = False


Saved = Literal["accepted", "duplicate", "replaced"]
_SHORT = [c for c in table.columns if c.name not in ("record", "details")]
_DETAILED = [c for c in table.columns if c.name != "record"]
_UNMEASURED = (Status.MISSED.value, Status.SKIPPED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with what became of it here. `run` speaks with the last word on whose fault it was; `was` was the first."""

    run: Run
    received_at: datetime
    late: bool
    was: Blame | None = None
    reclassified_by: str | None = None
    reclassified_at: datetime | None = None
    reclassified_why: str | None = None


def save(connection: Connection, run: Run, *, received_at: datetime, late: bool = False) -> Saved:
    """Keep a run. Its key is journey, location and slot, for an ad-hoc run its id.

    A measured record takes the place of a missed one, never the reverse; of two measured ones the first holds and the
    later is kept as a duplicate. An id belongs to the slot that it came with first.
    """
    return save_all(connection, [row_of(Arrival(run, late), received_at=received_at)])[0]


def save_all(connection: Connection, rows: Sequence[RunRow]) -> list[Saved]:
    """Keep runs, one after the other as `save` does; what became of each, in their order. It looks at no attempt of theirs."""
    if not rows:
        return []
    said: list[Saved] = ["accepted"] * len(rows)
    if not insert_all(connection, rows):
        said = [_save(connection, row) for row in rows]
    kept = [row for row, result in zip(rows, said, strict=True) if result != "duplicate"]
    # Counters first: their row is held until the end, so that no two count the rollups of one place at once.
    counters.count(connection, [row.run for row in kept])
    if "replaced" in said:
        rollups.touch(connection, [row.run for row in kept])
    else:
        rollups.add(connection, [row.outcome for row in kept])
    return said


def _save(connection: Connection, row: RunRow) -> Saved:
    run = row.run
    if insert_one(connection, row):
        return "accepted"
    if run.slot is None or run.status in _UNMEASURED:
        return "duplicate"
    place = and_(table.c.journey == run.journey, table.c.location == run.location, table.c.slot == run.slot)
    if connection.execute(select(table.c.id).where(table.c.id == run.id, ~place)).first():
        return "duplicate"
    taken = connection.execute(
        update(table).where(place, table.c.status == Status.MISSED.value).values(row.by_column())
    )
    if taken.rowcount:
        return "replaced"
    _keep_duplicate(connection, row)
    return "duplicate"


def _keep_duplicate(connection: Connection, row: RunRow) -> None:
    if connection.execute(select(table.c.id).where(table.c.id == row.run.id)).first():
        return
    columns = row.by_column()
    kept = {key: columns[key] for key in ("id", "journey", "location", "slot", "record", "received_at")}
    connection.execute(insert(connection, duplicates).values(**kept).on_conflict_do_nothing())


def get(connection: Connection, run_id: str) -> StoredRun | None:
    """One run, or None."""
    row = connection.execute(select(table).where(table.c.id == run_id)).first()
    return _stored(row) if row else None


def ids_beginning_with(connection: Connection, beginning: str, *, limit: int) -> list[str]:
    """Return the first ids that begin with a text, in their order."""
    # LIKE ignores case on SQLite, and a range of ids follows the collation on PostgreSQL.
    begins = func.substr(table.c.id, 1, len(beginning)) == beginning
    return list(connection.execute(select(table.c.id).where(begins).order_by(table.c.id).limit(limit)).scalars())


def _stored(row: Row[Any]) -> StoredRun:
    run = from_wire(Run, row.record)
    was = run.blame
    if row.reclassified_as:
        run = replace(run, blame=Blame(row.reclassified_as), status=_outcome(row, brief=True).status)
    return StoredRun(
        run=run,
        received_at=row.received_at,
        late=row.late,
        was=was,
        reclassified_by=row.reclassified_by,
        reclassified_at=row.reclassified_at,
        reclassified_why=row.reclassified_why,
    )


def outcomes(
    connection: Connection,
    *,
    since: datetime,
    until: datetime | None = None,
    journey: str | None = None,
    location: str | None = None,
    brief: bool = False,
) -> list[Outcome]:
    """What the slots since a moment came to, oldest first; `brief` leaves requests, vitals and steps out. Ad-hoc runs never count."""
    conditions = [table.c.slot >= since]
    if until is not None:
        conditions.append(table.c.slot <= until)
    conditions += _filters(journey, location, None)
    columns = _SHORT if brief else _DETAILED
    rows = connection.execute(select(*columns).where(*conditions).order_by(table.c.slot, table.c.id))
    return [_outcome(row, brief=brief) for row in rows]


def stumbled(connection: Connection, *, since: datetime) -> list[Outcome]:
    """The runs of the slots since a moment that did not pass at their first attempt, in short, oldest first."""
    wanted = (table.c.slot >= since, STUMBLED, table.c.status.not_in(_UNMEASURED))
    rows = connection.execute(select(*_SHORT).where(*wanted).order_by(table.c.slot, table.c.id))
    return [_outcome(row, brief=True) for row in rows]


def latest(
    connection: Connection,
    *,
    journey: str | None = None,
    location: str | None = None,
    status: Status | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> list[Outcome]:
    """The latest runs in short, newest first, ad-hoc ones too."""
    conditions = _filters(journey, location, status)
    if before is not None:
        conditions.append(table.c.started_at < before)
    query = select(*_SHORT).where(*conditions).order_by(desc(table.c.started_at), desc(table.c.id)).limit(limit)
    return [_outcome(row, brief=True) for row in connection.execute(query)]


def _filters(journey: str | None, location: str | None, status: Status | None) -> list[Any]:
    wanted = ((table.c.journey, journey), (table.c.location, location), (table.c.status, status))
    return [column == value for column, value in wanted if value is not None]


def _outcome(row: Row[Any], *, brief: bool) -> Outcome:
    outcome = Outcome(
        run_id=row.id,
        journey=row.journey,
        location=row.location,
        slot=row.slot,
        status=Status(row.status),
        blame=Blame(row.blame) if row.blame else None,
        failed_step=row.failed_step,
        error=row.error,
        first_status=Status(row.first_status) if row.first_status else None,
        first_blame=Blame(row.first_blame) if row.first_blame else None,
        first_failed_step=row.first_failed_step,
        started_at=row.started_at,
        finished_at=row.finished_at,
        received_at=row.received_at,
        duration_ms=row.duration_ms,
        slow=row.slow,
        flaky=row.flaky,
        late=row.late,
    )
    if not brief:
        outcome = _with_details(outcome, row.details)
    return reclassified(outcome, Blame(row.reclassified_as)) if row.reclassified_as else outcome


def _with_details(outcome: Outcome, details: dict[str, Any]) -> Outcome:
    read = from_wire(_Details, details)
    return replace(
        outcome,
        steps=read.steps,
        requests=read.requests,
        vitals=read.vitals,
        skipped=read.skipped,
        unconfirmed=read.unconfirmed,
    )


def last_good(connection: Connection, *, journey: str, location: str, before: datetime) -> Run | None:
    """The last run of a journey at a location that passed at its first attempt before a moment."""
    query = (
        select(table.c.record)
        .where(
            table.c.journey == journey,
            table.c.location == location,
            table.c.status == Status.PASSED.value,
            table.c.flaky.is_(False),
            table.c.started_at < before,
        )
        .order_by(desc(table.c.started_at))
        .limit(1)
    )
    record = connection.execute(query).scalar()
    return from_wire(Run, record) if record else None


def reclassify(connection: Connection, run_id: str, *, blame: Blame, by: str, reason: str, at: datetime) -> bool:
    """Say whose fault a run was; the first word is kept in its record. False where there is no such run."""
    changed = connection.execute(
        update(table)
        .where(table.c.id == run_id)
        .values(reclassified_as=blame.value, reclassified_by=by, reclassified_at=at, reclassified_why=reason)
    )
    if changed.rowcount:
        stored = get(connection, run_id)
        assert stored is not None
        counters.hold(connection, [stored.run])
        rollups.touch(connection, [stored.run])
    return bool(changed.rowcount)


def last_received(connection: Connection) -> dict[str, datetime]:
    """When each location last sent a measured result of a slot."""
    query = (
        select(table.c.location, func.max(table.c.received_at).label("at"))
        .where(table.c.slot.is_not(None), table.c.status.not_in(_UNMEASURED))
        .group_by(table.c.location)
    )
    return {row.location: row.at for row in connection.execute(query)}


def known_slots(
    connection: Connection, *, journey: str, location: str, since: datetime, until: datetime
) -> set[datetime]:
    """The slots after `since` and until `until` that have a record."""
    query = select(table.c.slot).where(
        table.c.journey == journey, table.c.location == location, table.c.slot > since, table.c.slot <= until
    )
    return set(connection.execute(query).scalars())


def count(connection: Connection) -> int:
    """How many runs there are."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
