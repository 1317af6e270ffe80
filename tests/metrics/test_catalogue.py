"""Every metric is declared once, named as the field names metrics, and says where it comes from."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facts import Labels, MetricKind, Sample, labels
from metrics import CATALOGUE, INCIDENT_METRICS, RUN_METRICS, SKETCHED, sample_errors
from metrics.catalogue import SAMPLED
from metrics.events import CATEGORIES, SOURCE
from metrics.journeys import METRICS
from sources import SOURCES
from sources.events import EVENTS, FUNNEL

GUIDE = [line.strip() for line in Path(__file__).with_name("guide.txt").read_text(encoding="utf-8").splitlines()]
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
# How names end by their unit; a new unit has its line here.
ENDINGS: dict[str, str | tuple[str, ...]] = {
    "seconds": "_seconds",
    "ratio": "",
    "score": "_score",
    "tickets": "",
    "cities": "_cities",
    "days": "",
    "minor units": ("_minor", "_minor_units"),
}
COUNTED = ("payments", "sessions", "refunds", "disputes", "events", "reads", "messages", "segments", "requests")
ALSO_COUNTED = ("responses", "logins", "frauds", "timeouts", "charges", "connections", "queries", "deadlocks")
ENDINGS |= dict.fromkeys((*COUNTED, *ALSO_COUNTED, "errors", "steps", "answers", "points"), "")


def test_no_two_metrics_have_one_name() -> None:
    assert len(CATALOGUE) == len(METRICS) + len(INCIDENT_METRICS) + len(SAMPLED)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_metric_is_named_as_prometheus_names_metrics_with_its_unit_last(name: str) -> None:
    metric = CATALOGUE[name]
    assert metric.name == name
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name)
    assert metric.unit in ENDINGS, f"{metric.unit} is a new unit: say in ENDINGS how its metrics' names end"
    assert name.endswith(ENDINGS[metric.unit])
    assert list(metric.labels) == sorted(metric.labels)
    assert metric.title
    assert metric.formula


@pytest.mark.parametrize("name", [name for name, metric in CATALOGUE.items() if metric.guide])
def test_what_a_metric_quotes_of_the_guide_stands_there(name: str) -> None:
    assert CATALOGUE[name].guide in GUIDE


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_metric_comes_out_of_runs_or_incidents_or_from_a_source_of_the_registry(name: str) -> None:
    metric = CATALOGUE[name]
    assert (metric.source == "runs") is (name in RUN_METRICS)
    assert (metric.source == "incidents") is (name in INCIDENT_METRICS)
    assert metric.source in {"runs", "incidents", EVENTS, *(source.name for source in SOURCES)}
    if metric.source == "runs":
        assert metric.kind in (MetricKind.RATE, MetricKind.DURATION)


def test_sampled_durations_have_sketches() -> None:
    assert "endpoint_response_seconds" in SKETCHED
    assert {name for name in SKETCHED if CATALOGUE[name].kind is not MetricKind.DURATION} == set()


def test_events_have_the_guides_sixteen_categories_and_five_steps() -> None:
    assert SOURCE == EVENTS
    assert len(CATEGORIES) == 16
    lines = {line.rstrip(",") for line in GUIDE}
    assert {f'{name}: "{severity}"' for name, severity in CATEGORIES.items()} <= lines
    assert {f'"{step}"' for step in FUNNEL} <= lines


PLACE = labels(city="dallas", tier="ga")
GOOD = Sample(metric="inventory_seats", at=NOW, value=35.0, labels=PLACE)


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (replace(GOOD, metric="inventory_sets"), "no metric 'inventory_sets'"),
        (replace(GOOD, labels=()), "has the labels city, tier"),
        (replace(GOOD, labels=labels(city="dallas", tier="")), "each with a value"),
        (replace(GOOD, labels=labels(city="dallas", tier="ga", more="x")), "'more': 'x'"),
        (replace(GOOD, labels=labels(city="x" * 201, tier="ga")), "city is 'xxx"),
        (replace(GOOD, labels=labels(city="a\0b", tier="ga")), "city is 'a\\x00b'"),
        (replace(GOOD, labels=labels(city="a\ud800", tier="ga")), "city is 'a\\ud800'"),
        (replace(GOOD, value=math.nan), "is nan, which is no number"),
        (replace(GOOD, value=-math.inf), "is -inf, which is no number"),
        (replace(GOOD, metric="tls_days_left", labels=labels(host="x")), "comes from endpoints, not from inventory"),
    ],
)
def test_a_sample_that_the_catalogue_does_not_allow_is_told(sample: Sample, says: str) -> None:
    (error,) = sample_errors([GOOD, sample], source="inventory")
    assert says in error


@pytest.mark.parametrize(
    ("metric", "value", "allowed"),
    [
        ("endpoint_up", 1.0, True),
        ("endpoint_up", 0.0, True),
        ("endpoint_up", 1.01, False),
        ("endpoint_up", -0.01, False),
        ("endpoint_response_seconds", 0.0, True),
        ("endpoint_response_seconds", -0.001, False),
    ],
)
def test_shares_and_durations_have_their_bounds(metric: str, value: float, allowed: bool) -> None:
    its: Labels = labels(endpoint="/", location="hub")
    errors = sample_errors([Sample(metric=metric, at=NOW, value=value, labels=its)], source="endpoints")
    assert (errors == []) is allowed
