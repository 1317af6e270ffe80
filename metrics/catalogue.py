"""Registers the metrics: the file of each subject lists its metrics, and is named here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from facts import Metric, MetricKind, Sample
from metrics import database, endpoints, events, incidents, inventory, journeys, sms, stripe
from metrics.journeys import RunMetric
from redact.plain_text import plain

SAMPLED: tuple[Metric, ...] = (
    *inventory.METRICS,
    *endpoints.METRICS,
    *events.METRICS,
    *stripe.METRICS,
    *sms.METRICS,
    *database.METRICS,
)
"""The metrics whose samples a source brings."""
RUN_METRICS: Mapping[str, RunMetric] = {one.metric.name: one for one in journeys.METRICS}
"""The metrics that are computed out of runs, by name."""
INCIDENT_METRICS: Mapping[str, Metric] = {metric.name: metric for metric in incidents.METRICS}
"""The metrics that are computed out of incidents, by name."""
CATALOGUE: Mapping[str, Metric] = {
    metric.name: metric
    for metric in sorted(
        (*(m.metric for m in journeys.METRICS), *incidents.METRICS, *SAMPLED), key=lambda metric: metric.name
    )
}
"""Every metric by its name."""
LONGEST_LABEL = 200
"""A label's value has so many characters at most, and no control characters."""
SKETCHED = frozenset(metric.name for metric in SAMPLED if metric.kind is MetricKind.DURATION)
"""The metrics whose samples are single durations, so that their rollups hold a sketch."""
ROLLED_UP = frozenset(metric.name for metric in events.METRICS if metric.kind is MetricKind.DURATION)
"""The metrics of which only rollups are kept: there are too many single values."""


def sample_errors(samples: Iterable[Sample], *, source: str) -> list[str]:
    """Return a sentence for each sample that the catalogue does not allow: its metric, its source, its labels or its value."""
    return list(dict.fromkeys(error for sample in samples for error in _errors(sample, source)))


def _errors(sample: Sample, source: str) -> Iterator[str]:
    metric = CATALOGUE.get(sample.metric)
    if metric is None:
        yield f"there is no metric {sample.metric!r:.100} in the catalogue"
        return
    if metric.source != source:
        yield f"{metric.name} comes from {metric.source}, not from {source}"
    names = tuple(name for name, _ in sample.labels)
    if names != tuple(sorted(metric.labels)) or not all(value for _, value in sample.labels):
        yield f"{metric.name} has the labels {', '.join(metric.labels) or 'none'}, each with a value; got {dict(sample.labels)}"
    for name, value in sample.labels:
        if len(value) > LONGEST_LABEL or value != plain(value):
            yield f"{metric.name}: {name} is {value!a:.80}, and not a text of at most {LONGEST_LABEL} characters"
    if not math.isfinite(sample.value):
        yield f"{metric.name} is {sample.value}, which is no number"
    elif metric.kind is MetricKind.RATE and not 0 <= sample.value <= 1:
        yield f"{metric.name} is {sample.value:g}, and a share lies between 0 and 1"
    elif metric.kind is MetricKind.DURATION and sample.value < 0:
        yield f"{metric.name} is {sample.value:g}, and no duration is below 0"
