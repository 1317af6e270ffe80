"""Stores the samples of metrics: raw values by series, and rollups of 5 minutes, an hour and a day, which are kept longer."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Row, and_, case, func, or_, select, text, tuple_, type_coerce

from facts import Labels, Sample, Series
from store import sketches
from store.columns import moment_of
from store.tables import sample_rollups as rollups
from store.tables import samples as table
from store.tables import series
from store.upsert import insert, upsert

WIDTHS_S = (300, 3600, 86_400)
OLDEST = timedelta(days=34)
"""Older samples are not taken. Raw samples are kept a day longer, so that the bucket of a late one can be counted anew in full."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRollup:
    """Holds one bucket of a series, of `width_s` seconds from `start`.

    It holds the number of values, their sum, the smallest, the largest and the last. `sketch` is that of single durations (see
    `store.sketches`), None for other values.
    """

    metric: str
    labels: Labels
    width_s: int
    start: datetime
    n: int
    sum: float
    min: float
    max: float
    last: float
    sketch: bytes | None = None


def save(connection: Connection, samples: Iterable[Sample], *, now: datetime, sketched: Collection[str] = ()) -> int:
    """Save samples and count their buckets anew; return how many were saved.

    A sample of a series and a moment that is there already replaces its value, so saving twice counts once. A sample older than
    `OLDEST` is left out. `sketched` names the metrics whose values are single durations.
    """
    kept = [replace(sample, labels=tuple(sorted(sample.labels))) for sample in samples if sample.at >= now - OLDEST]
    if not kept:
        return 0
    ids = series_ids(connection, {(sample.metric, sample.labels) for sample in kept})
    values = {(ids[sample.metric, sample.labels], sample.at): sample.value for sample in kept}
    upsert(connection, table, [{"series_id": i, "at": at, "value": value} for (i, at), value in values.items()])
    with_sketch = {ids[key] for key in ids if key[0] in sketched}
    _roll_up(connection, values, with_sketch)
    return len(values)


def add(connection: Connection, counted: Mapping[tuple[str, Labels, datetime], float], *, now: datetime) -> None:
    """Add values to the samples of series at moments, each a metric, its labels and the moment, and count their buckets anew.

    A sample that is not there yet begins at 0. What is older than `OLDEST` is left out.
    """
    kept = {(name, tuple(sorted(its)), at): value for (name, its, at), value in counted.items() if at >= now - OLDEST}
    if not kept:
        return
    ids = series_ids(connection, {(name, its) for name, its, _ in kept})
    values = {(ids[name, its], at): value for (name, its, at), value in kept.items()}
    statement = insert(connection, table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["series_id", "at"], set_={"value": table.c.value + statement.excluded.value}
        ),
        [{"series_id": i, "at": at, "value": value} for (i, at), value in sorted(values.items())],
    )
    _roll_up(connection, values, ())


def add_durations(
    connection: Connection, measured: Mapping[tuple[str, Labels, datetime], Sequence[float]], *, now: datetime
) -> None:
    """Add single durations to the shortest buckets of series, each a metric, its labels and the bucket's beginning.

    Only rollups with their sketches are kept of these, no raw samples: their cost does not grow with how many there are. What is
    older than `OLDEST` is left out.
    """
    kept = {
        (name, tuple(sorted(its)), at): values for (name, its, at), values in measured.items() if at >= now - OLDEST
    }
    if not kept:
        return
    ids = series_ids(connection, {(name, its) for name, its, _ in kept})
    found = {(ids[name, its], at): values for (name, its, at), values in kept.items()}
    before: dict[tuple[int, datetime], Row[Any]] = {}
    for some in _in_parts(found):
        is_there = or_(*(and_(rollups.c.series_id == i, rollups.c.start == start) for i, start in some))
        for row in connection.execute(select(rollups).where(rollups.c.width_s == WIDTHS_S[0], is_there)):
            before[row.series_id, row.start] = row
    _replace(connection, [_with_more(i, at, before.get((i, at)), values) for (i, at), values in found.items()])
    _roll_up_wider(connection, found)


def _with_more(series_id: int, start: datetime, before: Row[Any] | None, values: Sequence[float]) -> dict[str, Any]:
    """Return a bucket with more durations than it had."""
    told = [before.sketch] if before is not None and before.sketch is not None else []
    return {
        "series_id": series_id,
        "width_s": WIDTHS_S[0],
        "start": start,
        "n": len(values) + (before.n if before is not None else 0),
        "sum": sum(values) + (before.sum if before is not None else 0),
        "min": min([*values, *([before.min] if before is not None else [])]),
        "max": max([*values, *([before.max] if before is not None else [])]),
        "last": values[-1],
        "sketch": sketches.merged([*told, sketches.sketch_of(values)]),
    }


