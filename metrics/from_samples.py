"""Computes a metric's series from the samples of a source, or from their rollups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from facts import Labels, Metric, MetricKind, Series
from metrics.points import (
    PERCENTILES,
    MetricPoint,
    MetricSeries,
    duration_point,
    gauge_point,
    percentile_point,
    rate_point,
    start_of,
    sum_point,
)

Quantiles = Callable[[Sequence[bytes], Sequence[float]], list[float]]
"""Merges sketches and returns their quantiles (0 to 1), in the order in which they are asked for."""


class Bucket(Protocol):
    """The interface of a stored rollup of samples."""

    @property
    def labels(self) -> Labels:
        """The labels of the series."""
        ...

    @property
    def start(self) -> datetime:
        """The start of the bucket."""
        ...

    @property
    def n(self) -> int:
        """The number of values."""
        ...

    @property
    def sum(self) -> float:
        """The sum of the values."""
        ...

    @property
    def min(self) -> float:
        """The smallest value."""
        ...

    @property
    def max(self) -> float:
        """The largest value."""
        ...

    @property
    def last(self) -> float:
        """The last value."""
        ...

    @property
    def sketch(self) -> bytes | None:
        """The sketch of single durations."""
        ...


def series_from_samples(
    metric: Metric, series: Sequence[Series], *, since: datetime, step_s: int
) -> list[MetricSeries]:
    """Return the series of a metric out of raw samples, a point for each stretch of `step_s` seconds that has any."""
    made = []
    for one in series:
        starts: dict[datetime, list[float]] = defaultdict(list)
        for at, value in one.points:
            starts[start_of(at, step_s, since)].append(value)
        points = tuple(_point(metric.kind, start, values) for start, values in sorted(starts.items()))
        made.append(MetricSeries(labels=one.labels, points=points))
    return made


def _point(kind: MetricKind, start: datetime, values: Sequence[float]) -> MetricPoint:
    if kind is MetricKind.RATE:
        return rate_point(start, sum(values), len(values))
    if kind is MetricKind.DURATION:
        return duration_point(start, values)
    return gauge_point(start, values) if kind is MetricKind.GAUGE else sum_point(start, values)


def series_from_rollups(
    metric: Metric, buckets: Sequence[Bucket], *, since: datetime, step_s: int, quantiles: Quantiles
) -> list[MetricSeries]:
    """Return the series of a metric from rollups; their width divides `step_s`. Percentiles come from the merged sketches."""
    found: dict[Labels, dict[datetime, list[Bucket]]] = defaultdict(lambda: defaultdict(list))
    for bucket in buckets:
        found[bucket.labels][start_of(bucket.start, step_s, since)].append(bucket)
    return [
        MetricSeries(
            labels=its,
            points=tuple(_merged(metric.kind, start, some, quantiles) for start, some in sorted(starts.items())),
        )
        for its, starts in sorted(found.items())
    ]


def _merged(kind: MetricKind, start: datetime, buckets: Sequence[Bucket], quantiles: Quantiles) -> MetricPoint:
    n, total = sum(b.n for b in buckets), sum(b.sum for b in buckets)
    least, most = min(b.min for b in buckets), max(b.max for b in buckets)
    if kind is MetricKind.RATE:
        return rate_point(start, total, n)
    if kind is MetricKind.DURATION:
        told = [b.sketch for b in buckets if b.sketch is not None]
        found = quantiles(told, [p / 100 for p in PERCENTILES]) if told else []
        return percentile_point(start, dict(zip(PERCENTILES, found, strict=False)), n=n, least=least, most=most)
    value = max(buckets, key=lambda b: b.start).last if kind is MetricKind.GAUGE else total
    return MetricPoint(start=start, n=n, value=value, min=least, max=most)
