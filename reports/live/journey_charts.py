"""Draws a journey over time: its duration, each of its steps, and the web vitals of its pages, with gaps where nothing was measured."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from reports.charts import (
    Area,
    Band,
    Chart,
    Flag,
    Format,
    Limit,
    Line,
    duration_format,
    linear_scale,
    number_format,
    time_line,
)
from reports.vitals import TARGETS
from store.histograms import merged, percentile
from store.rollups import Rollup

VITAL_LIMITS = {one.name: one.most for one in TARGETS if one.name in ("LCP", "INP", "CLS") and one.most is not None}
"""The web vitals that have charts, with their limits: in ms, CLS without a unit."""
_SMALL, _MAIN = 100, 220
_ROOM = 1.15
"""So far above its limit a chart goes at least, so that the limit has room for its label."""
_ROWS, _FEW_ROWS = 36, 10
"""The rows of the table of a small chart: a page has a dozen of them."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Spread = tuple[datetime, float, float, float]
"""When a stretch of time begins, and the 5th, 50th and 95th percentile of the values in it."""


class Value(Protocol):
    """Holds a web vital of a run. `cut` is whether the page was used too soon for its value to be graded."""

    page: str
    name: str
    value: float | None
    cut: bool


class Sample(Protocol):
    """Holds the measurements of a run."""

    @property
    def finished_at(self) -> datetime: ...

    @property
    def vitals(self) -> Sequence[Value]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSeries:
    """A web vital of one page over time: its values are in ms, those of CLS without a unit. `n` were measured, the last at `at`."""

    page: str
    name: str
    limit: float
    spreads: tuple[Spread, ...]
    p75: float
    n: int
    at: datetime

    @property
    def is_over(self) -> bool:
        """Whether the 75th percentile is over the limit; pages are judged by that percentile."""
        return self.p75 > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The web vitals of a journey's pages, those furthest over their limits first, of `runs` runs; `cut` values were left out."""

    series: tuple[VitalSeries, ...] = ()
    runs: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time that charts show, and what happened in it: deploys and incidents.

    `step_s` are the seconds of a point of the large chart, `small_s` of one of a small chart, and `cell_s` of a cell of a strip.
    `deploys` are moments with their versions, `incidents` names with their beginning and end.
    """

    since: datetime
    until: datetime
    step_s: int
    small_s: int
    cell_s: int
    zone: tzinfo
    deploys: Sequence[tuple[datetime, str]] = ()
    incidents: Sequence[tuple[str, datetime, datetime]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart with its heading and its figures: the median, the 95th percentile, and of how many values."""

    name: str
    chart: Chart
    median: str
    p95: str
    n: int
    is_over: bool = False


def start_of(at: datetime, step_s: int) -> datetime:
    """Return when the stretch of `step_s` seconds begins that a moment lies in."""
    return at - (at - _EPOCH) % timedelta(seconds=step_s)


def vitals_of(samples: Mapping[str, Sequence[Sample]], step_s: int) -> Vitals:
    """Return the web vitals that the runs of each location measured, in stretches of `step_s` seconds."""
    values: dict[tuple[str, str], list[tuple[datetime, float]]] = defaultdict(list)
    cut = 0
    for sample in (one for of_place in samples.values() for one in of_place):
        for vital in sample.vitals:
            # A third party's page is named with its origin; the site cannot improve its vitals.
            if vital.name not in VITAL_LIMITS or vital.value is None or not vital.page.startswith("/"):
                continue
            if vital.cut:
                cut += 1
            else:
                values[vital.page, vital.name].append((sample.finished_at, vital.value))
    found = [_series(page, name, some, step_s) for (page, name), some in values.items()]
    found.sort(key=lambda one: (-one.p75 / one.limit, one.page, one.name))
    return Vitals(series=tuple(found), runs=sum(map(len, samples.values())), cut=cut)


def _series(page: str, name: str, values: Sequence[tuple[datetime, float]], step_s: int) -> VitalSeries:
    by_start: dict[datetime, list[float]] = defaultdict(list)
    for at, value in values:
        by_start[start_of(at, step_s)].append(value)
    return VitalSeries(
        page=page,
        name=name,
        limit=VITAL_LIMITS[name],
        spreads=tuple(
            (start, _rank(some, 5), _rank(some, 50), _rank(some, 95)) for start, some in sorted(by_start.items())
        ),
        p75=_rank([value for _, value in values], 75),
        n=len(values),
        at=max(at for at, _ in values),
    )


