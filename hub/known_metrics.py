"""The metrics that rules may judge: those of the catalogue that a source brings, and why one is not brought here."""

from __future__ import annotations

from collections.abc import Mapping

from facts import Metric
from metrics.catalogue import SAMPLED
from sources import SOURCES, SourceSettings

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in SAMPLED}


def missing_metrics(settings: SourceSettings) -> dict[str, str]:
    """Return why a metric is not brought here, by its name: its source is not configured."""
    reasons = {source.name: source.configured(settings) for source in SOURCES}
    found = ((name, reasons.get(metric.source)) for name, metric in METRICS.items())
    return {name: why for name, why in found if why is not None}
