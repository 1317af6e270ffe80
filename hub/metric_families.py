"""Exports the latest values of the catalogue's metrics as OpenMetrics families, one family for each metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from sqlalchemy import Connection

from facts import Labels, Metric, MetricKind
from hub.business import source_periods_s
from hub.incident_data import load_impacts
from hub.watched import Watched
from metrics import (
    CATALOGUE,
    INCIDENT_METRICS,
    RUN_METRICS,
    MetricPoint,
    MetricSeries,
    series_from_incidents,
    series_from_rollups,
    series_from_runs,
)
from metrics.catalogue import LONGEST_LABEL
from metrics.counting import Rounds
from redact.plain_text import plain
from store import runs, samples, sketches
from store.samples import WIDTHS_S, bucket_start

WINDOW = timedelta(hours=1)
"""How far back counts, sums, shares and percentiles look."""
MOST_SERIES = 200
"""The maximum number of series of one family: a site chooses cities, endpoints and hosts, and Prometheus keeps each for weeks."""
HISTOGRAMS: Mapping[str, str] = {
    "journey_duration_seconds": "sixfb_run_duration_seconds",
    "step_duration_seconds": "sixfb_step_duration_seconds",
    **{f"web_vital_{name}_seconds": f"sixfb_web_vital_{name}_seconds" for name in ("fcp", "fid", "inp", "lcp", "ttfb")},
    "web_vital_cls_score": "sixfb_web_vital_cls",
}
"""The metrics of the catalogue that are exported as histograms of all runs, with the names of these."""
LEFT_OUT = "sixfb_metric_series_left_out"
_FRESH = timedelta(minutes=15)
_FRESH_READINGS = 3
_AHEAD = timedelta(seconds=60)
_QUANTILES = {"0.5": "p50", "0.75": "p75", "0.9": "p90", "0.95": "p95", "0.99": "p99"}
# Longer than any window, so that the whole window is one point.
_ONE_POINT_S = 10**10
_SUFFIXES = {"ratio": "_ratio", "seconds": "_seconds"}


class _Value(NamedTuple):
    labels: Labels
    point: MetricPoint


def family_name(metric: Metric) -> str:
    """Return the name under which a metric of the catalogue is exported: ratios and seconds end with their unit."""
    if metric.name in HISTOGRAMS:
        return HISTOGRAMS[metric.name]
    suffix = _SUFFIXES.get(metric.unit, "")
    return f"sixfb_{metric.name.removesuffix(suffix)}{suffix}"


def catalogue_families(connection: Connection, *, watched: Watched, now: datetime) -> list[Family]:
    """Return a family for each metric of the catalogue that is not exported as a histogram.

    A level is its last value, unless it is old: older than 15 minutes, or three readings of its source where these are further
    apart. All else is of one hour: a metric of runs or of incidents of that before `now`, a metric of samples of the last 12
    complete buckets of five minutes. Counts and sums are gauges, because they are corrected when a source tells more, and a counter
    must not fall. Durations are summaries with quantiles. A metric without values has a family without series.
    """
    made = [
        (metric, _bounded(values))
        for metric, values in (
            *_of_samples(connection, watched, now),
            *_of_runs(connection, watched, now),
            *_of_incidents(connection, watched, now),
        )
    ]
    left_out = GaugeMetricFamily(
        LEFT_OUT, f"Series that are not exported, because a metric has more than {MOST_SERIES}.", labels=["metric"]
    )
    for metric, (_, over) in made:
        if over:
            left_out.add_metric([metric.name], over)
    return [*(_family(metric, values) for metric, (values, _) in made), left_out]


def _of_samples(connection: Connection, watched: Watched, now: datetime) -> Iterator[tuple[Metric, list[_Value]]]:
    periods = source_periods_s(watched.site)
    until = bucket_start(now, WIDTHS_S[0])
    for metric in CATALOGUE.values():
        if metric.name in RUN_METRICS or metric.name in INCIDENT_METRICS:
            continue
        if metric.kind is MetricKind.GAUGE:
            fresh = max(_FRESH, _FRESH_READINGS * timedelta(seconds=periods.get(metric.source, 0)))
            read = samples.read(connection, metric.name, since=now - fresh, until=now + _AHEAD)
            yield (
                metric,
                [_Value(one.labels, MetricPoint(start=at, n=1, value=v)) for one in read for at, v in one.points[-1:]],
            )
        else:
            since = until - WINDOW
            buckets = samples.read_rollups(connection, metric.name, width_s=WIDTHS_S[0], since=since, until=until)
            found = series_from_rollups(metric, buckets, since=since, step_s=_ONE_POINT_S, quantiles=sketches.quantiles)
            yield metric, list(_values(found))


def _of_runs(connection: Connection, watched: Watched, now: datetime) -> Iterator[tuple[Metric, list[_Value]]]:
    schedules, since = watched.schedules(), now - WINDOW
    planned = {(journey, place) for journey, schedule in schedules.items() for place in schedule.grids}
    outcomes = [
        outcome
        for outcome in runs.outcomes(connection, since=since, until=now)
        if (outcome.journey, outcome.location) in planned
    ]
    rounds = {name: Rounds(one.period_s, len(one.grids)) for name, one in schedules.items()}
    for name, wanted in RUN_METRICS.items():
        if name not in HISTOGRAMS:
            found = series_from_runs(wanted, outcomes, since=since, step_s=_ONE_POINT_S, rounds=rounds)
            yield wanted.metric, list(_values(found))


def _of_incidents(connection: Connection, watched: Watched, now: datetime) -> Iterator[tuple[Metric, list[_Value]]]:
    since = now - WINDOW
    impacts = load_impacts(connection, watched, since=since, until=now, now=now)
    for name, metric in INCIDENT_METRICS.items():
        yield metric, list(_values(series_from_incidents(name, impacts, since=since, step_s=_ONE_POINT_S)))


def _values(series: Iterable[MetricSeries]) -> Iterator[_Value]:
    return (_Value(one.labels, point) for one in series for point in one.points if point.n)


def _bounded(values: list[_Value]) -> tuple[list[_Value], int]:
    """Return the series that rest on the most values, each set of labels once, and how many further ones there are."""
    found: dict[Labels, MetricPoint] = {}
    for labels, point in sorted(values, key=lambda value: (-value.point.n, value.labels)):
        found.setdefault(tuple((name, plain(value)[:LONGEST_LABEL]) for name, value in labels), point)
    kept = [_Value(*one) for one in list(found.items())[:MOST_SERIES]]
    return sorted(kept, key=lambda value: value.labels), len(found) - len(kept)


def _family(metric: Metric, values: Iterable[_Value]) -> Family:
    name = family_name(metric)
    if metric.kind is not MetricKind.DURATION:
        when = "" if metric.kind is MetricKind.GAUGE else " in the last hour"
        gauge = GaugeMetricFamily(name, f"{metric.title}{when}, in {metric.unit}.", labels=metric.labels)
        for labels, point in values:
            if point.value is not None:
                gauge.add_metric([dict(labels)[label] for label in metric.labels], point.value)
        return gauge
    summary = Family(name, f"{metric.title} in the last hour, in {metric.unit}.", "summary")
    for labels, point in values:
        for quantile, field in _QUANTILES.items():
            if (value := getattr(point, field)) is not None:
                summary.add_sample(name, {**dict(labels), "quantile": quantile}, value)
    return summary
