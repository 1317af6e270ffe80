"""Stores the history of verdicts: one row when a verdict changes, and one per hour while it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, func, select, type_coerce

from facts import Severity, Verdict, VerdictStatus
from store.columns import moment_of
from store.tables import verdict_history as table

GONE = "gone"
"""The value of the column `verdict` from when a target is no longer judged: its rule, journey, location or subject was removed."""
HOLDS = timedelta(minutes=61)
"""How long a row applies if no other follows: one hour plus the tolerated delay of a tick."""
_HOUR_S = 3600
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_UNIT, _MOST_N = 64, 2**31 - 1
"""What PostgreSQL's columns hold. A unit is a person's text and a count may be money: neither may stop the tick that saves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVerdict:
    """Holds the verdict of one target from a time on.

    `at` is when the row was written. The verdict applies until the next row of the same key, which follows at most an
    hour and a tick later while a hub is judging. `verdict` is None from when the target was no longer judged. The
    numbers are in `unit`.
    """

    key: str
    rule: str
    journey: str | None
    subject: str | None
    at: datetime
    verdict: VerdictStatus | None
    severity: Severity | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 0
    coverage: float | None = None


def due(verdicts: Iterable[Verdict], newest: Mapping[str, PastVerdict], now: datetime) -> list[PastVerdict]:
    """Return the rows to save at `now`, given the newest row of each key. Pure.

    A key gets a row if it is new, if its status changed, if its newest row is in another hour of UTC, and, once, if it
    is no longer judged.
    """
    rows: dict[str, PastVerdict] = {}
    judged: set[str] = set()
    for verdict in verdicts:
        judged.add(verdict.key)
        before = newest.get(verdict.key)
        if before is None or before.verdict is not verdict.verdict or _hour(before.at) != _hour(now):
            rows.setdefault(verdict.key, _row_of(verdict, now))
    gone = [row for key, row in newest.items() if key not in judged and row.verdict is not None]
    return [
        *rows.values(),
        *(
            PastVerdict(key=row.key, rule=row.rule, journey=row.journey, subject=row.subject, at=now, verdict=None)
            for row in gone
        ),
    ]


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // _HOUR_S


def _row_of(verdict: Verdict, now: datetime) -> PastVerdict:
    return PastVerdict(
        key=verdict.key,
        rule=verdict.rule,
        journey=verdict.journey,
        subject=verdict.subject,
        at=now,
        verdict=verdict.verdict,
        severity=verdict.severity,
        value=verdict.value,
        limit=verdict.limit,
        unit=verdict.unit[:_LONGEST_UNIT],
        low=verdict.low,
        high=verdict.high,
        n=min(verdict.n, _MOST_N),
        coverage=verdict.coverage,
    )


def save(connection: Connection, rows: Sequence[PastVerdict]) -> None:
    """Add rows to the history."""
    if rows:
        connection.execute(table.insert(), [_columns(row) for row in rows])


def _columns(row: PastVerdict) -> dict[str, Any]:
    columns = {field.name: getattr(row, field.name) for field in fields(row)}
    return columns | {
        "verdict": row.verdict.value if row.verdict else GONE,
        "severity": row.severity and row.severity.value,
    }


def newest(connection: Connection, *, since: datetime) -> dict[str, PastVerdict]:
    """Return the newest row of each key that was written at or after `since`."""
    # By number instead of time, because numbers increase even if the clock is set back.
    last = select(func.max(table.c.number)).where(table.c.at >= since).group_by(table.c.key)
    return {row.key: row for row in _read(connection, select(table).where(table.c.number.in_(last)))}


def history(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    rule: str | None = None,
    key: str | None = None,
    limit: int | None = None,
) -> list[PastVerdict]:
    """Return the rows from `since` until before `until`, oldest first, and for each key the one that applied at `since`.

    That row is at most an hour older. An older one is not returned, because no hub was judging then and the verdict is
    unknown.
    """
    conditions = [c == v for c, v in ((table.c.rule, rule), (table.c.key, key)) if v is not None]
    in_period = select(table).where(table.c.at >= since, table.c.at < until, *conditions).order_by(table.c.number)
    before = (
        select(func.max(table.c.number))
        .where(table.c.at < since, table.c.at >= since - HOLDS, *conditions)
        .group_by(table.c.key)
    )
    held = _read(connection, select(table).where(table.c.number.in_(before)).order_by(table.c.number))
    return [*held, *_read(connection, in_period if limit is None else in_period.limit(limit))]


class PastStatus(NamedTuple):
    """Holds the verdict that a target had without a break: its rows of the history from the first, `at`, to the last, `last_at`.

    `verdict` is None from when the target was judged no more.
    """

    key: str
    rule: str
    at: datetime
    last_at: datetime
    verdict: VerdictStatus | None


def statuses(connection: Connection, *, since: datetime, until: datetime) -> list[PastStatus]:
    """Return what the rows of `history` say, in the order of the first row of each status.

    Rows of a key that follow one another with the same verdict are one status, as long as none comes later than `HOLDS` after the one
    before it. A report reads hundreds of thousands of rows, which are nearly all of this kind.
    """
    moment = type_coerce(table.c.at, BigInteger)  # a number costs a tenth of a time, and most of them are only compared
    columns = (table.c.number, table.c.key, table.c.rule, moment, table.c.verdict)
    in_period = select(*columns).where(table.c.at >= since, table.c.at < until)
    before = select(func.max(table.c.number)).where(table.c.at < since, table.c.at >= since - HOLDS)
    held = select(*columns).where(table.c.number.in_(before.group_by(table.c.key)))
    # Sorted here: by time, as the index has them, they are nearly in order already.
    rows = [row for query in (held, in_period) for row in sorted(map(tuple, connection.execute(query).all()))]
    longest = HOLDS // _MICROSECOND
    found: list[_Status] = []
    newest: dict[str, _Status] = {}
    for _, key, rule, at, verdict in rows:
        last = newest.get(key)
        if last is not None and last.verdict == verdict and last.last_at <= at <= last.last_at + longest:
            last.last_at = at
        else:
            newest[key] = _Status(key, rule, at, at, verdict)
            found.append(newest[key])
    known = {status.value: status for status in VerdictStatus}
    return [
        PastStatus(one.key, one.rule, moment_of(one.at), moment_of(one.last_at), known.get(one.verdict))
        for one in found
    ]


@dataclass(slots=True)
class _Status:
    """Holds a `PastStatus` in the making, with times in microseconds."""

    key: str
    rule: str
    at: int
    last_at: int
    verdict: str


def _read(connection: Connection, query: Select[Any]) -> list[PastVerdict]:
    return [
        PastVerdict(
            key=row.key,
            rule=row.rule,
            journey=row.journey,
            subject=row.subject,
            at=row.at,
            verdict=None if row.verdict == GONE else VerdictStatus(row.verdict),
            severity=Severity(row.severity) if row.severity else None,
            value=row.value,
            limit=row.limit,
            unit=row.unit,
            low=row.low,
            high=row.high,
            n=row.n,
            coverage=row.coverage,
        )
        for row in connection.execute(query)
    ]
