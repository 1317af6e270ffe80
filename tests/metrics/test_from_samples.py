"""Samples and their rollups come to the same points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from facts import Labels, Metric, MetricKind, Series, labels
from metrics import MetricPoint, series_from_rollups, series_from_samples
from metrics.statistics import wilson
from store.sketches import quantiles, sketch_of

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HERE = labels(city="dallas")


def a_metric(kind: MetricKind) -> Metric:
    return Metric(name="x_y", title="X", unit="u", kind=kind, source="s", formula="f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A rollup of some values."""

    labels: Labels
    start: datetime
    n: int
    sum: float
    min: float
    max: float
    last: float
    sketch: bytes | None


def a_bucket(minutes: float, values: Sequence[float], *, sketched: bool = False) -> Bucket:
    return Bucket(
        labels=HERE,
        start=NOON + timedelta(minutes=minutes),
        n=len(values),
        sum=sum(values),
        min=min(values),
        max=max(values),
        last=values[-1],
        sketch=sketch_of(values) if sketched else None,
    )


def both(kind: MetricKind, *pairs: tuple[float, Sequence[float]]) -> list[MetricPoint]:
    """The points of values that came in some minutes, out of samples, which are those out of rollups."""
    raw = [(NOON + timedelta(minutes=m, seconds=n), v) for m, values in pairs for n, v in enumerate(values)]
    metric, step = a_metric(kind), 3600
    (one,) = series_from_samples(
        metric, [Series(metric="x_y", labels=HERE, points=tuple(raw))], since=NOON, step_s=step
    )
    buckets = [a_bucket(m, values) for m, values in pairs]
    (other,) = series_from_rollups(metric, buckets, since=NOON, step_s=step, quantiles=quantiles)
    assert one == other
    return list(one.points)


def test_a_gauge_is_its_last_value() -> None:
    points = both(MetricKind.GAUGE, (0, [5.0, 3.0]), (5, [9.0, 4.0]), (60, [7.0]))
    assert [(p.start.hour, p.value, p.min, p.max, p.n) for p in points] == [(12, 4, 3, 9, 4), (13, 7, 7, 7, 1)]


@pytest.mark.parametrize("kind", [MetricKind.COUNT, MetricKind.MONEY])
def test_counts_and_money_are_added(kind: MetricKind) -> None:
    assert [(p.value, p.n) for p in both(kind, (0, [5.0, 3.0]), (5, [2.0]))] == [(10, 3)]


def test_a_rate_is_the_share_of_all_and_has_the_interval_of_all() -> None:
    (point,) = both(MetricKind.RATE, (0, [1.0] * 10), (5, [0.0, 1.0]))
    assert (point.value, point.n) == (11 / 12, 12)
    assert (point.low, point.high) == wilson(11, 12)


def test_percentiles_of_rollups_are_those_of_all_values_and_no_average() -> None:
    fast, slow = [0.1] * 90, [10.0] * 10
    buckets = [a_bucket(0, fast, sketched=True), a_bucket(5, slow, sketched=True)]
    metric = a_metric(MetricKind.DURATION)
    (found,) = series_from_rollups(metric, buckets, since=NOON, step_s=3600, quantiles=quantiles)
    (point,) = found.points
    assert point.p50 == pytest.approx(0.1, rel=0.011)
    assert point.value == point.p95 == pytest.approx(10, rel=0.011)
    assert (point.n, point.min, point.max) == (100, 0.1, 10)


def test_percentiles_of_samples_are_values_that_were_measured() -> None:
    points = tuple((NOON + timedelta(seconds=n), float(n)) for n in range(1, 101))
    metric = a_metric(MetricKind.DURATION)
    (found,) = series_from_samples(metric, [Series(metric="x_y", labels=HERE, points=points)], since=NOON, step_s=300)
    assert [(p.p50, p.p95, p.p99) for p in found.points] == [(50, 95, 99)]


def test_the_first_stretch_begins_with_the_window() -> None:
    since = NOON + timedelta(minutes=10)
    points = ((since + timedelta(minutes=1), 1.0), (NOON + timedelta(minutes=61), 2.0))
    made = series_from_samples(
        a_metric(MetricKind.GAUGE), [Series(metric="x_y", labels=HERE, points=points)], since=since, step_s=3600
    )
    assert [p.start for p in made[0].points] == [since, NOON + timedelta(hours=1)]
