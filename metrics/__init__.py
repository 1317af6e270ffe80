"""Defines every number that the product computes, by name, and the pure functions that compute it from raw values."""

from metrics.catalogue import CATALOGUE, INCIDENT_METRICS, ROLLED_UP, RUN_METRICS, SKETCHED, sample_errors
from metrics.events import counts_of, durations_of
from metrics.from_runs import series_from_runs
from metrics.from_samples import series_from_rollups, series_from_samples
from metrics.incidents import IncidentImpact, series_from_incidents
from metrics.points import MetricPoint, MetricSeries
from metrics.stripe import PER_ORDER

__all__ = [
    "CATALOGUE",
    "INCIDENT_METRICS",
    "PER_ORDER",
    "ROLLED_UP",
    "RUN_METRICS",
    "SKETCHED",
    "IncidentImpact",
    "MetricPoint",
    "MetricSeries",
    "counts_of",
    "durations_of",
    "sample_errors",
    "series_from_incidents",
    "series_from_rollups",
    "series_from_runs",
    "series_from_samples",
]