def known_series(connection: Connection, metrics: Collection[str]) -> dict[str, set[Labels]]:
    """Return the labels of every series that each of some metrics has ever had."""
    found: dict[str, set[Labels]] = {metric: set() for metric in metrics}
    query = select(series.c.metric, series.c.labels).where(series.c.metric.in_(sorted(metrics)))
    for row in connection.execute(query):
        found[row.metric].add(tuple(sorted(json.loads(row.labels).items())))
    return found


def canonical(labels: Labels) -> str:
    """Return labels as the JSON text by which a series is found."""
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def count_again(connection: Connection, places: Collection[tuple[int, datetime]]) -> None:
    """Count the buckets anew in which these moments of series lie. Durations are not counted so: their sketches would be lost."""
    _roll_up(connection, places, ())


def series_ids(connection: Connection, wanted: Collection[tuple[str, Labels]]) -> dict[tuple[str, Labels], int]:
    """Return the id of each series; a new series gets one. On PostgreSQL nobody else saves to these series until the transaction
    ends: two that count the same bucket at once would each miss the other's samples."""
    by_text = {(metric, canonical(labels)): (metric, labels) for metric, labels in sorted(wanted)}
    pairs = list(by_text)
    for first in range(0, len(pairs), _AT_ONCE):
        told = [{"metric": metric, "labels": text} for metric, text in pairs[first : first + _AT_ONCE]]
        connection.execute(insert(connection, series).on_conflict_do_nothing(), told)
    found: dict[tuple[str, Labels], int] = {}
    for first in range(0, len(pairs), _AT_ONCE):
        key = tuple_(series.c.metric, series.c.labels)
        query = select(series).where(key.in_(pairs[first : first + _AT_ONCE])).order_by(series.c.id).with_for_update()
        for row in connection.execute(query):
            found[by_text[row.metric, row.labels]] = row.id
    return found


def _roll_up(connection: Connection, touched: Iterable[tuple[int, datetime]], with_sketch: Collection[int]) -> None:
    """Count the touched buckets anew: the shortest of raw samples, each wider one of those below it."""
    places = set(touched)
    buckets = {(i, bucket_start(at, WIDTHS_S[0])) for i, at in places}
    _replace(connection, _of_samples(connection, buckets, with_sketch))
    _roll_up_wider(connection, places)


def _roll_up_wider(connection: Connection, places: Collection[tuple[int, datetime]]) -> None:
    """Count the touched buckets above the shortest ones anew."""
    for narrow, wide in pairwise(WIDTHS_S):
        buckets = {(i, bucket_start(at, wide)) for i, at in places}
        _replace(connection, _of_buckets(connection, buckets, narrow, wide))


def _replace(connection: Connection, rows: list[dict[str, Any]]) -> None:
    # Not by `upsert`, which tells PostgreSQL its rows as JSON: a sketch is bytes.
    if rows:
        statement = insert(connection, rollups)
        values = {name: statement.excluded[name] for name in ("n", "sum", "min", "max", "last", "sketch")}
        keys = ["series_id", "width_s", "start"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values), rows)


def bucket_start(at: datetime, width_s: int) -> datetime:
    """Return the beginning of the bucket that a moment lies in."""
    return at - (at - _EPOCH) % timedelta(seconds=width_s)


def _of_samples(
    connection: Connection, buckets: Collection[tuple[int, datetime]], with_sketch: Collection[int]
) -> list[dict[str, Any]]:
    width_s = WIDTHS_S[0]
    found: dict[tuple[int, datetime], list[float]] = defaultdict(list)
    for some in _in_parts(buckets):
        query = select(table).where(_within(some, width_s, table.c.series_id, table.c.at)).order_by(table.c.at)
        for row in connection.execute(query):
            found[row.series_id, bucket_start(row.at, width_s)].append(row.value)
    return [
        {
            "series_id": i,
            "width_s": width_s,
            "start": start,
            "n": len(values),
            "sum": sum(values),
            "min": min(values),
            "max": max(values),
            "last": values[-1],
            "sketch": sketches.sketch_of(values) if i in with_sketch else None,
        }
        for (i, start), values in found.items()
    ]