def _rank(values: Sequence[float], p: int) -> float:
    """Return the nearest-rank percentile."""
    return sorted(values)[max(0, -(-len(values) * p // 100) - 1)]


def step_names(buckets: Sequence[Rollup]) -> list[str]:
    """Return the names of the steps in the order of the journey as it was last walked; steps it no longer has come last."""
    newest_first = sorted(buckets, key=lambda bucket: bucket.start, reverse=True)
    return list(dict.fromkeys(name for bucket in newest_first for name in bucket.steps))


def by_step(buckets: Iterable[Rollup], step_s: int) -> dict[datetime, list[Rollup]]:
    """Return the buckets of each stretch of `step_s` seconds, in the order of time."""
    found: dict[datetime, list[Rollup]] = defaultdict(list)
    for bucket in buckets:
        found[start_of(bucket.start, step_s)].append(bucket)
    return dict(sorted(found.items()))


def step_figures(buckets: Sequence[Rollup], stretch: Stretch) -> list[Figure]:
    """Return a small chart for each step."""
    parts = by_step(buckets, stretch.small_s)
    return [
        _figure(
            name,
            {start: merged(one.steps[name] for one in some if name in one.steps) for start, some in parts.items()},
            stretch,
            stretch.small_s,
        )
        for name in step_names(buckets)
    ]


def duration_figure(
    buckets: Sequence[Rollup], stretch: Stretch, *, limit_ms: float | None, run_path: str = ""
) -> Figure:
    """Return the chart of the duration of the runs that passed, against the journey's limit; `run_path` opens the run of a point."""
    parts = by_step(buckets, stretch.step_s)
    counts = {start: merged(one.durations for one in some) for start, some in parts.items()}
    return _figure("Duration", counts, stretch, stretch.step_s, limit_ms=limit_ms, height=_MAIN, run_path=run_path)


def vital_figure(series: VitalSeries, stretch: Stretch, step_s: int) -> Figure:
    """Return the small chart of a web vital, in stretches of `step_s` seconds, with its limit."""
    form, per_unit = (number_format, 1.0) if series.name == "CLS" else (duration_format, 1000.0)
    spreads = [(at, low / per_unit, middle / per_unit, high / per_unit) for at, low, middle, high in series.spreads]
    return Figure(
        name=f"{series.name} {series.page}",
        chart=_spread_chart(
            spreads,
            stretch,
            step_s=step_s,
            form=form,
            label=f"{series.name} of {series.page}, p75 {form(series.p75 / per_unit)}",
            limit=series.limit / per_unit,
            height=_SMALL,
        ),
        median=form(series.p75 / per_unit),
        p95=form(series.limit / per_unit),
        n=series.n,
        is_over=series.is_over,
    )


def _figure(
    name: str,
    counts: Mapping[datetime, Mapping[str, int]],
    stretch: Stretch,
    step_s: int,
    *,
    limit_ms: float | None = None,
    height: int = _SMALL,
    run_path: str = "",
) -> Figure:
    whole = merged(counts.values())
    median, p95 = (_seconds(whole, p) for p in (50, 95))
    said = f"median {duration_format(median)}, p95 {duration_format(p95)}" if whole else "nothing measured"
    return Figure(
        name=name,
        chart=_spread_chart(
            [(at, _seconds(one, 5), _seconds(one, 50), _seconds(one, 95)) for at, one in counts.items() if one],
            stretch,
            step_s=step_s,
            form=duration_format,
            label=f"{name} of runs that passed: {said}",
            limit=limit_ms / 1000 if limit_ms else None,
            height=height,
            run_path=run_path,
        ),
        median=duration_format(median),
        p95=duration_format(p95),
        n=sum(whole.values()),
        is_over=limit_ms is not None and p95 * 1000 > limit_ms,
    )


def _seconds(counts: Mapping[str, int], p: int) -> float:
    """Return a percentile in seconds; not a number without values, which is written as a dash and never drawn."""
    found = percentile(counts, p)
    return found / 1000 if found is not None else math.nan


def _spread_chart(
    spreads: Sequence[Spread],
    stretch: Stretch,
    *,
    step_s: int,
    form: Format,
    label: str,
    limit: float | None,
    height: int,
    run_path: str = "",
) -> Chart:
    is_small = height == _SMALL
    return time_line(
        [Line(name="Median", points=[(at, middle) for at, _, middle, _ in spreads], step_s=step_s)],
        bands=[Band(name="p5–p95", points=[(at, low, high) for at, low, _, high in spreads], step_s=step_s)],
        since=stretch.since,
        until=stretch.until,
        zone=stretch.zone,
        form=form,
        label=label,
        limits=[Limit(value=limit, label=f"limit {form(limit)}", kind="warn")] if limit else [],
        # A small chart has no room for the words of a mark: the large one above and the table of what happened have them.
        flags=[Flag(at=at, label="" if is_small else f"deploy {version}") for at, version in stretch.deploys],
        areas=[
            Area(since=since, until=until, label="" if is_small else name) for name, since, until in stretch.incidents
        ],
        scale=linear_scale([*(high for *_, high in spreads), *([limit * _ROOM] if limit else [])]),
        height=height,
        table_rows=_FEW_ROWS if is_small else _ROWS,
        run_path=run_path,
    )
