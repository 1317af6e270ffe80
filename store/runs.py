"""Stores runs, one for each slot, and reads them in full or in short form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    desc,
    func,
    inspect,
    literal,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
    union_all,
    update,
)

from facts import Answer, Blame, Graded, Outcome, Run, Status, from_wire, reclassified, status_after
from store import counters, rollups
from store.columns import Moment
from store.json_text import decoded_as, from_json_text
from store.places import follows
from store.rows import Arrival, GradedRow, RunRow, insert_all, insert_one, row_of
from store.tables import GOOD, MEASURED, RECLASSIFIED, STUMBLED, UNPASSED, duplicates
from store.tables import runs as table
from store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    """Holds the parts of an outcome that only some rules evaluate."""

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
    """Holds a run with its state in this store. `run` has the latest blame; `was` is the original one."""

    run: Run
    received_at: datetime
    late: bool
    was: Blame | None = None
    reclassified_by: str | None = None
    reclassified_at: datetime | None = None
    reclassified_why: str | None = None


def save(connection: Connection, run: Run, *, received_at: datetime, late: bool = False) -> Saved:
    """Save a run. Its key is journey, location and slot; an ad-hoc run's key is its id.

    A measured record replaces a missed one, never the reverse. Of two measured records the first is kept, and the later
    one is stored as a duplicate. An id stays bound to its first slot.
    """
    return save_all(connection, [row_of(Arrival(run, late), received_at=received_at)])[0]


def save_all(connection: Connection, rows: Sequence[RunRow]) -> list[Saved]:
    """Save runs in order, as `save` does, and return the result for each. It does not read their attempts."""
    if not rows:
        return []
    said: list[Saved] = ["accepted"] * len(rows)
    if not insert_all(connection, rows):
        said = [_save(connection, row) for row in rows]
    kept = [row for row, result in zip(rows, said, strict=True) if result != "duplicate"]
    # Counters come first: their rows stay locked to the end, so that concurrent transactions do not count the same rollups.
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


def are_kept(connection: Connection) -> bool:
    """Return whether the table of runs exists in this version's form; a database not yet used by a hub of this version lacks it."""
    inspector = inspect(connection)
    if not inspector.has_table(table.name):
        return False
    there = {column["name"] for column in inspector.get_columns(table.name)}
    return there >= {column.name for column in table.columns}


def get(connection: Connection, run_id: str) -> StoredRun | None:
    """Return one run; None if it does not exist."""
    row = connection.execute(select(table).where(table.c.id == run_id)).first()
    return _stored(row) if row else None


_REACH = timedelta(days=2)
"""The longest time between a run's start and its arrival that is considered when runs are looked for by their arrival."""


def received_after(
    connection: Connection, *, place: tuple[datetime, str], until: datetime, limit: int
) -> list[tuple[datetime, Run]]:
    """Return the runs that were received after a place and before `until`, with that time, in the order in which they were received.

    A place is a time and the id of the last run of it. Runs that were received more than two days after they started are left out.
    """
    at, last = place
    conditions = [
        table.c.started_at >= at - _REACH,
        table.c.received_at >= at,
        table.c.received_at < until,
        or_(table.c.received_at > at, table.c.id > last),
    ]
    query = select(table).where(*conditions).order_by(table.c.received_at, table.c.id).limit(limit)
    return [(row.received_at, _stored(row).run) for row in connection.execute(query)]


def exists(connection: Connection, run_id: str) -> bool:
    """Return whether there is a run with an id."""
    return connection.execute(select(table.c.id).where(table.c.id == run_id)).first() is not None


def location_of(connection: Connection, run_id: str) -> str | None:
    """Return the location of a run, duplicates included; None if there is no such run."""
    asked = (select(t.c.location).where(t.c.id == run_id) for t in (table, duplicates))
    return connection.execute(union_all(*asked)).scalar()


def ids_beginning_with(connection: Connection, beginning: str, *, limit: int) -> list[str]:
    """Return the first ids that begin with a text, in order."""
    # LIKE ignores case on SQLite, and a range of ids would depend on the collation on PostgreSQL.
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
    """Return the outcomes of the slots from `since`, oldest first, without ad-hoc runs.

    `brief` leaves out requests, vitals and steps.
    """
    conditions = [table.c.slot >= since]
    if until is not None:
        conditions.append(table.c.slot <= until)
    conditions += _filters(journey, location, None)
    columns = _SHORT if brief else _DETAILED
    rows = connection.execute(select(*columns).where(*conditions).order_by(table.c.slot, table.c.id))
    return [_outcome(row, brief=brief) for row in rows.all()]