def _of_buckets(
    connection: Connection, buckets: Collection[tuple[int, datetime]], narrow: int, wide: int
) -> list[dict[str, Any]]:
    found: dict[tuple[int, datetime], list[Row[Any]]] = defaultdict(list)
    for some in _in_parts(buckets):
        query = (
            select(rollups)
            .where(rollups.c.width_s == narrow, _within(some, wide, rollups.c.series_id, rollups.c.start))
            .order_by(rollups.c.start)
        )
        for row in connection.execute(query):
            found[row.series_id, bucket_start(row.start, wide)].append(row)
    return [
        {
            "series_id": i,
            "width_s": wide,
            "start": start,
            "n": sum(row.n for row in rows),
            "sum": sum(row.sum for row in rows),
            "min": min(row.min for row in rows),
            "max": max(row.max for row in rows),
            "last": rows[-1].last,
            "sketch": _merged(rows),
        }
        for (i, start), rows in found.items()
    ]


def _merged(rows: Sequence[Row[Any]]) -> bytes | None:
    told = [row.sketch for row in rows if row.sketch is not None]
    return sketches.merged(told) if told else None


def _in_parts(buckets: Collection[tuple[int, datetime]]) -> Iterable[list[tuple[int, datetime]]]:
    ordered = sorted(buckets)
    return (ordered[first : first + _AT_ONCE // 4] for first in range(0, len(ordered), _AT_ONCE // 4))


def _within(buckets: Sequence[tuple[int, datetime]], width_s: int, series_id: Any, at: Any) -> Any:
    width = timedelta(seconds=width_s)
    return or_(*(and_(series_id == i, at >= start, at < start + width) for i, start in buckets))


def read(
    connection: Connection,
    metric: str,
    *,
    since: datetime,
    until: datetime | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[Series]:
    """Return the raw samples of a metric from `since` up to `until` (exclusive), a series for each set of labels.

    With `labels` only the series that have these labels with these values. A series without samples then is left out.
    """
    found = _series_of(connection, metric, labels)
    points: dict[int, list[tuple[datetime, float]]] = defaultdict(list)
    for ids in _parts(list(found)):
        query = select(table).where(table.c.series_id.in_(ids), table.c.at >= since).order_by(table.c.at)
        if until is not None:
            query = query.where(table.c.at < until)
        for row in connection.execute(query).all():
            points[row.series_id].append((row.at, row.value))
    return [Series(metric=metric, labels=its, points=tuple(points[i])) for i, its in found.items() if points.get(i)]


def newest(connection: Connection, metric: str) -> list[Series]:
    """Return the last raw sample of each series of a metric, however old it is; a series of which none is kept is left out."""
    older = table.alias()
    last = select(func.max(older.c.at)).where(older.c.series_id == series.c.id).correlate(series).scalar_subquery()
    query = (
        select(series.c.labels, table.c.at, table.c.value)
        .select_from(series)
        .join(table, and_(table.c.series_id == series.c.id, table.c.at == last))
        .where(series.c.metric == metric)
        .order_by(series.c.labels)
    )
    return [
        Series(metric=metric, labels=tuple(sorted(json.loads(row.labels).items())), points=((row.at, row.value),))
        for row in connection.execute(query)
    ]


def read_rollups(
    connection: Connection,
    metric: str,
    *,
    width_s: int,
    since: datetime,
    until: datetime | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[SampleRollup]:
    """Return the buckets of a width that began from `since` up to `until` (exclusive), series after series, oldest first."""
    found = _series_of(connection, metric, labels)
    kept: list[SampleRollup] = []
    for ids in _parts(list(found)):
        query = (
            select(rollups)
            .where(rollups.c.series_id.in_(ids), rollups.c.width_s == width_s, rollups.c.start >= since)
            .order_by(rollups.c.series_id, rollups.c.start)
        )
        if until is not None:
            query = query.where(rollups.c.start < until)
        kept += [
            SampleRollup(
                metric=metric,
                labels=found[row.series_id],
                width_s=width_s,
                start=row.start,
                n=row.n,
                sum=row.sum,
                min=row.min,
                max=row.max,
                last=row.last,
                sketch=row.sketch,
            )
            for row in connection.execute(query).all()
        ]
    return kept


class Bucket(NamedTuple):
    """Holds one bucket of a series as pages read it by the thousand: `SampleRollup` without the sketch."""

    labels: Labels
    width_s: int
    start: datetime
    n: int
    sum: float
    min: float
    max: float
    last: float


def read_buckets(
    connection: Connection,
    metric: str,
    *,
    width_s: int,
    since: datetime,
    until: datetime,
    labels: Mapping[str, str] | None = None,
) -> list[Bucket]:
    """Return the buckets of a width that began from `since` up to `until` (exclusive), oldest first."""
    found = _series_of(connection, metric, labels)
    # Of many series a bucket has the same beginning: it is made into a moment once.
    moments: dict[int, datetime] = {}
    start = type_coerce(rollups.c.start, BigInteger)
    kept: list[Bucket] = []
    columns = (rollups.c.n, rollups.c.sum, rollups.c.min, rollups.c.max, rollups.c.last)
    for ids in _parts(list(found)):
        query = select(rollups.c.series_id, start, *columns).where(_of_width(ids, width_s, since, until))
        for series_id, at, n, total, least, most, last in connection.execute(query).all():
            if (moment := moments.get(at)) is None:
                moment = moments[at] = moment_of(at)
            kept.append(Bucket(found[series_id], width_s, moment, n, total, least, most, last))
    return sorted(kept, key=lambda bucket: bucket.start)


def read_stretches(
    connection: Connection,
    metric: str,
    *,
    width_s: int,
    edges: Sequence[datetime],
    labels: Mapping[str, str] | None = None,
) -> list[Bucket]:
    """Return the buckets of a width added up between each two of some moments, oldest first.

    `edges` are in order, two at least. What is returned for a stretch begins with it, is as wide as it is, and has NaN as its last
    value. A series without buckets in a stretch is left out.
    """
    found = _series_of(connection, metric, labels)
    its = rollups.c
    number = case(*((its.start < edge, n) for n, edge in enumerate(edges[1:]))).label("number")
    kept: list[Bucket] = []
    for ids in _parts(list(found)):
        sums = (func.sum(its.n), func.sum(its.sum), func.min(its.min), func.max(its.max))
        query = select(its.series_id, number, *sums).where(_of_width(ids, width_s, edges[0], edges[-1]))
        for series_id, n, count, total, least, most in connection.execute(
            query.group_by(its.series_id, text("number"))
        ):
            length_s = round((edges[n + 1] - edges[n]).total_seconds())
            kept.append(Bucket(found[series_id], length_s, edges[n], count, total, least, most, math.nan))
    return sorted(kept, key=lambda bucket: bucket.start)


class Sum(NamedTuple):
    """Holds the total of a series over a period: the number of values, and their sum."""

    labels: Labels
    n: int
    sum: float


def read_sums(connection: Connection, metric: str, *, width_s: int, since: datetime, until: datetime) -> list[Sum]:
    """Return the sum of the buckets of each series that `read_buckets` would return, in the order of their labels."""
    found = _series_of(connection, metric, None)
    sums: dict[int, Sum] = {}
    for ids in _parts(list(found)):
        query = select(rollups.c.series_id, func.sum(rollups.c.n), func.sum(rollups.c.sum)).where(
            _of_width(ids, width_s, since, until)
        )
        for series_id, n, total in connection.execute(query.group_by(rollups.c.series_id)):
            sums[series_id] = Sum(found[series_id], n, total)
    return [sums[i] for i in found if i in sums]


def bucket_starts(
    connection: Connection, metrics: Collection[str], *, width_s: int, since: datetime, until: datetime
) -> set[datetime]:
    """Return when the buckets of a width begin that any series of some metrics has, from `since` up to `until` (exclusive)."""
    its = select(series.c.id).where(series.c.metric.in_(sorted(metrics)))
    starts: set[datetime] = set()
    for ids in _parts(list(connection.execute(its).scalars())):
        query = select(rollups.c.start).where(_of_width(ids, width_s, since, until)).distinct()
        starts.update(connection.execute(query).scalars())
    return starts


def _of_width(ids: list[int], width_s: int, since: datetime, until: datetime) -> Any:
    its = rollups.c
    return and_(its.series_id.in_(ids), its.width_s == width_s, its.start >= since, its.start < until)


def _parts(ids: list[int]) -> Iterable[list[int]]:
    return (ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE))


def _series_of(connection: Connection, metric: str, labels: Mapping[str, str] | None) -> dict[int, Labels]:
    """Return the labels of each series of a metric by id, in the order of their labels."""
    wanted = set((labels or {}).items())
    query = select(series.c.id, series.c.labels).where(series.c.metric == metric).order_by(series.c.labels)
    found = {row.id: tuple(sorted(json.loads(row.labels).items())) for row in connection.execute(query)}
    return {i: its for i, its in found.items() if wanted <= set(its)}
