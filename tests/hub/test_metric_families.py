"""Every number of the catalogue is in `/metrics`: under its own name, with bounded labels, and never when it is old."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from facts import Blame, Metric, MetricKind, Sample, Status
from hub.metric_families import HISTOGRAMS, LEFT_OUT, MOST_SERIES, family_name
from hub.metrics import CATALOGUE_KEPT_S, KEPT_S, Metrics
from metrics import CATALOGUE, ROLLED_UP, RUN_METRICS, SKETCHED
from metrics.catalogue import SAMPLED
from store import feeds, samples
from tests.hub.conftest import Bench


def scraped(bench: Bench) -> dict[str, Family]:
    """What a hub that knows nothing but the store exports, by family, as the strictest parser reads it."""
    hub = bench.context
    metrics = Metrics(bench.store, hub.watched, hub.targets, clock=hub.clock)
    text = metrics.answer("application/openmetrics-text")[0].decode()
    found = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert len({family.name for family in found}) == len(found)
    assert list(plain_families(metrics.answer("text/plain")[0].decode()))
    return {family.name: family for family in found}


def save(bench: Bench, metric: Metric, *values: float, minutes_ago: float = 10, **its: str) -> None:
    """Save values of one series at one time, or in one bucket where they are durations."""
    chosen = tuple((name, its.get(name, "x")) for name in sorted(metric.labels))
    at = bench.now - timedelta(minutes=minutes_ago)
    with bench.store.write() as connection:
        if metric.name in ROLLED_UP:
            start = samples.bucket_start(at, 300)
            samples.add_durations(connection, {(metric.name, chosen, start): values}, now=bench.now)
        else:
            some = [
                Sample(metric=metric.name, at=at + timedelta(milliseconds=n), value=value, labels=chosen)
                for n, value in enumerate(values)
            ]
            samples.save(connection, some, now=bench.now, sketched=SKETCHED)


def values(family: Family) -> dict[tuple[tuple[str, str], ...], float]:
    return {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}


def test_every_metric_of_the_catalogue_has_a_family(light: Bench) -> None:
    found = scraped(light)
    assert [name for name, metric in CATALOGUE.items() if family_name(metric) not in found] == []


def test_no_two_metrics_share_a_family() -> None:
    assert max(Counter(family_name(metric) for metric in CATALOGUE.values()).values()) == 1


@pytest.mark.parametrize(
    ("name", "exported"),
    [
        ("endpoint_up", "sixfb_endpoint_up_ratio"),
        ("database_connections_ratio", "sixfb_database_connections_ratio"),
        ("app_request_seconds", "sixfb_app_request_seconds"),
        ("stripe_orders_minor", "sixfb_stripe_orders_minor"),
        ("web_vital_cls_score", "sixfb_web_vital_cls"),
    ],
)
def test_ratios_and_seconds_end_with_their_unit(name: str, exported: str) -> None:
    assert family_name(CATALOGUE[name]) == exported


def test_every_sampled_metric_is_exported_with_its_labels(light: Bench) -> None:
    for metric in SAMPLED:
        save(light, metric, 0.5, minutes_ago=10)
    found = scraped(light)
    for metric in SAMPLED:
        family = found[family_name(metric)]
        assert family.samples, metric.name
        extra = {"quantile"} if metric.kind is MetricKind.DURATION else set()
        assert set(family.samples[0].labels) == {*metric.labels, *extra}
        assert [sample.value for sample in family.samples] == pytest.approx([0.5] * len(family.samples), rel=0.01)


def test_every_metric_of_runs_is_exported(light: Bench) -> None:
    failed: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE}
    light.send(light.slot_run(), light.slot_run(minutes_ago=8, **failed))
    found = scraped(light)
    names = [name for name in RUN_METRICS if name not in HISTOGRAMS]
    assert [name for name in names if not found[family_name(CATALOGUE[name])].samples] == []
    where = (("journey", "ga_purchase"), ("location", "us-east"))
    assert values(found["sixfb_journey_success_ratio"])[where] == 0.5


def test_runs_of_what_is_not_on_the_plan_and_of_earlier_hours_are_left_out(light: Bench) -> None:
    light.send(light.slot_run(minutes_ago=70), light.slot_run("us-west", minutes_ago=65))
    assert scraped(light)["sixfb_journey_success_ratio"].samples == []


def test_a_level_is_the_last_value_and_is_gone_when_it_is_old(light: Bench) -> None:
    left = CATALOGUE["inventory_remaining_tickets"]
    save(light, left, 9, minutes_ago=12)
    save(light, left, 7, minutes_ago=4)
    assert list(values(scraped(light)["sixfb_inventory_remaining_tickets"]).values()) == [7]
    light.now += timedelta(minutes=12)
    assert scraped(light)["sixfb_inventory_remaining_tickets"].samples == []


def test_a_count_is_that_of_the_last_hour(light: Bench) -> None:
    failed = CATALOGUE["app_failed_payments"]
    for minutes in (10, 40, 90):
        save(light, failed, 2, minutes_ago=minutes)
    family = scraped(light)["sixfb_app_failed_payments"]
    assert family.type == "gauge"
    assert [sample.value for sample in family.samples] == [4]


def test_currencies_are_never_added(light: Bench) -> None:
    revenue = CATALOGUE["app_revenue_minor_units"]
    save(light, revenue, 150_000, currency="usd", city="dallas")
    save(light, revenue, 9_000, currency="jpy", city="dallas")
    assert sorted(values(scraped(light)["sixfb_app_revenue_minor_units"]).values()) == [9_000, 150_000]


@pytest.mark.parametrize(
    ("n", "quantiles"), [(19, {"0.5", "0.75", "0.9"}), (20, {"0.5", "0.75", "0.9", "0.95", "0.99"})]
)
@pytest.mark.parametrize("name", ["app_request_seconds", "endpoint_response_seconds"])
def test_a_duration_is_a_summary_whose_high_quantiles_need_20_values(
    light: Bench, name: str, n: int, quantiles: set[str]
) -> None:
    save(light, CATALOGUE[name], *[0.25] * n)
    family = scraped(light)[f"sixfb_{name}"]
    assert family.type == "summary"
    assert {sample.labels["quantile"] for sample in family.samples} == quantiles


def test_a_family_has_a_bounded_number_of_series_and_the_rest_is_counted(light: Bench) -> None:
    level = CATALOGUE["tls_days_left"]
    for number in range(MOST_SERIES + 3):
        save(light, level, 30, host=f"host-{number}.example")
    found = scraped(light)
    assert len(found["sixfb_tls_days_left"].samples) == MOST_SERIES
    assert values(found[LEFT_OUT]) == {(("metric", "tls_days_left"),): 3}


@pytest.mark.parametrize("text", ['"quoted" \\ back', "two\nlines", "Zürich — 東京", "x" * 500, "‮right to left"])
def test_a_label_of_the_site_cannot_break_the_format(light: Bench, text: str) -> None:
    save(light, CATALOGUE["inventory_seats"], 30, city=text)
    (sample,) = scraped(light)["sixfb_inventory_seats"].samples
    assert sample.value == 30
    assert 0 < len(sample.labels["city"]) <= 200
    assert "‮" not in sample.labels["city"]


def test_two_labels_that_become_equal_when_shortened_are_one_series(light: Bench) -> None:
    for end in ("a", "b"):
        save(light, CATALOGUE["inventory_seats"], 30, city="x" * 300 + end)
    found = scraped(light)
    assert len(found["sixfb_inventory_seats"].samples) == 1
    assert found[LEFT_OUT].samples == []


def test_a_source_tells_when_it_was_last_read(light: Bench) -> None:
    with light.store.write() as connection:
        feeds.note_good(connection, "inventory", light.now)
        feeds.note_error(connection, "stripe", light.now, "refused")
    found = values(scraped(light)["sixfb_source_last_success_timestamp_seconds"])
    assert found == {(("source", "inventory"),): light.now.timestamp()}


def test_the_catalogue_is_read_once_a_minute(light: Bench) -> None:
    now = 0.0
    hub = light.context
    metrics = Metrics(light.store, hub.watched, hub.targets, clock=hub.clock, monotonic=lambda: now)
    before = metrics.answer("")[0]
    save(light, CATALOGUE["inventory_seats"], 30)
    now = CATALOGUE_KEPT_S - 1
    assert b"sixfb_inventory_seats{" not in before + metrics.answer("")[0]
    now = CATALOGUE_KEPT_S + KEPT_S
    assert b"sixfb_inventory_seats{" in metrics.answer("")[0]


def test_where_reading_the_catalogue_takes_long_it_is_read_less_often(light: Bench) -> None:
    hub, times = light.context, iter([0.0, 0.0, 30.0])
    now = 30.0
    metrics = Metrics(light.store, hub.watched, hub.targets, clock=hub.clock, monotonic=lambda: next(times, now))
    metrics.answer("")
    save(light, CATALOGUE["inventory_seats"], 30)
    now = 30.0 + 20 * 30 - 1
    assert b"sixfb_inventory_seats{" not in metrics.answer("")[0]
    now += 1 + KEPT_S
    assert b"sixfb_inventory_seats{" in metrics.answer("")[0]
