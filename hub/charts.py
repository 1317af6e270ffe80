"""Caches the web vitals of each journey's page: each run is read once, and they are counted anew when a run is new."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from reports.live.journey_charts import Vitals, vitals_of
from store import runs

MOST_RUNS = 450
"""The number of a journey's runs in its charts, of all locations together; at the usual interval that is every second run of a day."""

_Ids = dict[str, list[str]]


class _Kept(NamedTuple):
    ids: _Ids
    samples: dict[str, runs.Sample]
    vitals: Vitals


class VitalsCache:
    """Holds the web vitals of each journey and range, from at most `MOST_RUNS` runs of each. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def vitals(
        self,
        connection: Connection,
        *,
        journey: str,
        period_s: int,
        grids: Iterable[str],
        since: datetime,
        range_key: str,
        step_s: int,
        until: datetime | None = None,
    ) -> Vitals:
        """Return the web vitals of a journey's runs at some locations since `since`, in stretches of `step_s` seconds.

        `range_key` names the range, which has one `step_s`. A range with an end, `until`, is not kept: there are as many as readers
        choose.
        """
        places = list(grids)
        most = max(1, MOST_RUNS // max(1, len(places)))
        ids = {
            place: runs.sample_ids(
                connection, journey=journey, location=place, since=since, until=until, period_s=period_s, most=most
            )
            for place in places
        }
        with self._lock:
            kept = self._kept.get((journey, range_key)) if until is None else None
        if kept is not None and kept.ids == ids:
            return kept.vitals
        known = kept.samples if kept else {}
        new = [one for of_place in ids.values() for one in of_place if one not in known]
        found = {**known, **runs.samples(connection, new)}
        # A run that was deleted in the meantime has no sample.
        by_place = {place: [found[one] for one in of_place if one in found] for place, of_place in ids.items()}
        told = vitals_of(by_place, step_s)
        if until is not None:
            return told
        samples = {one: found[one] for of_place in ids.values() for one in of_place if one in found}
        with self._lock:
            self._kept[journey, range_key] = _Kept(ids, samples, told)
        return told
