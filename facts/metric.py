"""Defines metrics, and the numbers and events that sources provide."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Labels = tuple[tuple[str, str], ...]
"""The names and values that distinguish one series of a metric from another, sorted by name; values are never empty."""


def labels(**values: str) -> Labels:
    """Return the labels given as keywords, sorted, so that equal ones compare equal."""
    return tuple(sorted(values.items()))


class MetricKind(StrEnum):
    """What the values of a metric mean, and so how they are combined over time."""

    GAUGE = "gauge"
    """A level at a point in time: the last value counts."""
    COUNT = "count"
    """A number in the sample's period: values are added."""
    RATE = "rate"
    """A share from 0 to 1, computed from two counts; never averaged."""
    DURATION = "duration"
    """Single measured times: percentiles come from a sketch of all of them."""
    MONEY = "money"
    """Minor units of the currency in the label `currency`: values of one currency are added, those of two never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Holds one number of the catalogue.

    `name` is snake_case with the unit last, as in Prometheus. `labels` are the names that its series may have. `source`
    names the source that provides it, `runs` if it is computed from runs. `window_s` is the number of seconds it is
    computed over, None for a level at a point in time. `formula` describes the computation in words. `guide` quotes the
    guide's line, None if there is none.
    """

    name: str
    title: str
    unit: str
    kind: MetricKind
    source: str
    formula: str
    labels: tuple[str, ...] = ()
    window_s: int | None = None
    guide: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Holds one value of a metric. `at` is in UTC; `value` is in the metric's unit."""

    metric: str
    at: datetime
    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Holds the samples of one metric with one set of labels: times and values, oldest first, no time twice."""

    metric: str
    labels: Labels
    points: tuple[tuple[datetime, float], ...]

    def label(self, name: str) -> str | None:
        """Return the value of a label; None if the series has no label of that name."""
        return dict(self.labels).get(name)

    def within(self, begins: datetime, ends: datetime) -> tuple[tuple[datetime, float], ...]:
        """Return the samples after one moment and until another, oldest first."""
        return self.points[bisect_right(self.points, begins, key=_at) : bisect_right(self.points, ends, key=_at)]


def _at(point: tuple[datetime, float]) -> datetime:
    return point[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Holds one event at the site, as a structured log line reports it. `id` is unique within its source."""

    id: str
    at: datetime
    level: str
    name: str
    category: str | None = None
    fields: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
