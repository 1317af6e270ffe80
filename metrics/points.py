"""Defines the values of a metric over periods of time, with their number of measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from facts import Labels
from metrics.statistics import nearest_rank, wilson

PERCENTILES = (50, 75, 90, 95, 99)
MIN_N_P95 = 20
"""Below so many values a p95 is about the largest of them, and no p95 is given."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """Holds a metric over one period that begins at `start`.

    `value` is in the metric's unit: the last value of a gauge, the sum of a count or of money, the share of a rate, and the p95 of
    durations; None where there is nothing to say it from. `n` is how many values it rests on. `low` and `high` are the bounds of a
    rate's 95 % interval (Wilson). `coverage` is the share of the expected results that said anything, None where it is not known.
    `p50` to `p99` are percentiles of durations by nearest rank, or of merged sketches where only rollups are left; those above 90
    need 20 values. `min` and `max` are the smallest and the largest value.
    """

    start: datetime
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    p50: float | None = None
    p75: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSeries:
    """Holds the points of a metric with one set of labels, oldest first; a period without values has no point."""

    labels: Labels
    points: tuple[MetricPoint, ...]


def start_of(at: datetime, step_s: int, since: datetime) -> datetime:
    """Return the beginning of the stretch of `step_s` seconds (on the UTC grid) that a moment lies in, `since` at the earliest."""
    return max(since, at - (at - _EPOCH) % timedelta(seconds=step_s))


def rate_point(start: datetime, good: float, n: int, *, expected: int | None = None) -> MetricPoint:
    """Return the share of `good` in `n` with its interval. `expected` results should have come, where that is known."""
    coverage = n / expected if expected else None
    if n == 0:
        return MetricPoint(start=start, n=0, coverage=coverage)
    low, high = wilson(round(good), n)
    return MetricPoint(start=start, n=n, value=good / n, low=low, high=high, coverage=coverage)


def duration_point(start: datetime, values: Sequence[float]) -> MetricPoint:
    """Return the percentiles of measured values by nearest rank."""
    found = {p: nearest_rank(values, p) for p in PERCENTILES}
    return percentile_point(start, found, n=len(values), least=min(values), most=max(values))


def percentile_point(
    start: datetime, percentiles: dict[int, float], *, n: int, least: float, most: float
) -> MetricPoint:
    """Return a point of percentiles that are known already."""
    told = {f"p{p}": v for p, v in percentiles.items() if n >= MIN_N_P95 or p <= 90}
    return MetricPoint(start=start, n=n, value=told.get("p95"), min=least, max=most, **told)


def gauge_point(start: datetime, values: Sequence[float]) -> MetricPoint:
    """Return the last of some values, oldest first."""
    return MetricPoint(start=start, n=len(values), value=values[-1], min=min(values), max=max(values))


def sum_point(start: datetime, values: Sequence[float]) -> MetricPoint:
    """Return the sum of some values."""
    return MetricPoint(start=start, n=len(values), value=math.fsum(values), min=min(values), max=max(values))