class Alike(NamedTuple):
    """Holds runs with equal results: one of them in short form, and their number."""

    outcome: Outcome
    n: int


def failed_at_first(
    connection: Connection,
    *,
    since: datetime,
    until: datetime | None = None,
    by_step: bool = False,
    by_hour: bool = False,
) -> list[Alike]:
    """Return the measured runs of the slots from `since`, and before `until` if it is given, that did not pass at their first attempt,
    grouped by equal results.

    With `by_step` those that failed at different steps are grouped apart, with `by_hour` those of different hours in UTC.

    Runs with a network failure are not grouped, because whether they count depends on other runs.
    """
    same = [
        table.c[name]
        for name in ("journey", "location", "status", "blame", "first_status", "first_blame", "reclassified_as")
    ]
    same += [table.c.first_failed_step] if by_step else []
    same += [_hour_of_slot()] if by_hour else []
    before = [table.c.slot < until] if until is not None else []
    network = [c == Blame.NETWORK.value for c in (table.c.blame, table.c.first_blame, table.c.reclassified_as)]
    alone = case((or_(*network), table.c.id))
    ids = (
        select(func.min(table.c.id).label("id"), func.count().label("n"))
        .where(table.c.slot >= since, STUMBLED, table.c.status.not_in(_UNMEASURED), *before)
        .group_by(*same, alone)
        .subquery()
    )
    query: Select[Any] = select(*_SHORT, ids.c.n).join(ids, ids.c.id == table.c.id)
    rows = connection.execute(query.order_by(table.c.slot, table.c.id))
    return [Alike(_outcome(row, brief=True), row.n) for row in rows]


def _hour_of_slot() -> Any:
    """Return the SQL expression for a slot's hour, counted from 1970. It has no bind parameters, so that GROUP BY can repeat it."""
    return type_coerce(table.c.slot, BigInteger) // literal_column("3600000000")


def outcomes_of(connection: Connection, ids: Sequence[str], *, brief: bool = False) -> list[Outcome]:
    """Return the outcomes of the runs with these ids, in no particular order."""
    if not ids:
        return []
    columns = _SHORT if brief else _DETAILED
    return [_outcome(row, brief=brief) for row in connection.execute(select(*columns).where(table.c.id.in_(ids)))]


def of_slots(
    connection: Connection, *, journey: str, location: str, since: datetime, before: datetime
) -> dict[str, str | None]:
    """Return the ids of the runs of the slots in a period, each with the blame that a person assigned, None if none did."""
    query = select(table.c.id, table.c.reclassified_as).where(
        table.c.journey == journey, table.c.location == location, table.c.slot >= since, table.c.slot < before
    )
    return {row.id: row.reclassified_as for row in connection.execute(query).all()}


class Reclassification(NamedTuple):
    """Holds a run of a slot with the blame that a person assigned to it."""

    journey: str
    location: str
    slot: datetime
    run_id: str
    blame: str


def reclassifications(connection: Connection, *, since: datetime) -> list[Reclassification]:
    """Return the runs of the slots from `since` whose blame a person changed, oldest slot first."""
    query = (
        select(table.c.journey, table.c.location, table.c.slot, table.c.id, table.c.reclassified_as)
        .where(RECLASSIFIED, table.c.slot >= since)
        .order_by(table.c.slot, table.c.id)
    )
    return [Reclassification(*row) for row in connection.execute(query)]


def hours_counted(connection: Connection, *, since: datetime) -> dict[tuple[datetime, str, str], tuple[int, int]]:
    """Return how many runs each hour of slots from `since` has, and how many are missed slots, by start, journey and location.

    This reads every run, which `rollups.hours_counted` avoids.
    """
    slot = type_coerce(table.c.slot, BigInteger)
    start = type_coerce(slot - slot % literal(3_600_000_000, BigInteger), Moment)
    missed = func.sum(case((table.c.status == Status.MISSED.value, 1), else_=0))
    query = (
        select(start.label("start"), table.c.journey, table.c.location, func.count().label("n"), missed.label("missed"))
        .where(table.c.slot >= since)
        .group_by(text("1"), table.c.journey, table.c.location)
    )
    return {(row.start, row.journey, row.location): (row.n, row.missed) for row in connection.execute(query)}


