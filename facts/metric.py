"""Numbers and events that sources bring in, and what a metric is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Labels = tuple[tuple[str, str], ...]
"""The names and values that tell one series of a metric from another, sorted by name; values are never empty."""


def labels(**values: str) -> Labels:
    """Return the labels given as keywords, sorted, so that equal ones compare equal."""
    return tuple(sorted(values.items()))


class MetricKind(StrEnum):
    """What the values of a metric mean, and so how they are put together over time."""

    GAUGE = "gauge"
    """A level at a moment: the last value counts."""
    COUNT = "count"
    """How many in the sample's period: values are added."""
    RATE = "rate"
    """A share of 0 to 1, computed from two counts; never averaged."""
    DURATION = "duration"
    """Single measured times: percentiles come from a sketch of all of them."""
    MONEY = "money"
    """Minor units of the currency that the label `currency` names: values of one currency are added, two never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number of the catalogue.

    `name` is snake_case with the unit last, as Prometheus writes it. `labels` are the names that its series may have.
    `source` names the source that brings it, `runs` where it comes out of our own runs. `window_s` is over how many seconds
    it is computed, None for a level at a moment. `formula` says in words how. `guide` quotes the guide's line, None where it
    has none.
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
    """One value of a metric at a moment. `at` is in UTC; `value` is in the metric's unit."""

    metric: str
    at: datetime
    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The samples of one metric under one set of labels: moments and values, oldest first, no moment twice."""

    metric: str
    labels: Labels
    points: tuple[tuple[datetime, float], ...]

    def label(self, name: str) -> str | None:
        """Return the value of a label, None where the series has none of that name."""
        return dict(self.labels).get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened at the site, as a structured log line tells it. `id` is unique within its source."""

    id: str
    at: datetime
    level: str
    name: str
    category: str | None = None
    fields: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
