"""Computes the series of a metric of the catalogue from what the store holds: runs, samples or rollups."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from facts import Metric, to_wire
from hub.incident_data import load_impacts
from hub.watched import Watched
from metrics import (
    CATALOGUE,
    INCIDENT_METRICS,
    ROLLED_UP,
    RUN_METRICS,
    MetricPoint,
    MetricSeries,
    series_from_incidents,
    series_from_rollups,
    series_from_runs,
)
from metrics import series_from_samples as series_from_raw
from metrics.counting import Rounds
from store import runs, samples, sketches
from store.retention import Retention
from store.samples import WIDTHS_S, bucket_start

DEFAULT_RANGE = timedelta(hours=24)
LARGEST_STEP_S = 366 * 86_400
_MOST_POINTS = 2_000
_STEPS_S = (60, 300, 900, 3600, 21_600, 86_400)
_WANTED_POINTS = 100
_WITH_DETAILS = timedelta(days=7)
_RAW = timedelta(days=2)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class SeriesError(ValueError):
    """A question that cannot be answered; the message says what to ask instead. `unknown` is true where there is no such metric."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A metric's series from `since` up to `until`, a point for each `step_s` seconds. `since` is later than was asked for where
    nothing older is kept in this resolution."""

    metric: Metric
    since: datetime
    until: datetime
    step_s: int
    series: Sequence[MetricSeries]


def known_metric(name: str) -> Metric:
    """Return the metric of a name. Raises SeriesError."""
    metric = CATALOGUE.get(name)
    if metric is None:
        raise SeriesError(f"no metric is named {name!r:.120}; `sixfb metrics list` names them", unknown=True)
    return metric


def load_series(
    connection: Connection,
    name: str,
    *,
    watched: Watched,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    step_s: int | None = None,
    labels: Mapping[str, str] | None = None,
) -> Answered:
    """Return the series of a metric: of the last 24 hours up to now, in about a hundred points, where nothing else is asked for.

    `labels` chooses the series that have these labels. Raises SeriesError.
    """
    metric = known_metric(name)
    if unknown := sorted(set(labels or {}) - set(metric.labels)):
        has = ", ".join(metric.labels) or "none"
        raise SeriesError(f"{name} has no label {unknown[0]!r:.80}; it has {has}")
    # Clipped before anything is computed with them: the first and last years cannot be moved by a step.
    oldest = now - Retention().rollups
    until = max(oldest, min(until, now)).astimezone(UTC) if until else now
    since = max(oldest, min(since, now)).astimezone(UTC) if since else max(oldest, until - DEFAULT_RANGE)
    if since >= until:
        raise SeriesError("the window has no length: `from` must lie before `to`, and in the past")
    step_s = step_s or _usual_step(until - since)
    if (until - since) / timedelta(seconds=step_s) > _MOST_POINTS:
        raise SeriesError(f"more than {_MOST_POINTS} points: ask for a larger step or a shorter window")
    if name in RUN_METRICS:
        since, found = _from_runs(connection, name, watched, now, since, until, step_s)
    elif name in INCIDENT_METRICS:
        impacts = load_impacts(connection, watched, since=since, until=until, now=now)
        found = series_from_incidents(name, impacts, since=since, step_s=step_s)
    else:
        since, found = _from_samples(connection, metric, now, since, until, step_s)
    wanted = set((labels or {}).items())
    chosen = [one for one in found if wanted <= set(one.labels) and one.points]
    return Answered(metric=metric, since=since, until=until, step_s=step_s, series=chosen)


def _usual_step(length: timedelta) -> int:
    return next((s for s in _STEPS_S if length / timedelta(seconds=s) <= _WANTED_POINTS), 86_400)


def _from_runs(
    connection: Connection,
    name: str,
    watched: Watched,
    now: datetime,
    since: datetime,
    until: datetime,
    step_s: int,
) -> tuple[datetime, list[MetricSeries]]:
    wanted = RUN_METRICS[name]
    # Failed runs are kept longer than passed ones: before that, what is left would look like an outage.
    since = max(since, now - Retention().passed_runs)
    if wanted.needs_details and until - since > _WITH_DETAILS:
        raise SeriesError(f"{name} looks into every run: ask for {_WITH_DETAILS.days} days at most at once")
    last = until - timedelta(microseconds=1)
    found = runs.outcomes(connection, since=since, until=last, brief=not wanted.needs_details)
    rounds = {name: Rounds(one.period_s, len(one.grids)) for name, one in watched.schedules().items()}
    return since, series_from_runs(wanted, found, since=since, step_s=step_s, rounds=rounds)


def _from_samples(
    connection: Connection, metric: Metric, now: datetime, since: datetime, until: datetime, step_s: int
) -> tuple[datetime, list[MetricSeries]]:
    keep = Retention()
    width_s = max((width for width in WIDTHS_S if step_s % width == 0), default=None)
    if metric.name in ROLLED_UP:
        width_s = width_s or WIDTHS_S[0]
    elif width_s is None or (until - since <= _RAW and since >= now - keep.samples):
        since = max(since, now - keep.samples)
        raw = samples.read(connection, metric.name, since=since, until=until)
        return since, series_from_raw(metric, raw, since=since, step_s=step_s)
    if width_s == WIDTHS_S[0]:
        since = max(since, now - keep.short_rollups)
    # A bucket is whole or not at all: the window begins with the first that lies in it.
    since = bucket_start(since, width_s)
    buckets = samples.read_rollups(connection, metric.name, width_s=width_s, since=since, until=until)
    return since, series_from_rollups(metric, buckets, since=since, step_s=step_s, quantiles=sketches.quantiles)


def as_json(answered: Answered) -> dict[str, Any]:
    """Return an answer as JSON has it: each series with its labels as an object."""
    return {
        "metric": to_wire(answered.metric),
        "since": to_wire(answered.since),
        "until": to_wire(answered.until),
        "step_s": answered.step_s,
        "series": [
            {"labels": dict(one.labels), "points": [to_wire(point) for point in one.points]} for one in answered.series
        ],
    }


def as_csv(answered: Answered) -> str:
    """Return an answer as CSV: a row for each point, with a column for each label, and nothing where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    names, values = sorted(answered.metric.labels), [field.name for field in fields(MetricPoint)]
    writer.writerow([*values[:1], *names, *values[1:]])
    for one in answered.series:
        its = dict(one.labels)
        for point in one.points:
            told = to_wire(point)
            writer.writerow([told[values[0]], *(_cell(its.get(n, "")) for n in names), *(told[v] for v in values[1:])])
    return text.getvalue()


def _cell(text: str) -> str:
    """A label may be text of the site; a spreadsheet must not take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
