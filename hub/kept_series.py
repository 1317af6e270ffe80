"""Keeps the samples that rules look at from cycle to cycle: they are read again when their source has brought something."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from facts import Series
from hub.known_metrics import METRICS
from store import cursors, samples


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    since: datetime
    series: list[Series]


class KeptSeries:
    """Holds the series of each metric as its source brought them last.

    Whatever a source brings is saved together with a new version of its cursor, so the same version means the same samples. Rules
    that compare weeks look at tens of thousands of samples, which take half a second to read.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def series(
        self, connection: Connection, windows: Mapping[str, timedelta], *, now: datetime, until: datetime
    ) -> dict[str, list[Series]]:
        """Return the series of each metric, with the samples of its window before `now` up to `until` (exclusive)."""
        states = cursors.states(connection)
        found: dict[str, list[Series]] = {}
        for name, window in windows.items():
            if name not in METRICS:
                continue
            state = states.get(METRICS[name].source)
            found[name] = self._of(connection, name, now - window, until, state.version if state else None)
        self._kept = {name: kept for name, kept in self._kept.items() if name in found}
        return found

    def _of(
        self, connection: Connection, name: str, since: datetime, until: datetime, version: int | None
    ) -> list[Series]:
        kept = self._kept.get(name)
        if kept is None or version is None or kept.version != version or since < kept.since:
            read = samples.read(connection, name, since=since)
            kept = _Kept(version if version is not None else -1, since, read)
            self._kept[name] = kept
        cut = (_between(one, since, until) for one in kept.series)
        return [one for one in cut if one.points]


def _between(series: Series, since: datetime, until: datetime) -> Series:
    """Return the samples of a series from one moment up to another."""
    first = bisect_left(series.points, since, key=lambda point: point[0])
    end = bisect_left(series.points, until, key=lambda point: point[0])
    return series if (first, end) == (0, len(series.points)) else replace(series, points=series.points[first:end])
