"""Caches the charts of each journey's page: each run is read once, and the charts are redrawn when a run is new."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from facts import Grid
from reports.live.journey import Charts, charts
from store import runs

MOST_RUNS = 450
"""The number of a journey's runs in its charts, of all locations together; at the usual interval that is every second run of a day."""

_Ids = dict[str, list[str]]


class _Kept(NamedTuple):
    ids: _Ids
    samples: dict[str, runs.Sample]
    charts: Charts


class ChartCache:
    """Holds the charts of each journey, and at most `MOST_RUNS` runs per journey. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def charts(
        self, connection: Connection, *, journey: str, period_s: int, grids: Mapping[str, Grid], since: datetime
    ) -> Charts:
        """Return the charts of a journey's runs since `since`."""
        most = max(1, MOST_RUNS // max(1, len(grids)))
        ids = {
            place: runs.sample_ids(
                connection, journey=journey, location=place, since=since, period_s=period_s, most=most
            )
            for place in grids
        }
        with self._lock:
            kept = self._kept.get(journey)
        if kept is not None and kept.ids == ids:
            return kept.charts
        known = kept.samples if kept else {}
        new = [one for of_place in ids.values() for one in of_place if one not in known]
        found = {**known, **runs.samples(connection, new)}
        # A run that was deleted in the meantime has no sample.
        by_place = {place: [found[one] for one in of_place if one in found] for place, of_place in ids.items()}
        drawn = charts(by_place)
        samples = {one: found[one] for of_place in ids.values() for one in of_place if one in found}
        with self._lock:
            self._kept[journey] = _Kept(ids, samples, drawn)
        return drawn