def last_of_slots(connection: Connection, *, journey: str, location: str, since: datetime, limit: int) -> list[Outcome]:
    """Return the outcomes of the last slots of a journey at a location in short form, oldest first."""
    place = (table.c.journey == journey, table.c.location == location, table.c.slot >= since)
    query = select(*_SHORT).where(*place).order_by(desc(table.c.slot)).limit(limit)
    return [_outcome(row, brief=True) for row in connection.execute(query).all()][::-1]


class Tries(NamedTuple):
    """Holds how many first attempts passed, of how many that say something about the shop."""

    passed: int
    n: int


def first_attempts(
    connection: Connection, places: Iterable[tuple[str, str]], *, since: datetime
) -> dict[tuple[str, str], Tries]:
    """Return the results of the first attempts of the slots from `since`, by journey and location.

    All records are counted in the index alone; only those that did not pass are read.
    """
    failed_at_first = (
        select(
            table.c.journey, table.c.location, table.c.first_status, table.c.reclassified_as, func.count().label("n")
        )
        .where(table.c.slot >= since, STUMBLED)
        .group_by(table.c.journey, table.c.location, table.c.first_status, table.c.reclassified_as)
    )
    others: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for row in connection.execute(failed_at_first):
        status: Status | None = Status(row.first_status)
        if row.reclassified_as:
            status = status_after(status, Blame(row.reclassified_as))
        others[row.journey, row.location] += row.n
        if status in (Status.FAILED, Status.TIMED_OUT):
            failed[row.journey, row.location] += row.n
    found = {}
    for journey, location in places:
        here = (journey, location)
        passed = count_slots(connection, since=since, journey=journey, location=location) - others[here]
        found[here] = Tries(passed, passed + failed[here])
    return found


class Stretch(NamedTuple):
    """Holds the results of the slots of a stretch of time: how many have a record, and how many of these failed or say nothing."""

    n: int
    failed: int
    unmeasured: int


def stretches(connection: Connection, *, since: datetime, width_s: float) -> dict[tuple[datetime, str, str], Stretch]:
    """Return the final results of the slots from `since` by stretches of `width_s` seconds, each by start, journey and location.

    All records are counted in the index alone; only those that did not pass at first are read.
    """
    slot, width = type_coerce(table.c.slot, BigInteger), literal(round(width_s * 1_000_000), BigInteger)
    start = type_coerce(slot - slot % width, Moment).label("start")
    place = (start, table.c.journey, table.c.location)
    every = select(*place, func.count().label("n")).where(table.c.slot >= since).group_by(text("1"), *place[1:])
    odd = select(*place, table.c.status, table.c.reclassified_as, func.count().label("n")).where(
        table.c.slot >= since, STUMBLED
    )
    odd = odd.group_by(text("1"), *place[1:], table.c.status, table.c.reclassified_as)
    failed: Counter[tuple[datetime, str, str]] = Counter()
    unmeasured: Counter[tuple[datetime, str, str]] = Counter()
    for row in connection.execute(odd):
        status = Status(row.status)
        if row.reclassified_as:
            status = status_after(status, Blame(row.reclassified_as)) or status
        key = (row.start, row.journey, row.location)
        if status in (Status.FAILED, Status.TIMED_OUT):
            failed[key] += row.n
        elif status is not Status.PASSED:
            unmeasured[key] += row.n
    found = {(row.start, row.journey, row.location): row.n for row in connection.execute(every)}
    return {key: Stretch(n, failed[key], unmeasured[key]) for key, n in found.items()}


_IDS_AT_ONCE = 500
"""The maximum number of ids in one statement, because databases limit the values of a statement."""


class Sample(NamedTuple):
    """Holds the data for a run's charts: step times in ms and vitals of its first attempt."""

    finished_at: datetime
    first_failed_step: str | None
    steps: dict[str, float]
    vitals: list[GradedRow]


class _Charted(msgspec.Struct):
    steps: dict[str, float]
    vitals: list[GradedRow]


