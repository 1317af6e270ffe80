"""Stores rollups of 5 minutes, an hour and a day: new runs are added, and a bucket with a corrected run is recounted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from facts import Outcome, Run, Status
from store.histograms import bucket, histogram
from store.lookup import lookup
from store.tables import rollups as table
from store.tables import runs
from store.upsert import upsert

_HOUR_S = 3600
_DAY_S = 86_400
WIDTHS_S = (300, _HOUR_S, _DAY_S)
_STATUSES = [status.value for status in Status]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = ("width_s", "start", "journey", "location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """Holds one bucket.

    `counts` are runs by final status, with `slow`, `flaky` and `first_passed`. `durations` is the histogram of passed
    runs; `steps` are the histograms of their steps, by name (see `store.histograms`).
    """

    width_s: int
    start: datetime
    journey: str
    location: str
    counts: dict[str, int]
    durations: dict[str, int]
    steps: dict[str, dict[str, int]]


_Key = tuple[int, datetime, str, str]


def add(connection: Connection, saved: Iterable[Outcome]) -> None:
    """Add runs whose slots had no record before to their buckets. Ad-hoc runs are in none.

    The caller must hold the counters of the runs' journeys and locations (`counters.hold`), because two concurrent
    increments would lose one.
    """
    buckets: dict[_Key, list[_Added]] = defaultdict(list)
    for outcome in saved:
        if outcome.slot is not None:
            added = _added(outcome)
            for width_s in WIDTHS_S:
                buckets[width_s, _start(outcome.slot, width_s), outcome.journey, outcome.location].append(added)
    if not buckets:
        return
    rows = lookup(connection, table, ("counts", "histograms"), buckets)
    for key, of_bucket in buckets.items():
        row = rows.get(key)
        if row is None:
            row = rows[key] = {"counts": {}, "histograms": {"durations": {}, "steps": {}}}
        for added in of_bucket:
            _into(row, added)
    upsert(connection, table, [dict(zip(_KEY, key, strict=True)) | row for key, row in rows.items()])


class _Added(NamedTuple):
    """Holds a run's contribution to its buckets: its counts, the histogram bucket of its duration, and those of its steps, by name."""

    counts: dict[str, int]
    duration: str | None
    steps: dict[str, str]


def _added(outcome: Outcome) -> _Added:
    flags = {"slow": outcome.slow, "flaky": outcome.flaky, "first_passed": outcome.first_status is Status.PASSED}
    counts = {outcome.status.value: 1} | {flag: int(on) for flag, on in flags.items()}
    if outcome.status is not Status.PASSED:
        return _Added(counts, None, {})
    return _Added(counts, bucket(outcome.duration_ms), {name: bucket(took) for name, took in outcome.steps.items()})


def _into(row: dict[str, Any], added: _Added) -> None:
    counts, histograms = row["counts"], row["histograms"]
    for name, n in added.counts.items():
        counts[name] = counts.get(name, 0) + n
    if added.duration is not None:
        _one_more(histograms["durations"], added.duration)
    of_steps = histograms["steps"]
    for name, within in added.steps.items():
        of_step = of_steps.get(name)
        if of_step is None:
            of_step = of_steps[name] = {}
        _one_more(of_step, within)


def _one_more(histogram: dict[str, int], within: str) -> None:
    histogram[within] = histogram.get(within, 0) + 1


def save_whole(connection: Connection, found: Iterable[Rollup]) -> None:
    """Save buckets as they are, in place of those that are there: for a history that has no runs of its own."""
    rows = [
        {
            **{name: getattr(one, name) for name in (*_KEY, "counts")},
            "histograms": {"durations": one.durations, "steps": one.steps},
        }
        for one in found
    ]
    upsert(connection, table, rows)


def touch(connection: Connection, saved: Iterable[Run]) -> None:
    """Recount the buckets of some runs' slots, each once. Ad-hoc runs are in none."""
    slots: dict[tuple[str, str, datetime], set[datetime]] = defaultdict(set)
    for run in saved:
        if run.slot is not None:
            slots[run.journey, run.location, _start(run.slot, WIDTHS_S[-1])].add(run.slot)
    rows: list[dict[str, Any]] = []
    for (journey, location, day), touched in sorted(slots.items()):
        rows += _rows(_runs_of(connection, journey, location, day), journey, location, touched)
    upsert(connection, table, rows)


def _start(moment: datetime, width_s: int) -> datetime:
    return moment - (moment - _EPOCH) % timedelta(seconds=width_s)


