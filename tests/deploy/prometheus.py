"""What a hub's `/metrics` holds, and what is wrong with a PromQL expression that reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser as promql
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import update

from facts import Blame, Sample, Status
from hub.metrics import Metrics
from metrics import ROLLED_UP, SKETCHED
from metrics.catalogue import SAMPLED
from metrics.points import MIN_N_P95
from store import feeds, jobs, outbox, samples, tables
from tests.builders import a_vital
from tests.databases import a_migrated_store
from tests.hub.conftest import Bench, a_bench

Exported = Mapping[str, Mapping[str, set[str]]]
"""The values of each label of each series name that a hub exports."""
PROMETHEUS_OWN: Exported = {
    "up": {"job": {"sixfb"}},
    "ALERTS": {"alertname": set(), "alertstate": {"pending", "firing"}, "severity": set()},
}
_ADDED_BY_PROMETHEUS = {"job", "instance"}
_CHECKED_VALUES = {"status", "reason", "job", "quantile", "alertstate"}


def exported_by_a_hub(folder: Path) -> Exported:
    """Everything that a hub exports in which each metric has a series."""
    return exported(text_of_a_hub(folder))


def text_of_a_hub(folder: Path, *, accepts: str = "application/openmetrics-text") -> str:
    """The answer of `/metrics` of a hub in which each metric has a series, in the format that a scraper accepts."""
    with a_migrated_store(None, folder) as store, a_bench(store, folder) as bench:
        _fill(bench)
        hub = bench.context
        metrics = Metrics(
            store, hub.watched, hub.targets, clock=hub.clock, jobs=["retention"], disk=lambda: (1000, 100)
        )
        return metrics.answer(accepts)[0].decode()


def _fill(bench: Bench) -> None:
    vitals = tuple(a_vital(name, 100.0) for name in ("LCP", "FCP", "TTFB", "INP", "FID"))
    vitals = (*vitals, replace(a_vital("CLS", 0.1), unit="score"))
    bench.send(bench.slot_run(vitals=vitals), location="us-east", runner={"id": "r1", "spool": 7})
    failed: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE}
    for location in ("us-east", "us-west"):
        bench.send(bench.slot_run(location, minutes_ago=0.5, **failed), location=location)
    bench.tick()
    bench.tick()
    with bench.store.write() as connection:
        jobs.register(connection, {"retention": bench.now}, now=bench.now)
        connection.execute(update(tables.jobs).values(last_success_at=bench.now, last_duration_s=1.0))
        assert outbox.counts(connection), "no alert fired, so no message is owed"
        feeds.note_good(connection, "inventory", bench.now)
        at = bench.now - timedelta(minutes=10)
        for metric in SAMPLED:
            its = tuple((name, "x") for name in sorted(metric.labels))
            if metric.name in ROLLED_UP:
                measured = {(metric.name, its, samples.bucket_start(at, 300)): [0.5] * MIN_N_P95}
                samples.add_durations(connection, measured, now=bench.now)
            else:
                some = [
                    Sample(metric=metric.name, at=at + timedelta(seconds=n), value=0.5, labels=its)
                    for n in range(MIN_N_P95)
                ]
                samples.save(connection, some, now=bench.now, sketched=SKETCHED)
    bench.now += timedelta(seconds=1)


def exported(text: str) -> Exported:
    """Return what a text in the OpenMetrics format holds, under the names that Prometheus stores."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            for label, value in sample.labels.items():
                found[sample.name][_as_scraped(label)].add(value)
            found[sample.name]  # a metric without labels is exported, too
    return found


def _as_scraped(label: str) -> str:
    """Prometheus renames a label that it sets itself, unless `honor_labels` is on."""
    return f"exported_{label}" if label in _ADDED_BY_PROMETHEUS else label


def recorded(rules: list[dict[str, Any]]) -> Exported:
    """Return the series that recording rules add, with the labels that their outermost aggregations keep."""
    return {
        rule["record"]: {label: set() for node in _nodes(rule["expr"]) for label in _kept(node)}
        for rule in rules
        if "record" in rule
    }


def problems(expression: str, known: Exported) -> list[str]:
    """Return why an expression cannot be answered: its syntax, a series, a label or a label's value that is not exported."""
    try:
        nodes = _nodes(expression)
    except ValueError as error:
        return [f"{expression}: {error}"]
    found = [problem for node in nodes for problem in _of_selector(node, known)]
    for node in nodes:
        for label in _kept(node):
            names = [n.name for n in _nodes(node.prettify()) if isinstance(n, promql.VectorSelector)]
            found += [f"{name} has no label {label}" for name in names if label not in _labels(name, known)]
            # Grouped by the scrape's own label, all series of the hub would become one.
            renamed = f"exported_{label}"
            found += [f"{name} has the label {renamed}" for name in names if renamed in _labels(name, known)]
    return found


def _of_selector(node: promql.Expr, known: Exported) -> Iterator[str]:
    if not isinstance(node, promql.VectorSelector):
        return
    if node.name is None or node.name not in known:
        yield f"no metric is named {node.name}"
        return
    for matcher in node.matchers.matchers:
        if matcher.name not in _labels(node.name, known):
            yield f"{node.name} has no label {matcher.name}"
        elif matcher.name in _CHECKED_VALUES and known[node.name].get(matcher.name):
            values = known[node.name][matcher.name]
            named = matcher.value.split("|")
            yield from (f"{node.name}: {matcher.name} is never {value}" for value in named if value not in values)


def _labels(name: str | None, known: Exported) -> set[str]:
    return {*known.get(name or "", {}), *_ADDED_BY_PROMETHEUS}


def _kept(node: promql.Expr) -> list[str]:
    if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
        assert node.modifier.type == promql.AggModifierType.By, "name the labels that are kept"
        return node.modifier.labels
    return []


def _nodes(expression: str) -> list[promql.Expr]:
    found: list[promql.Expr] = []
    promql.walk(promql.parse(expression), lambda node: found.append(node))
    # A range holds its selector beside the tree.
    found += [node.vector_selector for node in found if isinstance(node, promql.MatrixSelector)]
    return found
