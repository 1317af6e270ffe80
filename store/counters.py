"""What was counted ever, by journey and location: numbers that only grow, whatever is corrected, swept or restarted.

Metrics need such numbers: whoever reads them takes a fall for a restart. Rollups are corrected in place, so they are none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from facts import Run, Status, Step, StepStatus, Vital, missed_word
from store.tables import counters as table
from store.upsert import insert

RUN_EDGES_S = (1, 2, 5, 10, 15, 20, 25, 30, 45, 60, 90)
STEP_EDGES_S = (0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 15)
# Around the limits of the guide and those that Google calls good and poor.
VITAL_EDGES = {
    "LCP": (0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10),
    "FCP": (0.5, 1, 1.5, 1.8, 2.5, 3, 4, 6, 10),
    "TTFB": (0.1, 0.2, 0.4, 0.6, 0.8, 1.2, 1.8, 3, 6),
    "INP": (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2),
    "FID": (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2),
    "CLS": (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1),
}
MOST_STEPS, MOST_PAGES, THE_REST = 40, 20, "other"
"""How many names of each a journey may bring; what comes on top shares one."""


@dataclass(slots=True)
class Spread:
    """A histogram with its sum: `counts` are those between an edge and the one before, by edge (`inf` is the last)."""

    counts: dict[str, int] = field(default_factory=dict)
    total: float = 0.0

    def add(self, value: float, edges: Iterable[float]) -> None:
        """Count a value."""
        edge = next((f"{edge:g}" for edge in edges if value <= edge), "inf")
        self.counts[edge] = self.counts.get(edge, 0) + 1
        self.total = round(self.total + value, 6)


@dataclass(slots=True, kw_only=True)
class Counted:
    """Of one journey at one location: runs by final status, missed slots by word, and how long things took.

    `runs` is in seconds and of passed runs, `steps` in seconds and of passed steps; `vitals` by name and page are in seconds,
    CLS is a score.
    """

    journey: str
    location: str
    statuses: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    runs: Spread = field(default_factory=Spread)
    steps: dict[str, Spread] = field(default_factory=dict)
    vitals: dict[str, dict[str, Spread]] = field(default_factory=dict)

    def add(self, run: Run) -> None:
        """Count a run."""
        _one_more(self.statuses, run.status.value)
        if run.status is Status.MISSED:
            _one_more(self.missed, missed_word(run.error))
        if run.status is Status.PASSED:
            self.runs.add(run.duration_ms / 1000, RUN_EDGES_S)
        for step in run.steps:
            self._step(step)
        for vital in run.vitals:
            self._vital(vital)

    def _step(self, step: Step) -> None:
        if step.status is StepStatus.PASSED and step.duration_ms is not None:
            _of(self.steps, step.name, MOST_STEPS).add(step.duration_ms / 1000, STEP_EDGES_S)

    def _vital(self, vital: Vital) -> None:
        edges = VITAL_EDGES.get(vital.name)
        if edges is not None and vital.value is not None and not vital.cut:
            value = vital.value if vital.unit == "score" else vital.value / 1000
            _of(self.vitals.setdefault(vital.name, {}), vital.page, MOST_PAGES).add(value, edges)


def _one_more(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _of(spreads: dict[str, Spread], name: str, most: int) -> Spread:
    return spreads.setdefault(name if name in spreads or len(spreads) < most else THE_REST, Spread())


def count(connection: Connection, run: Run) -> None:
    """Count a run that was taken for its slot. An ad-hoc run counts nowhere."""
    if run.slot is None:
        return
    mine = (table.c.journey == run.journey) & (table.c.location == run.location)
    new = {"journey": run.journey, "location": run.location, "counted": {}}
    connection.execute(insert(connection, table).values(new).on_conflict_do_nothing())
    known = connection.execute(select(table.c.counted).where(mine).with_for_update()).scalar_one()
    counted = _counted(run.journey, run.location, known)
    counted.add(run)
    connection.execute(update(table).where(mine).values(counted=_row(counted)))


def read(connection: Connection) -> list[Counted]:
    """All that was counted."""
    query = select(table).order_by(table.c.journey, table.c.location)
    return [_counted(row.journey, row.location, row.counted) for row in connection.execute(query)]


def _row(counted: Counted) -> dict[str, Any]:
    def spread(one: Spread) -> list[Any]:
        return [one.total, one.counts]

    return {
        "statuses": counted.statuses,
        "missed": counted.missed,
        "runs": spread(counted.runs),
        "steps": {name: spread(one) for name, one in counted.steps.items()},
        "vitals": {name: {page: spread(one) for page, one in pages.items()} for name, pages in counted.vitals.items()},
    }


def _counted(journey: str, location: str, row: dict[str, Any]) -> Counted:
    def spread(one: list[Any]) -> Spread:
        return Spread(counts=dict(one[1]), total=one[0])

    return Counted(
        journey=journey,
        location=location,
        statuses=dict(row.get("statuses", {})),
        missed=dict(row.get("missed", {})),
        runs=spread(row.get("runs", [0.0, {}])),
        steps={name: spread(one) for name, one in row.get("steps", {}).items()},
        vitals={name: {p: spread(s) for p, s in pages.items()} for name, pages in row.get("vitals", {}).items()},
    )
