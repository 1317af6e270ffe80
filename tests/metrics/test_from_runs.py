"""What runs come to: rates with their interval and coverage, and percentiles of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from facts import Answer, Blame, Graded, Outcome, Status
from metrics import RUN_METRICS, MetricPoint, MetricSeries, series_from_runs
from metrics.counting import Rounds
from metrics.statistics import wilson

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ROUNDS = {"ga_purchase": Rounds(300.0, 3), "vip_member_discount": Rounds(900.0, 3)}


def an_outcome(minutes: float = 0, status: Status = Status.PASSED, **facts: Any) -> Outcome:
    slot = NOON + timedelta(minutes=minutes)
    return Outcome(
        **{
            "run_id": f"{facts.get('location', 'us-east')}-{minutes}",
            "journey": "ga_purchase",
            "location": "us-east",
            "slot": slot,
            "status": status,
            "first_status": status,
            "first_blame": facts.get("blame"),
            "started_at": slot,
            "finished_at": slot,
            "received_at": slot,
            "duration_ms": 12_000.0,
            **facts,
        }
    )


def bad(minutes: float = 0, blame: Blame = Blame.SITE, **facts: Any) -> Outcome:
    return an_outcome(minutes, Status.FAILED, blame=blame, **facts)


def series(
    name: str, *outcomes: Outcome, step_s: int = 3600, rounds: Mapping[str, Rounds] = MappingProxyType(ROUNDS)
) -> list[MetricSeries]:
    return series_from_runs(RUN_METRICS[name], outcomes, since=NOON, step_s=step_s, rounds=rounds)


def only(name: str, *outcomes: Outcome) -> MetricPoint:
    (found,) = series(name, *outcomes)
    (point,) = found.points
    return point


def test_a_success_rate_has_its_interval_count_and_coverage() -> None:
    runs = [an_outcome(n) for n in range(8)] + [bad(8), an_outcome(9, Status.MISSED)]
    point = only("journey_success_ratio", *runs)
    assert (point.value, point.n, point.coverage) == (8 / 9, 9, 0.9)
    assert (point.low, point.high) == wilson(8, 9)


@pytest.mark.parametrize(
    ("outcome", "n", "coverage"),
    [
        (an_outcome(), 1, 1.0),
        (bad(), 1, 1.0),
        (bad(blame=Blame.JOURNEY), 1, 1.0),
        (bad(blame=Blame.THIRD_PARTY), 1, 1.0),
        (bad(blame=Blame.NETWORK), 0, 0.0),
        (an_outcome(status=Status.ERRORED, blame=Blame.RUNNER), 0, 0.0),
        (an_outcome(status=Status.BLOCKED), 0, 0.0),
        (an_outcome(status=Status.MISSED), 0, 0.0),
    ],
)
def test_what_says_nothing_of_the_site_lowers_coverage_alone(outcome: Outcome, n: int, coverage: float) -> None:
    point = only("journey_success_ratio", outcome)
    assert (point.n, point.coverage) == (n, coverage)
    assert (point.value is None) is (n == 0)


def test_a_skipped_slot_is_in_no_denominator() -> None:
    assert series("journey_success_ratio", an_outcome(status=Status.SKIPPED)) == []
    assert series("journey_coverage_ratio", an_outcome(status=Status.SKIPPED)) == []


def test_a_run_that_passed_at_its_second_attempt_is_no_success() -> None:
    flaky = an_outcome(first_status=Status.FAILED, first_blame=Blame.SITE, flaky=True)
    assert only("journey_success_ratio", flaky).value == 0


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ({"location": "us-west", "minutes": 1}, True),
        ({"location": "us-west", "minutes": 4.99}, True),
        ({"location": "us-west", "minutes": 5}, False),
        ({"location": "us-east", "minutes": 1}, False),
        ({"location": "us-west", "minutes": 1, "journey": "vip_member_discount"}, False),
    ],
)
def test_a_network_failure_counts_where_another_location_had_it_within_a_period(
    other: dict[str, Any], counts: bool
) -> None:
    runs = bad(blame=Blame.NETWORK), bad(**{**other, "blame": Blame.NETWORK, "run_id": "other"})
    found = {s.labels: s.points[0].n for s in series("journey_success_ratio", *runs)}
    assert found[("journey", "ga_purchase"), ("location", "us-east")] == int(counts)


def test_thousands_of_network_failures_are_told_apart_in_time() -> None:
    runs = [bad(n * 5, Blame.NETWORK, location=place) for n in range(10_000) for place in ("a", "b")]
    found = series("journey_success_ratio", *runs, step_s=86_400)
    assert sum(point.n for one in found for point in one.points) == 20_000


def test_runs_fall_into_the_stretch_of_their_slot_and_ad_hoc_ones_nowhere() -> None:
    runs = an_outcome(59.9), an_outcome(60), an_outcome(61), an_outcome(slot=None)
    (found,) = series("journey_success_ratio", *runs)
    assert [(p.start, p.n) for p in found.points] == [(NOON, 1), (NOON + timedelta(hours=1), 2)]


def test_series_are_told_apart_by_journey_and_location() -> None:
    runs = an_outcome(), an_outcome(location="us-west"), an_outcome(journey="vip_member_discount")
    assert len(series("journey_success_ratio", *runs)) == 3


@pytest.mark.parametrize(("step", "web", "payment"), [("choose_city", 0, None), ("complete_test_payment", 1, 0)])
def test_web_and_payment_are_judged_apart(step: str, web: float, payment: float | None) -> None:
    failed = bad(first_failed_step=step)
    assert only("web_availability_ratio", failed).value == web
    found = series("payment_availability_ratio", failed)
    assert [p.value for s in found for p in s.points] == ([] if payment is None else [payment])


def test_a_run_that_stops_before_payment_says_nothing_of_payment() -> None:
    paid = an_outcome(steps={"complete_test_payment": 900.0})
    stopped = an_outcome(steps={"choose_city": 1.0}, skipped=("complete_test_payment",))
    assert only("payment_availability_ratio", paid).value == 1
    assert series("payment_availability_ratio", stopped) == []


def test_durations_are_nearest_rank_percentiles_in_seconds_of_runs_that_passed() -> None:
    runs = [an_outcome(n / 10, duration_ms=n * 1000.0) for n in range(1, 101)] + [bad(20, duration_ms=45_000.0)]
    point = only("journey_duration_seconds", *runs)
    assert (point.n, point.p50, point.p75, point.p90, point.p95, point.p99) == (100, 50, 75, 90, 95, 99)
    assert (point.value, point.min, point.max) == (95, 1, 100)


def test_a_p95_of_fewer_than_twenty_values_is_not_told() -> None:
    few, enough = (only("journey_duration_seconds", *(an_outcome(n) for n in range(count))) for count in (19, 20))
    assert (few.p95, few.p99, few.value, few.p90) == (None, None, None, 12)
    assert (enough.p95, enough.value) == (12, 12)


def test_steps_have_a_series_each() -> None:
    found = series("step_duration_seconds", an_outcome(steps={"choose_city": 250.0, "proceed_to_stripe": 1500.0}))
    assert {dict(s.labels)["step"]: s.points[0].p50 for s in found} == {"choose_city": 0.25, "proceed_to_stripe": 1.5}


@pytest.mark.parametrize(("vital", "name", "value"), [("LCP", "lcp_seconds", 1.2), ("CLS", "cls_score", 1200)])
def test_vitals_are_of_pages_that_came_to_rest(vital: str, name: str, value: float) -> None:
    seen = [
        Graded(page="/", name=vital, value=1200.0, navigation="hard"),
        Graded(page="/", name=vital, value=99.0, navigation="hard", cut=True),
        Graded(page="/", name=vital, value=None, navigation="soft"),
        Graded(page="/", name="TTFB", value=5.0, navigation="hard"),
    ]
    point = only(f"web_vital_{name}", an_outcome(vitals=tuple(seen)))
    assert (point.n, point.p75) == (1, value)


def an_answer(status: int | None = 200, party: str = "first", **facts: Any) -> Answer:
    return Answer(
        **{"endpoint": "/api/x", "method": "GET", "duration_ms": 100.0, "status": status, "party": party, **facts}
    )


def test_answers_of_the_site_have_times_and_errors_by_endpoint() -> None:
    answers = an_answer(), an_answer(500), an_answer(404), an_answer(None, failed=True), an_answer(500, "https://cdn")
    run = an_outcome(requests=answers)
    errors, times = only("browser_request_5xx_ratio", run), only("browser_request_seconds", run)
    assert (errors.value, errors.n) == (1 / 3, 3)
    assert (times.p50, times.n) == (0.1, 3)


def test_third_parties_have_failures_by_origin() -> None:
    answers = an_answer(200, "https://cdn"), an_answer(None, "https://cdn", failed=True), an_answer(500, failed=True)
    (found,) = series("third_party_failure_ratio", an_outcome(requests=answers))
    assert dict(found.labels)["origin"] == "https://cdn"
    assert found.points[0].value == 0.5


def test_a_shop_out_of_reach_counts_where_the_plan_has_one_location() -> None:
    refused = bad(blame=Blame.NETWORK)
    alone = {"ga_purchase": Rounds(300.0, 1)}
    (found,) = series("journey_success_ratio", refused, rounds=alone)
    assert [(point.value, point.n) for point in found.points] == [(0.0, 1)]
    (among_three,) = series("journey_success_ratio", refused)
    assert [(point.value, point.n) for point in among_three.points] == [(None, 0)]
