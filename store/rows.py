"""Builds the row of a run with values in the driver's form, so that a batch is inserted by one call of the driver."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from facts import Outcome, Run, has_failed, outcome_of, to_wire
from store.columns import microseconds
from store.tables import runs as table


class Arrival(NamedTuple):
    """Holds a run to save. `text` is its record as JSON if it arrived exactly in the form of `to_wire`; it is stored unchanged."""

    run: Run
    late: bool = False
    text: str | None = None


class _Answer(msgspec.Struct, gc=False):
    """Mirrors `facts.Answer`, of which a run has sixty, at a tenth of the cost."""

    endpoint: str
    method: str
    status: int | None
    duration_ms: float | None
    party: str
    step: str | None
    failed: bool


class GradedRow(msgspec.Struct, gc=False):
    """Mirrors `facts.Graded` in the same way."""

    page: str
    name: str
    value: float | None
    navigation: str
    cut: bool


class _Details(msgspec.Struct, omit_defaults=True):
    steps: dict[str, float]
    requests: list[_Answer]
    vitals: list[GradedRow]
    skipped: tuple[str, ...]
    unconfirmed: bool = False


_COPIED = ("id", "record", "details")
_PLAIN = ("journey", "location", "failed_step", "error", "first_failed_step", "duration_ms", "slow", "flaky", "late")
_WORDS = ("status", "blame", "first_status", "first_blame")
_MOMENTS = ("slot", "started_at", "finished_at", "received_at")
COLUMNS = (*_COPIED, *_PLAIN, *_WORDS, *_MOMENTS)
"""The columns that an insert fills, in the order of `RunRow.values`."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RunRow:
    """Holds a run with its stored form; `record` and `details` are JSON. The outcome is a short one."""

    run: Run
    outcome: Outcome
    record: str
    details: str

    def values(self) -> tuple[Any, ...]:
        """Return one value for each of `COLUMNS`, in the driver's form."""
        o = self.outcome
        return (
            self.run.id,
            self.record,
            self.details,
            *(
                o.journey,
                o.location,
                o.failed_step,
                o.error,
                o.first_failed_step,
                o.duration_ms,
                o.slow,
                o.flaky,
                o.late,
            ),
            *[word.value if word else None for word in (o.status, o.blame, o.first_status, o.first_blame)],
            *[microseconds(at) for at in (o.slot, o.started_at, o.finished_at, o.received_at)],
        )

    def by_column(self) -> dict[str, Any]:
        """Return the values by column name, as SQLAlchemy expects them."""
        short = {name: getattr(self.outcome, name) for name in (*_PLAIN, *_WORDS, *_MOMENTS)}
        return {"id": self.run.id, **short, "record": json.loads(self.record), "details": json.loads(self.details)}


def row_of(arrival: Arrival, *, received_at: datetime) -> RunRow:
    """Return the row of a run."""
    run, late, text = arrival
    outcome = outcome_of(run, received_at=received_at, late=late, brief=True)
    record = json.dumps(to_wire(run), separators=(",", ":")) if text is None else text
    return RunRow(run, outcome, record, _details(run, outcome, is_rounded=text is not None))


def _details(run: Run, outcome: Outcome, *, is_rounded: bool) -> str:
    """Return the parts of an outcome that only some rules evaluate, as JSON."""
    first = run.attempts[0] if run.attempts else None
    answers = [
        _Answer(r.endpoint, r.method, r.status, r.duration_ms, r.party, r.step, has_failed(r.failure, r.status))
        for r in (first.requests if first else ())
    ]
    # A text from the fast reader has rounded values only; all others are rounded here, as `to_wire` does.
    if not is_rounded:
        for answer in answers:
            answer.duration_ms = None if answer.duration_ms is None else round(answer.duration_ms, 1)
    graded = [GradedRow(v.page, v.name, v.value, v.navigation, v.cut) for v in (first.vitals if first else ())]
    return _encode(_Details(outcome.steps, answers, graded, outcome.skipped, outcome.unconfirmed)).decode()


def insert_all(connection: Connection, rows: Sequence[RunRow]) -> bool:
    """Insert rows, all or none; return whether all ids and slots were free."""
    if len(rows) == 1:
        return insert_one(connection, rows[0])
    statement = _insert(connection.dialect.paramstyle)
    # One conflict undoes all inserts, so that the caller can handle the rows one by one.
    with connection.begin_nested() as savepoint:
        done = connection.exec_driver_sql(statement, [row.values() for row in rows])
        if done.rowcount != len(rows):
            savepoint.rollback()
    return done.rowcount == len(rows)


def insert_one(connection: Connection, row: RunRow) -> bool:
    """Insert a row; return whether its id and slot were free."""
    return connection.exec_driver_sql(_insert(connection.dialect.paramstyle), row.values()).rowcount == 1


@cache
def _insert(paramstyle: str) -> str:
    mark = "?" if paramstyle == "qmark" else "%s"
    marks = ", ".join(mark for _ in COLUMNS)
    return f"INSERT INTO {table.name} ({', '.join(COLUMNS)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