def _runs_of(connection: Connection, journey: str, location: str, day: datetime) -> list[Row[Any]]:
    # A day of one journey at one location has 288 rows at the usual interval: recounting is cheaper than correcting.
    # The shorter buckets are parts of the day.
    query = select(
        runs.c.slot,
        runs.c.status,
        runs.c.first_status,
        runs.c.slow,
        runs.c.flaky,
        runs.c.duration_ms,
        runs.c.details["steps"].label("steps"),
    ).where(
        runs.c.journey == journey,
        runs.c.location == location,
        runs.c.slot >= day,
        runs.c.slot < day + timedelta(seconds=WIDTHS_S[-1]),
    )
    return list(connection.execute(query))


def _rows(of_day: list[Row[Any]], journey: str, location: str, touched: Iterable[datetime]) -> list[dict[str, Any]]:
    """Return a row for each bucket that contains one of the touched slots."""
    starts = sorted({(width, _start(slot, width)) for slot in touched for width in WIDTHS_S})
    return [
        {"width_s": width, "start": start, "journey": journey, "location": location}
        | _counted([row for row in of_day if start <= row.slot < start + timedelta(seconds=width)])
        for width, start in starts
    ]


def _counted(found: list[Row[Any]]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for row in found:
        counts[row.status] += 1
        for flag, on in (("slow", row.slow), ("flaky", row.flaky), ("first_passed", row.first_status == "passed")):
            counts[flag] += int(on)
    good = [row for row in found if row.status == "passed"]
    histograms = {
        "durations": histogram(row.duration_ms for row in good),
        "steps": _step_histograms(row.steps or {} for row in good),
    }
    return {"counts": dict(counts), "histograms": histograms}


def _step_histograms(steps: Iterable[dict[str, float]]) -> dict[str, dict[str, int]]:
    values: dict[str, list[float]] = defaultdict(list)
    for of_run in steps:
        for name, duration in of_run.items():
            values[name].append(duration)
    return {name: histogram(durations) for name, durations in values.items()}


def hours_counted(connection: Connection, *, since: datetime) -> dict[tuple[datetime, str, str], tuple[int, int]]:
    """Return how many runs each hour from `since` has, and how many are missed slots, by start, journey and location.

    `runs.hours_counted` finds the same by counting the runs.
    """
    return _buckets_counted(connection, _HOUR_S, since)


def days_counted(connection: Connection, *, since: datetime) -> dict[tuple[datetime, str, str], tuple[int, int]]:
    """Return the same for days, including the day that contains `since`."""
    return _buckets_counted(connection, _DAY_S, _start(since, _DAY_S))


def _buckets_counted(
    connection: Connection, width_s: int, since: datetime
) -> dict[tuple[datetime, str, str], tuple[int, int]]:
    query = select(table.c.start, table.c.journey, table.c.location, table.c.counts).where(
        table.c.width_s == width_s, table.c.start >= since
    )
    return {
        (row.start, row.journey, row.location): (
            sum(row.counts.get(status, 0) for status in _STATUSES),
            row.counts.get("missed", 0),
        )
        for row in connection.execute(query).all()
    }


def oldest(connection: Connection) -> datetime | None:
    """Return when the oldest of the shortest buckets begins; None without one."""
    start: datetime | None = connection.execute(
        select(func.min(table.c.start)).where(table.c.width_s == WIDTHS_S[0])
    ).scalar()
    return start


def read(
    connection: Connection,
    *,
    width_s: int,
    since: datetime,
    until: datetime | None = None,
    journey: str | None = None,
    location: str | None = None,
    brief: bool = False,
) -> list[Rollup]:
    """Return the buckets of a width that start at or after `since`, and before `until` if it is given, oldest first.

    `brief` leaves out the histograms, which are nearly all of a bucket.
    """
    conditions = [table.c.width_s == width_s, table.c.start >= since]
    conditions += [table.c.start < until] if until is not None else []
    conditions += [c == v for c, v in ((table.c.journey, journey), (table.c.location, location)) if v is not None]
    columns = [c for c in table.columns if not (brief and c.name == "histograms")]
    query = select(*columns).where(*conditions).order_by(table.c.start, table.c.journey, table.c.location)
    return [
        Rollup(
            width_s=row.width_s,
            start=row.start,
            journey=row.journey,
            location=row.location,
            counts=row.counts,
            durations={} if brief else row.histograms["durations"],
            steps={} if brief else row.histograms["steps"],
        )
        for row in connection.execute(query).all()
    ]