def sample_ids(
    connection: Connection,
    *,
    journey: str,
    location: str,
    since: datetime,
    period_s: int,
    most: int,
    until: datetime | None = None,
) -> list[str]:
    """Return the ids of at most `most` runs of slots from `since`, and before `until` if it is given, plus the newest, oldest first.

    Of more slots it takes every second, third ... of the grid, always the same ones, so that a run that was read once
    need not be read again.
    """
    place = [table.c.journey == journey, table.c.location == location, table.c.slot >= since]
    if until is not None:
        place.append(table.c.slot < until)
    # The index alone is counted, and what is not taken never leaves the database.
    n = connection.execute(select(func.count()).select_from(table).where(*place)).scalar_one()
    step = -(-n // most)
    if step > 1:
        # Typed, so that both databases divide whole numbers.
        period_us = literal(1_000_000 * period_s, BigInteger)
        every = type_coerce(table.c.slot, BigInteger) // period_us % literal(step, BigInteger) == 0
        newest = select(func.max(table.c.slot)).where(*place).scalar_subquery()
        place.append(or_(every, table.c.slot == newest))
    return list(connection.execute(select(table.c.id).where(*place).order_by(table.c.slot)).scalars())


def samples(connection: Connection, ids: Sequence[str]) -> dict[str, Sample]:
    """Return the measurements of the runs' first attempts, by run id."""
    found: dict[str, Sample] = {}
    details = cast(table.c.details, Text).label("details")
    for first in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[first : first + _IDS_AT_ONCE]
        query = select(table.c.id, table.c.finished_at, table.c.first_failed_step, details).where(table.c.id.in_(some))
        found |= {row[0]: _sample(*row[1:]) for row in connection.execute(query).all()}
    return found


def _sample(finished_at: datetime, failed_step: str | None, details: str) -> Sample:
    read = decoded_as(_Charted, details)
    return Sample(finished_at, failed_step, read.steps, read.vitals)


def count_slots(
    connection: Connection, *, since: datetime, journey: str | None = None, location: str | None = None
) -> int:
    """Return how many slots from `since` have a record."""
    conditions = [table.c.slot >= since, *_filters(journey, location, None)]
    return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def latest(
    connection: Connection,
    *,
    journey: str | None = None,
    location: str | None = None,
    status: Status | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    after_place: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Outcome]:
    """Return the latest runs in short form, newest first, ad-hoc ones included: those that started from `since` until before `before`.

    `after_place` is the start and the id of a run: the runs that follow it in this order are returned.
    """
    conditions: list[Any] = []
    if status is not None and status is not Status.PASSED:
        # Runs with other statuses are few, so the other conditions are checked on them. The concatenation keeps the
        # planner from choosing another index.
        conditions += [UNPASSED, table.c.status == status.value]
        conditions += [c.concat("") == v for c, v in ((table.c.journey, journey), (table.c.location, location)) if v]
    else:
        conditions += _filters(journey, location, status)
    if before is not None:
        conditions.append(table.c.started_at < before)
    if since is not None:
        conditions.append(table.c.started_at >= since)
    if after_place is not None:
        conditions.append(follows(table.c.started_at, table.c.id, after_place))
    query = select(*_SHORT).where(*conditions).order_by(desc(table.c.started_at), desc(table.c.id)).limit(limit)
    return [_outcome(row, brief=True) for row in connection.execute(query).all()]


_FAILING = (Status.FAILED, Status.TIMED_OUT)


def _now_is(*wanted: Status) -> Any:
    """Return the condition that a run's status is one of some, after a person changed its blame if one did."""
    asked = [and_(table.c.status.in_([status.value for status in wanted]), table.c.reclassified_as.is_(None))]
    for blame in Blame:
        was = [status.value for status in Status if status_after(status, blame) in wanted]
        asked.append(and_(table.c.reclassified_as == blame.value, table.c.status.in_(was)))
    # Said apart as well, because an index is found only by a condition that stands alone.
    may_be = [s.value for s in Status if s in wanted or any(status_after(s, blame) in wanted for blame in Blame)]
    return and_(table.c.status.in_(may_be), or_(*asked))


# Made once: there are dozens of terms, and making them costs more than the query.
_NOW_IS = {status: _now_is(status) for status in Status}
_NOW_FAILING = _now_is(*_FAILING)
_NOW_OTHER = _now_is(*(status for status in Status if status not in _FAILING))


def failing_first(
    connection: Connection,
    *,
    journey: str,
    since: datetime,
    until: datetime,
    location: str | None = None,
    status: Status | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[Outcome]:
    """Return the runs of a journey that started from `since` on and before `until`, in short form, ad-hoc ones included.

    Those that failed or timed out come first, then the rest, each newest first. `status` is the one after a person changed the blame.
    """
    period = [table.c.started_at >= since, table.c.started_at < until]
    # What did not pass is little and has an index of its own; the concatenation keeps the planner from choosing another one.
    place = [c.concat("") == v for c, v in ((table.c.journey, journey), (table.c.location, location)) if v is not None]
    if status is not None and status is not Status.PASSED:
        return _newest_first(connection, [UNPASSED, *place, *period, _NOW_IS[status]], offset, limit)
    found: list[Outcome] = []
    if status is None:
        failing = [UNPASSED, *place, *period, _NOW_FAILING]
        found = _newest_first(connection, failing, offset, limit)
        if len(found) < limit:
            n = connection.execute(select(func.count()).select_from(table).where(*failing)).scalar_one()
            offset = max(0, offset - n)
    if len(found) < limit:
        rest = _NOW_OTHER if status is None else _NOW_IS[status]
        found += _newest_first(
            connection, [*_filters(journey, location, None), *period, rest], offset, limit - len(found)
        )
    return found


def _newest_first(connection: Connection, conditions: Sequence[Any], offset: int, limit: int) -> list[Outcome]:
    query = select(*_SHORT).where(*conditions).order_by(desc(table.c.started_at), desc(table.c.id))
    return [_outcome(row, brief=True) for row in connection.execute(query.offset(offset).limit(limit))]


def worst_of_slots(
    connection: Connection, *, journey: str, location: str | None = None, since: datetime, until: datetime
) -> str | None:
    """Return the id of the newest failed run of the slots from `since` on and before `until`, else of the newest; None without any."""
    query = (
        select(*_SHORT)
        .where(table.c.slot >= since, table.c.slot < until, *_filters(journey, location, None))
        .order_by(desc(table.c.slot))
    )
    found = [_outcome(row, brief=True) for row in connection.execute(query)]
    failing = [outcome for outcome in found if outcome.status in _FAILING]
    return next((outcome.run_id for outcome in (*failing, *found)), None)


def slowest_of_slots(connection: Connection, *, journey: str, since: datetime, until: datetime) -> str | None:
    """Return the id of the slowest run that passed, of the slots from `since` on and before `until`; None without any."""
    period = [table.c.slot >= since, table.c.slot < until]
    query = select(table.c.id).where(*period, *_filters(journey, None, Status.PASSED))
    longest = query.order_by(desc(table.c.duration_ms), desc(table.c.slot), desc(table.c.id)).limit(1)
    return connection.execute(longest).scalar_one_or_none()


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
    read = msgspec.convert(details, _Details)
    return replace(
        outcome,
        steps=read.steps,
        requests=read.requests,
        vitals=read.vitals,
        skipped=read.skipped,
        unconfirmed=read.unconfirmed,
    )


def last_good(connection: Connection, *, journey: str, location: str, before: datetime) -> Run | None:
    """Return the last run of a journey at a location before `before` that passed at its first attempt; None if there is none."""
    query = (
        select(table.c.record)
        .where(
            table.c.journey == journey,
            table.c.location == location,
            GOOD,
            table.c.started_at < before,
        )
        .order_by(desc(table.c.started_at))
        .limit(1)
    )
    record = connection.execute(query).scalar()
    return from_wire(Run, record) if record else None


class _Timed(msgspec.Struct):
    steps: dict[str, float]


def good_step_times(
    connection: Connection, *, journey: str, location: str, before: datetime, limit: int
) -> list[dict[str, float]]:
    """Return the step durations in ms, by name, of the last good runs of a journey at a location before `before`."""
    query = (
        select(cast(table.c.details, Text))
        .where(table.c.journey == journey, table.c.location == location, GOOD, table.c.started_at < before)
        .order_by(desc(table.c.started_at))
        .limit(limit)
    )
    return [decoded_as(_Timed, details).steps for details in connection.execute(query).scalars()]


class _Proof(msgspec.Struct):
    kind: str
    step: str | None = None


class _Proved(msgspec.Struct):
    evidence: list[_Proof] = []


_PICTURED_AT_ONCE = 15


def last_pictured(
    connection: Connection, *, journey: str, location: str, before: datetime, step: str, limit: int
) -> Run | None:
    """Return the last good run before `before` that kept a picture of a step; None if none of the last `limit` did."""
    query = (
        select(cast(table.c.record, Text))
        .where(table.c.journey == journey, table.c.location == location, GOOD, table.c.started_at < before)
        .order_by(desc(table.c.started_at))
    )
    for first in range(0, limit, _PICTURED_AT_ONCE):
        records = list(connection.execute(query.offset(first).limit(_PICTURED_AT_ONCE)).scalars())
        for record in records:
            if _has_picture(record, step):
                return from_wire(Run, from_json_text(record))
        if len(records) < _PICTURED_AT_ONCE:
            return None
    return None


def _has_picture(record: str, step: str) -> bool:
    proofs = decoded_as(_Proved, record).evidence
    return any(proof.kind == "screenshot" and proof.step == step for proof in proofs)


class FailureGroup(NamedTuple):
    """Holds how many runs ended with one status, step and error. `counts` has a number for each asked period."""

    journey: str
    location: str
    failed_step: str | None
    error: str | None
    counts: tuple[int, ...]
    first_at: datetime
    last_at: datetime


def failure_groups(
    connection: Connection, *, status: Status, since: Sequence[datetime], until: datetime, limit: int
) -> list[FailureGroup]:
    """Return the runs with a status by journey, location, step and error, those with the most runs first.

    They started not after `until`, and are counted from each moment of `since`, of which the last is the earliest.
    """
    by = (table.c.journey, table.c.location, table.c.failed_step, table.c.error)
    counts = [func.sum(case((table.c.started_at >= at, 1), else_=0)).label(f"n{i}") for i, at in enumerate(since)]
    first = func.min(table.c.started_at, type_=Moment).label("first_at")
    last = func.max(table.c.started_at, type_=Moment).label("last_at")
    query = (
        select(*by, *counts, first, last)
        .where(UNPASSED, table.c.status == status.value, table.c.started_at >= since[-1], table.c.started_at <= until)
        .group_by(*by)
        .order_by(func.count().desc(), last.desc())
        .limit(limit)
    )
    return [
        FailureGroup(
            row.journey,
            row.location,
            row.failed_step,
            row.error,
            tuple(getattr(row, f"n{i}") for i in range(len(since))),
            row.first_at,
            row.last_at,
        )
        for row in connection.execute(query)
    ]


def id_of_failure(connection: Connection, *, status: Status, location: str, started_at: datetime) -> str | None:
    """Return the id of a run with a status that started at a moment at a location; None if there is none."""
    query = select(table.c.id).where(
        # The concatenation keeps the planner from choosing another index.
        UNPASSED,
        table.c.status == status.value,
        table.c.started_at == started_at,
        table.c.location.concat("") == location,
    )
    return connection.execute(query.order_by(table.c.id).limit(1)).scalar()


def reclassify(connection: Connection, run_id: str, *, blame: Blame, by: str, reason: str, at: datetime) -> bool:
    """Change the blame of a run; its record keeps the original. Returns False if there is no such run."""
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


# Two index lookups for each location, because a GROUP BY would read the whole index.
_LAST_RECEIVED = text(
    f"""
    WITH RECURSIVE known(location) AS (
        SELECT min(location) FROM runs WHERE {MEASURED}
        UNION ALL
        SELECT (SELECT min(location) FROM runs WHERE location > known.location AND {MEASURED})
        FROM known WHERE known.location IS NOT NULL
    )
    SELECT location, (SELECT max(received_at) FROM runs WHERE runs.location = known.location AND {MEASURED}) AS at
    FROM known WHERE location IS NOT NULL
    """
).columns(table.c.location, Column("at", Moment))


def last_received(connection: Connection) -> dict[str, datetime]:
    """Return when each location last sent a measured result of a slot."""
    return {row.location: row.at for row in connection.execute(_LAST_RECEIVED)}


def known_slots(
    connection: Connection, *, journey: str, location: str, since: datetime, until: datetime
) -> set[datetime]:
    """Return the slots after `since`, up to and including `until`, that have a record."""
    query = select(table.c.slot).where(
        table.c.journey == journey, table.c.location == location, table.c.slot > since, table.c.slot <= until
    )
    return set(connection.execute(query).scalars())


def count(connection: Connection) -> int:
    """Return the number of runs."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
