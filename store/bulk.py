"""Saves a long history of samples at once: what would take minutes through `samples.save`, because it counts each bucket anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from facts import Labels
from store import samples, sketches
from store.columns import microseconds
from store.tables import sample_rollups
from store.tables import samples as table

Points = Mapping[tuple[str, Labels], Mapping[float, float]]
"""By metric and labels, the value of each moment, in epoch seconds."""
_MICRO = 1_000_000
_ROLLUP = ("series_id", "width_s", "start", "n", "sum", "min", "max", "last", "sketch")


class Durations(NamedTuple):
    """Holds one bucket of durations: `n` were measured, and `values` represent all of them, in the metric's unit."""

    metric: str
    labels: Labels
    width_s: int
    start: float
    n: int
    values: tuple[float, ...]


def save(connection: Connection, points: Points, *, short_since: datetime) -> int:
    """Save samples with their rollups, and return how many.

    It takes them however old they are. Rollups of five minutes are made from `short_since` on. The samples of a series must be later
    than those it has already, and then `short_since` no later than the first of them: the bucket that holds some of both is
    counted anew.
    """
    if not points:
        return 0
    ids = samples.series_ids(connection, points)
    short_us = microseconds(short_since) or 0
    begun = _with_samples(connection, list(ids.values()))
    rows = [
        (ids[key], round(at * _MICRO), value) for key in sorted(points) for at, value in sorted(points[key].items())
    ]
    _insert(connection, table, ("series_id", "at", "value"), rows)
    _insert(connection, sample_rollups, _ROLLUP, _rollups(rows, short_us))
    first = {ids[key]: datetime.fromtimestamp(min(points[key]), UTC) for key in points if points[key]}
    samples.count_again(connection, {(series_id, first[series_id]) for series_id in begun if series_id in first})
    return len(rows)


def _with_samples(connection: Connection, ids: Sequence[int]) -> set[int]:
    query = select(table.c.series_id).distinct()
    return {row.series_id for row in connection.execute(query)} & set(ids)


def save_durations(connection: Connection, buckets: Iterable[Durations]) -> None:
    """Save buckets of durations with their sketches; each replaces the bucket that is there."""
    told = list(buckets)
    ids = samples.series_ids(connection, {(one.metric, one.labels) for one in told})
    sketch_of = cache(sketches.sketch_of)  # many buckets have the same values
    rows = [
        (
            *(ids[one.metric, one.labels], one.width_s, round(one.start * _MICRO)),
            *(one.n, one.n * sum(one.values) / len(one.values), min(one.values), max(one.values), one.values[-1]),
            sketch_of(one.values),
        )
        for one in told
    ]
    _insert(connection, sample_rollups, _ROLLUP, rows)


def _rollups(rows: Sequence[tuple[int, int, float]], short_us: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rollups of samples that are ordered by series and time."""
    shortest, hour, day = samples.WIDTHS_S
    short = [row for row in rows if row[1] >= short_us]
    yield from (_rollup(key, shortest, some) for key, some in _grouped(short, shortest).items())
    hours = _grouped(rows, hour)
    yield from (_rollup(key, hour, some) for key, some in hours.items())
    days: dict[tuple[int, int], list[float]] = defaultdict(list)
    for (series_id, start), some in hours.items():
        days[series_id, start - start % (day * _MICRO)] += some
    yield from (_rollup(key, day, some) for key, some in days.items())


def _grouped(rows: Iterable[tuple[int, int, float]], width_s: int) -> dict[tuple[int, int], list[float]]:
    width, found = width_s * _MICRO, dict[tuple[int, int], list[float]]()
    last, some = (0, -1), list[float]()
    for series_id, at, value in rows:
        key = (series_id, at - at % width)
        if key != last:
            last, some = key, found.setdefault(key, [])
        some.append(value)
    return found


def _rollup(key: tuple[int, int], width_s: int, some: Sequence[float]) -> tuple[Any, ...]:
    return (key[0], width_s, key[1], len(some), sum(some), min(some), max(some), some[-1], None)


def _insert(connection: Connection, into: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    told = list(rows)
    if not told:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    keys = [column.name for column in into.primary_key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    connection.exec_driver_sql(
        f"INSERT INTO {into.name} ({', '.join(columns)}) VALUES ({', '.join(mark for _ in columns)}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}",
        told,
    )
