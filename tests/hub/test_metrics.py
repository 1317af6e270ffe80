"""`GET /metrics`: a strict parser reads it, its numbers come from the store, and its counters never fall."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from facts import REASONS, Blame, Run, Status
from hub.metrics import KEPT_S, DiskUsage, Metrics
from store import counters, runs
from store.counters import MOST_PAGES, MOST_STEPS
from tests.builders import a_run, a_step, a_vital
from tests.hub.conftest import Bench

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
THE_NAMES = {
    "sixfb_runs",
    "sixfb_run_duration_seconds",
    "sixfb_step_duration_seconds",
    "sixfb_web_vital_lcp_seconds",
    "sixfb_web_vital_fcp_seconds",
    "sixfb_web_vital_ttfb_seconds",
    "sixfb_web_vital_inp_seconds",
    "sixfb_web_vital_fid_seconds",
    "sixfb_web_vital_cls",
    "sixfb_journey_up",
    "sixfb_error_budget_remaining_ratio",
    "sixfb_location_last_seen_timestamp_seconds",
    "sixfb_outbox_pending",
    "sixfb_spool_results",
    "sixfb_slots_missed",
    "sixfb_build",
    "sixfb_evaluator_last_tick_timestamp_seconds",
    "sixfb_job_last_success_timestamp_seconds",
    "sixfb_job_duration_seconds",
    "sixfb_job_failures",
    "sixfb_outbox_oldest_due_timestamp_seconds",
    "sixfb_evidence_disk_size_bytes",
    "sixfb_evidence_disk_free_bytes",
}


def families(text: str) -> list[Metric]:
    """As the strictest reader there is reads it."""
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def scraped(bench: Bench) -> Samples:
    """What a hub that knows nothing but the store tells."""
    metrics = Metrics(bench.store, bench.context.watched, bench.context.targets, clock=bench.context.clock)
    text = metrics.answer("application/openmetrics-text")[0].decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, tuple(sorted(labels.items()))))


def keep(bench: Bench, *records: Run) -> None:
    with bench.store.write() as connection:
        for run in records:
            runs.save(connection, run, received_at=bench.now)


def test_the_answer_is_openmetrics_with_every_promised_name(bench: Bench) -> None:
    bench.send(bench.slot_run())
    answer = bench.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert {family.name for family in families(answer.text)} >= THE_NAMES


def test_an_older_scraper_gets_the_older_text(bench: Bench) -> None:
    answer = bench.client.get("/metrics", headers={"Accept": "text/plain;version=0.0.4"})
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "sixfb_outbox_pending" in {family.name for family in plain_families(answer.text)}


def test_runs_are_counted_by_status_and_a_duplicate_is_not(bench: Bench) -> None:
    run = bench.slot_run()
    bench.send(run, run)
    samples = scraped(bench)
    where = {"journey": "ga_purchase", "location": "us-east"}
    assert of(samples, "sixfb_runs_total", **where, status="passed") == 1
    assert of(samples, "sixfb_runs_total", **where, status="failed") == 0
    assert of(samples, "sixfb_run_duration_seconds_count", **where) == 1
    assert of(samples, "sixfb_run_duration_seconds_sum", **where) == pytest.approx(run.duration_ms / 1000)


def test_a_histogram_is_cumulative_and_in_seconds(bench: Bench) -> None:
    keep(bench, bench.slot_run(steps=(a_step("choose_city", duration_ms=700.0),), vitals=(a_vital("LCP", 1700.0),)))
    samples = scraped(bench)
    step = {"journey": "ga_purchase", "location": "us-east", "step": "choose_city"}
    found = {le: of(samples, "sixfb_step_duration_seconds_bucket", **step, le=le) for le in ("0.5", "1.0", "+Inf")}
    assert found == {"0.5": 0, "1.0": 1, "+Inf": 1}
    page = {"journey": "ga_purchase", "location": "us-east", "page": "/"}
    assert of(samples, "sixfb_web_vital_lcp_seconds_bucket", **page, le="1.5") == 0
    assert of(samples, "sixfb_web_vital_lcp_seconds_bucket", **page, le="2.0") == 1


def test_no_counter_falls_when_a_measured_result_takes_the_place_of_a_missed_one(bench: Bench) -> None:
    slot = bench.now - timedelta(minutes=2)
    late = "the runner was not running"
    missed = bench.slot_run(id="m", slot=slot, status=Status.MISSED, error=late, attempts=(), steps=(), vitals=())
    keep(bench, missed)
    before = scraped(bench)
    keep(bench, bench.slot_run(slot=slot))
    after = scraped(bench)
    fallen = [
        key for key, value in before.items() if key[0].endswith(("_total", "_count", "_bucket")) and after[key] < value
    ]
    assert fallen == []
    assert of(after, "sixfb_slots_missed_total", reason="down") == 1
    assert of(after, "sixfb_runs_total", journey="ga_purchase", location="us-east", status="passed") == 1


def test_a_slot_that_was_missed_stays_so_when_its_location_is_off_the_plan(bench: Bench) -> None:
    late = "the runner was not running"
    for place in ("us-east", "gone"):
        keep(bench, bench.slot_run(place, status=Status.MISSED, error=late, attempts=(), steps=(), vitals=()))
    samples = scraped(bench)
    assert of(samples, "sixfb_slots_missed_total", reason="down") == 2
    assert [key for key in samples if "gone" in str(key)] == []


def test_an_ad_hoc_run_counts_nowhere(bench: Bench) -> None:
    keep(bench, a_run(slot=None))
    with bench.store.read() as connection:
        assert counters.read(connection) == []


def test_every_reason_has_its_series_from_the_start(bench: Bench) -> None:
    samples = scraped(bench)
    assert {labels[0][1] for name, labels in samples if name == "sixfb_slots_missed_total"} == set(REASONS)


def test_what_is_not_on_the_plan_any_more_is_not_told(bench: Bench) -> None:
    keep(bench, bench.slot_run(journey="gone"), bench.slot_run(location="gone"))
    assert [key for key in scraped(bench) if "gone" in str(key)] == []


def test_labels_are_bounded_whatever_a_runner_sends(bench: Bench) -> None:
    many = MOST_STEPS + MOST_PAGES
    steps = tuple(a_step(f"step_{n}") for n in range(many))
    vitals = tuple(a_vital("LCP", 100.0, page=f"/{n}") for n in range(many))
    keep(bench, bench.slot_run(steps=steps, vitals=vitals))
    samples = scraped(bench)
    told = {dict(labels)["step"] for name, labels in samples if name == "sixfb_step_duration_seconds_count"}
    pages = {dict(labels)["page"] for name, labels in samples if name == "sixfb_web_vital_lcp_seconds_count"}
    assert (len(told), len(pages)) == (MOST_STEPS + 1, MOST_PAGES + 1)
    assert "other" in told & pages


def test_a_journey_is_up_down_or_unknown(bench: Bench) -> None:
    assert math.isnan(of(scraped(bench), "sixfb_journey_up", journey="ga_purchase") or 0)
    bench.send(bench.slot_run("us-east"), bench.slot_run("us-west"))
    bench.tick()
    samples = scraped(bench)
    assert of(samples, "sixfb_journey_up", journey="ga_purchase") == 1
    assert of(samples, "sixfb_evaluator_last_tick_timestamp_seconds") == bench.now.timestamp()
    failed: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE}
    bench.now += timedelta(minutes=5)
    bench.send(bench.slot_run("us-east", **failed), bench.slot_run("us-west", **failed))
    bench.tick()
    assert of(scraped(bench), "sixfb_journey_up", journey="ga_purchase") == 0
    bench.now += timedelta(minutes=2)
    assert math.isnan(of(scraped(bench), "sixfb_journey_up", journey="ga_purchase") or 0)


def test_what_waits_at_a_location_is_what_its_runners_said(bench: Bench) -> None:
    bench.send(bench.slot_run(), location="us-east", runner={"id": "r1", "spool": 7})
    assert of(scraped(bench), "sixfb_spool_results", location="us-east") == 7


def test_the_budget_is_what_is_left_of_the_allowed_failures(bench: Bench) -> None:
    every = [bench.slot_run(minutes_ago=1 + 5 * n, id=f"r{n}") for n in range(200)]
    keep(bench, *every[1:], bench.slot_run(minutes_ago=1, id="bad", status=Status.FAILED, blame=Blame.SITE))
    left = of(scraped(bench), "sixfb_error_budget_remaining_ratio", target="ga_purchase")
    assert left == pytest.approx(0.5)


def test_the_oldest_message_that_is_due_is_told_by_its_destination(light: Bench) -> None:
    assert of(scraped(light), "sixfb_outbox_oldest_due_timestamp_seconds", destination="hook") is None
    failed: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE}
    for location in ("us-east", "us-west"):
        light.send(light.slot_run(location, **failed), location=location)
    light.tick()
    owed_at = light.now.timestamp()
    light.now += timedelta(minutes=9)
    assert of(scraped(light), "sixfb_outbox_oldest_due_timestamp_seconds", destination="hook") == owed_at


def _of_disk(bench: Bench, disk: DiskUsage) -> list[float | None]:
    hub = bench.context
    metrics = Metrics(bench.store, hub.watched, hub.targets, clock=hub.clock, disk=disk)
    text = metrics.answer("application/openmetrics-text")[0].decode()
    found = {family.name: family.samples[0].value for family in families(text) if family.samples}
    assert "sixfb_outbox_pending" in found
    return [found.get(f"sixfb_evidence_disk_{what}_bytes") for what in ("size", "free")]


def test_the_disk_of_the_evidence_is_told_in_bytes(light: Bench) -> None:
    assert _of_disk(light, lambda: (2000, 500)) == [2000, 500]


def test_a_disk_that_fails_takes_no_other_metric_away(light: Bench) -> None:
    def fails() -> tuple[int, int]:
        raise OSError("Input/output error")

    assert all(math.isnan(value or 0) for value in _of_disk(light, fails))


def test_the_database_is_asked_once_in_a_few_seconds(bench: Bench) -> None:
    now = 0.0
    metrics = Metrics(
        bench.store, bench.context.watched, bench.context.targets, clock=bench.context.clock, monotonic=lambda: now
    )
    before = metrics.answer("")[0]
    bench.send(bench.slot_run())
    assert metrics.answer("")[0] == before
    now = KEPT_S
    assert metrics.answer("")[0] != before
