"""Computes a metric's series from runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from facts import Labels, MetricKind, Outcome
from metrics.counting import Rounds, has_network_failure, network_that_counts
from metrics.journeys import RunMetric
from metrics.points import MetricPoint, MetricSeries, duration_point, rate_point, start_of


def series_from_runs(
    wanted: RunMetric, outcomes: Sequence[Outcome], *, since: datetime, step_s: int, rounds: Mapping[str, Rounds]
) -> list[MetricSeries]:
    """Return the series of a metric, a point for each stretch of `step_s` seconds that has any run.

    Runs belong to the stretch of their slot; those without a slot never count. `rounds` says how each journey is scheduled, by which
    a network failure that counts is told from that of one location among several.
    """
    planned = [outcome for outcome in outcomes if outcome.slot is not None]
    wide = _network_that_counts(planned, rounds)
    found: dict[Labels, dict[datetime, list[float | None]]] = defaultdict(lambda: defaultdict(list))
    for outcome in planned:
        assert outcome.slot is not None
        start = start_of(outcome.slot, step_s, since)
        for its, value in wanted.observe(outcome, outcome.run_id in wide):
            found[its][start].append(value)
    kind = wanted.metric.kind
    return [
        MetricSeries(labels=its, points=tuple(_point(kind, start, values) for start, values in sorted(starts.items())))
        for its, starts in sorted(found.items())
    ]


def _network_that_counts(planned: Iterable[Outcome], rounds: Mapping[str, Rounds]) -> frozenset[str]:
    by_journey: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in planned:
        if has_network_failure(outcome):
            by_journey[outcome.journey].append(outcome)
    return frozenset(
        run_id
        for journey, failed in by_journey.items()
        if journey in rounds
        for run_id in network_that_counts(failed, rounds[journey])
    )


def _point(kind: MetricKind, start: datetime, values: Iterable[float | None]) -> MetricPoint:
    every = list(values)
    told = [value for value in every if value is not None]
    if kind is MetricKind.RATE:
        return rate_point(start, sum(told), len(told), expected=len(every))
    return duration_point(start, told)
