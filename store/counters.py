"""Stores counters by journey and location that only grow, whatever is corrected, deleted or restarted.

Metrics need such numbers, because their readers interpret a decrease as a restart. Rollups are corrected in place, so
they cannot be used.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from facts import Run, Status, StepStatus, missed_word
from store.lookup import lookup
from store.tables import counters as table
from store.upsert import insert, upsert

RUN_EDGES_S = (1, 2, 5, 10, 15, 20, 25, 30, 45, 60, 90)
STEP_EDGES_S = (0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 15)
# Bucket edges around the guide's limits and Google's limits for good and poor values.
VITAL_EDGES = {
    "LCP": (0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10),
    "FCP": (0.5, 1, 1.5, 1.8, 2.5, 3, 4, 6, 10),
    "TTFB": (0.1, 0.2, 0.4, 0.6, 0.8, 1.2, 1.8, 3, 6),
    "INP": (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2),
    "FID": (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2),
    "CLS": (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1),
}
_NAMES = {
    edges: (*(f"{edge:g}" for edge in edges), "inf") for edges in (RUN_EDGES_S, STEP_EDGES_S, *VITAL_EDGES.values())
}
UNMEASURED = (Status.MISSED, Status.SKIPPED)
MOST_STEPS, MOST_PAGES, THE_REST = 40, 20, "other"
"""The maximum number of step and page names of a journey; further names share one counter."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Holds a histogram with its sum: `counts` maps each bucket's upper edge to its number of values (`inf` is the last)."""

    total: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Holds the counters of one journey at one location: runs by final status, missed slots by reason, and durations.

    `runs` covers passed runs in seconds, `steps` covers passed steps in seconds, by name. `vitals`, by name and page,
    is in seconds; CLS is a score.
    """

    journey: str
    location: str
    statuses: dict[str, int]
    missed: dict[str, int]
    runs: Spread
    steps: dict[str, Spread]
    vitals: dict[str, dict[str, Spread]]


def count(connection: Connection, taken: Iterable[Run]) -> None:
    """Count runs that were saved for their slots. Ad-hoc runs are not counted."""
    of_slots = [run for run in taken if run.slot is not None]
    counted = hold(connection, of_slots)
    for run in of_slots:
        _add(counted[run.journey, run.location], run)
    rows = [{"journey": journey, "location": place, "counted": row} for (journey, place), row in counted.items()]
    upsert(connection, table, rows)


def hold(connection: Connection, saved: Iterable[Run]) -> dict[tuple[str, str], dict[str, Any]]:
    """Lock and return the counters of the runs' journeys and locations, in their stored form.

    They stay locked until the transaction ends.
    """
    places = sorted({(run.journey, run.location) for run in saved if run.slot is not None})
    found = lookup(connection, table, ("counted",), places, for_update=True)
    missing = [{"journey": j, "location": at, "counted": {}} for j, at in places if (j, at) not in found]
    if missing:
        connection.execute(insert(connection, table).on_conflict_do_nothing(), missing)
        found = lookup(connection, table, ("counted",), places, for_update=True)
    return {place: row["counted"] for place, row in found.items()}


def _add(counted: dict[str, Any], run: Run) -> None:
    # Changed in place: converting the counters to objects for each run would cost more than everything else here.
    _one_more(counted.setdefault("statuses", {}), run.status.value)
    if run.status is Status.MISSED:
        _one_more(counted.setdefault("missed", {}), missed_word(run.error))
    if run.status is Status.PASSED:
        _into(counted.setdefault("runs", [0.0, {}]), run.duration_ms / 1000, RUN_EDGES_S)
    steps = counted.setdefault("steps", {})
    for step in run.steps:
        if step.status is StepStatus.PASSED and step.duration_ms is not None:
            _into(_of(steps, step.name, MOST_STEPS), step.duration_ms / 1000, STEP_EDGES_S)
    vitals = counted.setdefault("vitals", {})
    for vital in run.vitals:
        edges = VITAL_EDGES.get(vital.name)
        if edges is not None and vital.value is not None and not vital.cut:
            value = vital.value if vital.unit == "score" else vital.value / 1000
            _into(_of(vitals.setdefault(vital.name, {}), vital.page, MOST_PAGES), value, edges)


def _one_more(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _of(spreads: dict[str, list[Any]], name: str, most: int) -> list[Any]:
    known = spreads.get(name)
    return known or spreads.setdefault(name if len(spreads) < most else THE_REST, [0.0, {}])


def _into(spread: list[Any], value: float, edges: tuple[float, ...]) -> None:
    spread[0] = round(spread[0] + value, 6)
    _one_more(spread[1], _NAMES[edges][bisect_left(edges, value)])


def read(connection: Connection) -> list[Counted]:
    """Return all counters."""
    query = select(table).order_by(table.c.journey, table.c.location)
    return [_counted(row.journey, row.location, row.counted) for row in connection.execute(query)]


def measured(connection: Connection) -> dict[str, int]:
    """Return how many measured results of slots each location has ever sent, independent of any clock."""
    found: dict[str, int] = defaultdict(int)
    for row in connection.execute(select(table.c.location, table.c.counted["statuses"].label("statuses"))):
        counts = row.statuses or {}
        found[row.location] += sum(n for status, n in counts.items() if Status(status) not in UNMEASURED)
    return dict(found)


def _counted(journey: str, location: str, row: dict[str, Any]) -> Counted:
    return Counted(
        journey=journey,
        location=location,
        statuses=row.get("statuses", {}),
        missed=row.get("missed", {}),
        runs=Spread(*row.get("runs", ())),
        steps={name: Spread(*one) for name, one in row.get("steps", {}).items()},
        vitals={name: {p: Spread(*s) for p, s in pages.items()} for name, pages in row.get("vitals", {}).items()},
    )
