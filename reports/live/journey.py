"""Renders `/journeys/{name}`: one journey over time, with its steps, its pages' vitals and its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from markupsafe import Markup

from facts import Grid, Outcome, Status
from reports.live.frame import Ago, Frame, ago
from reports.live.strip import Box, strip
from reports.live.trend import trend
from reports.pages import render
from reports.words import STATUSES, TONES, duration

_LIMITS = {"LCP": 2500.0, "INP": 200.0, "CLS": 0.1}
_RUNS = 25


class Value(Protocol):
    """A web vital as charts read it."""

    page: str
    name: str
    value: float | None
    cut: bool


class Sample(Protocol):
    """A run as charts read it: step times in ms and vitals of its first attempt."""

    @property
    def finished_at(self) -> datetime: ...

    @property
    def first_failed_step(self) -> str | None: ...

    @property
    def steps(self) -> Mapping[str, float]: ...

    @property
    def vitals(self) -> Sequence[Value]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Holds one chart over time with its median and p95 as text."""

    name: str
    chart: Markup | None
    median: str
    p95: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """Holds the charts of a journey. `cut` counts the vitals that are left out because the page was used too soon."""

    steps: tuple[Trend, ...]
    vitals: tuple[Trend, ...]
    cut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """Holds one run in short form."""

    run_id: str
    slot: str
    location: str
    status: str
    tone: str
    took: str
    age: Ago | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPage:
    """Holds the data of the template."""

    frame: Frame
    name: str
    strips: tuple[tuple[str, tuple[Box, ...]], ...]
    locations: tuple[str, ...]
    steps: tuple[Trend, ...]
    vitals: tuple[Trend, ...]
    cut: int
    runs: tuple[RunRow, ...]


def journey_page(
    frame: Frame,
    name: str,
    *,
    period_s: int,
    grids: Mapping[str, Grid],
    latest: Mapping[str, Sequence[Outcome]],
    charts: Charts,
    now: datetime,
) -> str:
    """Return the page's HTML; `latest` are this journey's last runs at each location, oldest first."""
    last = sorted(
        (o for outcomes in latest.values() for o in outcomes), key=lambda o: (o.slot or o.started_at, o.run_id)
    )
    page = JourneyPage(
        frame=frame,
        name=name,
        strips=tuple((place, strip(grid, period_s, latest[place], now, slots=48)) for place, grid in grids.items()),
        locations=tuple(grids),
        steps=charts.steps,
        vitals=charts.vitals,
        cut=charts.cut,
        runs=tuple(_run(o, now) for o in last[-_RUNS:][::-1]),
    )
    return render("live/journey.html.j2", page)


def charts(samples: Mapping[str, Sequence[Sample]]) -> Charts:
    """Draw the charts of a journey from the measurements of its runs at each location, oldest first."""
    vitals, cut = _vitals(samples)
    return Charts(steps=_steps(samples), vitals=vitals, cut=cut)


def _steps(by_place: Mapping[str, Sequence[Sample]]) -> tuple[Trend, ...]:
    names = dict.fromkeys(name for outcomes in by_place.values() for o in outcomes for name in o.steps)
    found = []
    for number, name in enumerate(names):
        lines = {
            place: [(o.finished_at, o.steps[name]) for o in outcomes if name in o.steps and o.first_failed_step != name]
            for place, outcomes in by_place.items()
        }
        found.append(_trend(name, lines, f"step-{number}", None, "ms"))
    return tuple(found)


def _vitals(by_place: Mapping[str, Sequence[Sample]]) -> tuple[tuple[Trend, ...], int]:
    lines: dict[tuple[str, str], dict[str, list[tuple[datetime, float]]]] = defaultdict(dict)
    cut = 0
    for place, outcomes in by_place.items():
        for outcome in outcomes:
            for vital in outcome.vitals:
                # A third party's page is named with its origin; the site cannot improve its vitals.
                if vital.name not in _LIMITS or vital.value is None or not vital.page.startswith("/"):
                    continue
                if vital.cut:
                    cut += 1
                    continue
                lines[vital.page, vital.name].setdefault(place, []).append((outcome.finished_at, vital.value))
    found = [
        _trend(f"{page} {name}", of_place, f"vital-{number}", _LIMITS[name], "" if name == "CLS" else "ms")
        for number, ((page, name), of_place) in enumerate(sorted(lines.items()))
    ]
    return tuple(found), cut


def _trend(
    name: str, lines: Mapping[str, Sequence[tuple[datetime, float]]], ident: str, limit: float | None, unit: str
) -> Trend:
    values = sorted(value for points in lines.values() for _, value in points)
    shown = duration if unit else lambda value: "–" if value is None else f"{value:.3f}"
    middle, high = (values[(len(values) - 1) // 2], values[-(-len(values) * 95 // 100) - 1]) if values else (None, None)
    chart = trend(lines, ident=ident, title=name, limit=limit, unit=unit)
    return Trend(name=name, chart=chart, median=shown(middle), p95=shown(high), n=len(values))


def _run(outcome: Outcome, now: datetime) -> RunRow:
    return RunRow(
        run_id=outcome.run_id,
        slot=f"{outcome.slot:%H:%M:%S}" if outcome.slot else "ad hoc",
        location=outcome.location,
        status=STATUSES[outcome.status],
        tone=TONES[outcome.status],
        took=duration(outcome.duration_ms) if outcome.status is Status.PASSED else "",
        age=ago(outcome.finished_at, now),
        error=outcome.error or "",
    )
