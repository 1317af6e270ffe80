"""F1, F2, D, G, A2, H4, W1, W2: each fires, does not fire just below, knows no data, and recovers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import Blame, FeedState, Graded, Severity, Status, Stock, VerdictStatus
from tests.sla.builders import (
    GA,
    NOW,
    PLACES,
    VIP,
    a_graded,
    a_history,
    an_answer,
    an_outcome,
    failures,
    judged,
    passes,
    schedules,
    the_inventory,
)


@pytest.mark.parametrize(
    ("rule", "journey", "limit", "spread", "stale"),
    [
        ("F2a", GA, 6, 50, 55),
        ("F2a", VIP, 3, 50, 55),
        ("F2b", GA, 13, 300, 200),
        ("F2b", VIP, 5, 300, 200),
        ("F2c", GA, 26, 4000, 4000),
        ("F2c", VIP, 9, 4000, 4000),
    ],
)
def test_the_budget_burns_at_the_limit_and_not_one_below(
    rule: str, journey: str, limit: int, spread: float, stale: float
) -> None:
    def bad(count: int, first: float = 2) -> Any:
        gap = (spread - first) / max(1, count - 1)
        runs = [failures(PLACES[i % 2], first + i * gap, journey=journey) for i in range(count)]
        return a_history(*runs, passes("eu-west", 3, 8, journey=journey))

    key = f"{rule}/{journey}"
    assert judged(bad(limit), key).breached
    assert not judged(bad(limit - 1), key).breached
    assert not judged(a_history(failures("us-east", *[2 + i for i in range(limit)], journey=journey)), key).breached
    if rule != "F2c":
        old = [failures(PLACES[i % 2], stale - i, journey=journey) for i in range(limit)]
        assert not judged(a_history(*old), key).breached
    assert judged(a_history(), key).verdict is VerdictStatus.NO_DATA


def test_the_budget_is_well_again_when_it_is_quiet() -> None:
    key = f"F2a/{GA}"
    assert not judged(a_history(failures("us-east", 20), passes("us-west", 2)), key).clear
    assert judged(a_history(failures("us-east", 35), passes("us-west", 2)), key).clear
    assert not judged(a_history(failures("us-east", 35, 40, 45), passes("us-west", 2)), key).clear


def test_a_first_attempt_counts_for_the_budget_even_if_the_second_passes() -> None:
    flaky = [
        an_outcome(2 + i * 5, location=PLACES[i % 2], first_status=Status.FAILED, first_blame=Blame.SITE, flaky=True)
        for i in range(6)
    ]
    assert judged(a_history(flaky), f"F2a/{GA}").breached
    assert not judged(a_history(flaky), f"F0/{GA}").breached


@pytest.mark.parametrize(
    ("east", "west", "breached", "clear"),
    [
        ((True, True, True, False, False), (True, True, True, False, False), True, False),
        ((True, True, True, False, False), (True, True, False, False, False), False, False),
        ((False,) * 5, (False,) * 5, False, True),
        ((False, False, False, False, True), (False,) * 5, False, False),
    ],
)
def test_a_journey_is_slow_when_three_of_five_runs_at_two_locations_are(
    east: tuple[bool, ...], west: tuple[bool, ...], breached: bool, clear: bool
) -> None:
    runs = [
        an_outcome(1 + 5 * i, location=place, slow=slow)
        for place, flags in (("us-east", east), ("us-west", west))
        for i, slow in enumerate(flags)
    ]
    verdict = judged(a_history(runs), f"F1/{GA}")
    assert (verdict.breached, verdict.clear) == (breached, clear)
    assert judged(a_history(), f"F1/{GA}").verdict is VerdictStatus.NO_DATA


def checkouts(ms: float, count: int = 20, *, slow: float | None = None, slow_count: int = 0) -> list[Any]:
    values = [ms] * (count - slow_count) + [slow or ms] * slow_count
    return [
        an_outcome(2 + i * 2.5, location=PLACES[i % 3], requests=(an_answer(ms=value),))
        for i, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("runs", "word", "severity", "clear"),
    [
        (checkouts(1400), VerdictStatus.MET, Severity.HIGH, True),
        (checkouts(1600), VerdictStatus.OFF_TARGET, Severity.HIGH, True),
        (checkouts(2900), VerdictStatus.OFF_TARGET, Severity.HIGH, False),
        (checkouts(3100), VerdictStatus.WARNING, Severity.HIGH, False),
        (checkouts(5100), VerdictStatus.CRITICAL, Severity.CRITICAL, False),
        (checkouts(300, slow=9000, slow_count=1), VerdictStatus.MET, Severity.HIGH, True),
        (checkouts(300, slow=9000, slow_count=2), VerdictStatus.CRITICAL, Severity.CRITICAL, False),
        (checkouts(9000, 19), VerdictStatus.INSUFFICIENT, Severity.HIGH, False),
        ([], VerdictStatus.NO_DATA, Severity.HIGH, False),
    ],
)
def test_the_checkout_is_graded_by_its_95th_percentile(
    runs: list[Any], word: VerdictStatus, severity: Severity, clear: bool
) -> None:
    verdict = judged(a_history(runs), "D1")
    assert (verdict.verdict, verdict.severity, verdict.clear) == (word, severity, clear)
    assert verdict.breached is (word in (VerdictStatus.WARNING, VerdictStatus.CRITICAL))


def test_a_percentile_of_one_location_is_never_critical() -> None:
    runs = [an_outcome(2 + i * 2.5, requests=(an_answer(ms=9000),)) for i in range(20)]
    assert judged(a_history(runs), "D1").verdict is VerdictStatus.WARNING


def test_register_is_graded_by_the_step_that_opens_it_and_success_by_its_load() -> None:
    slow: dict[str, Any] = {
        "steps": {"select_ga_ticket": 4500.0},
        "vitals": (a_graded("LOAD", 2500.0, page="/success"), a_graded("LCP", 400.0, page="/success")),
    }
    runs = [an_outcome(2 + i * 2.5, location=PLACES[i % 3], **slow) for i in range(20)]
    assert judged(a_history(runs), "D3").verdict is VerdictStatus.WARNING
    assert judged(a_history(runs), "D4").verdict is VerdictStatus.WARNING
    failed = [replace(o, failed_step="select_ga_ticket") for o in runs]
    assert judged(a_history(failed), "D3").verdict is VerdictStatus.NO_DATA


@pytest.mark.parametrize(
    "vital",
    [
        a_graded("LCP", 9000.0, page="/success"),
        a_graded("LOAD", None, page="/success"),
        a_graded("LOAD", 9000.0, page="/pricing"),
        a_graded("LOAD", 9000.0, page="/success", navigation="soft"),
    ],
)
def test_a_run_that_saw_no_load_of_success_is_not_counted(vital: Graded) -> None:
    runs = [an_outcome(2 + i * 2.5, location=PLACES[i % 3], vitals=(vital,)) for i in range(20)]
    verdict = judged(a_history(runs), "D4")
    assert (verdict.verdict, verdict.n) == (VerdictStatus.NO_DATA, 0)


def pages(value: float, count: int = 20, *, name: str = "LCP", cut: bool = False) -> list[Any]:
    vital = a_graded(name, value, cut=cut)
    return [an_outcome(2 + i * 30, location=PLACES[i % 3], vitals=(vital,)) for i in range(count)]


@pytest.mark.parametrize(
    ("runs", "key", "word"),
    [
        (pages(2400), "G1//pricing LCP", VerdictStatus.MET),
        (pages(2600), "G1//pricing LCP", VerdictStatus.WARNING),
        (pages(2600, 19), "G1//pricing LCP", VerdictStatus.INSUFFICIENT),
        (pages(0.43, name="CLS"), "G1//pricing CLS", VerdictStatus.WARNING),
        (pages(190, name="INP"), "G2/INP", VerdictStatus.MET),
        (pages(210, name="INP"), "G2/INP", VerdictStatus.WARNING),
        ([], "G2/INP", VerdictStatus.NO_DATA),
    ],
)
def test_vitals_are_graded_at_the_75th_percentile(runs: list[Any], key: str, word: VerdictStatus) -> None:
    verdict = judged(a_history(runs), key)
    assert verdict.verdict is word
    assert verdict.breached is (word is VerdictStatus.WARNING)
    assert verdict.clear is (word is VerdictStatus.MET)


def test_a_page_that_was_touched_too_soon_is_not_graded() -> None:
    runs = [*pages(9000, cut=True), *pages(2000)]
    verdict = judged(a_history(runs), "G1//pricing LCP")
    assert (verdict.verdict, verdict.n) == (VerdictStatus.MET, 20)


@pytest.mark.parametrize(
    ("cls", "word"), [(0.09, VerdictStatus.MET), (0.12, VerdictStatus.OFF_TARGET), (0.14, VerdictStatus.WARNING)]
)
def test_up_to_an_accepted_baseline_a_page_is_off_target_and_nobody_is_told(cls: float, word: VerdictStatus) -> None:
    runs = [an_outcome(2 + i, vitals=(a_graded("CLS", cls, page="/success"),)) for i in range(20)]
    verdict = judged(a_history(runs), "G1//success CLS")
    assert verdict.verdict is word
    assert verdict.breached is (word is VerdictStatus.WARNING)


def some_stock(*samples: tuple[float, int], tier: str = "ga") -> list[Stock]:
    return [Stock(at=NOW - timedelta(minutes=m), city="dallas", tier=tier, remaining=n, total=35) for m, n in samples]


def with_stock(*samples: tuple[float, int], tier: str = "ga", age: float | None = 0.5, **facts: Any) -> Any:
    good = NOW - timedelta(minutes=age) if age is not None else None
    feed = FeedState(source="inventory", configured=True, last_good_at=good)
    return a_history(**the_inventory(*some_stock(*samples, tier=tier)), feeds={"inventory": feed}, **facts)


@pytest.mark.parametrize(
    ("samples", "word", "clear"),
    [
        ([(2, 3), (1, -1)], VerdictStatus.CRITICAL, False),
        ([(2, 0), (1, 0)], VerdictStatus.MET, True),
        ([(3, -1), (1, 4)], VerdictStatus.MET, False),
        ([(3, -1), (2, 4), (1, 4)], VerdictStatus.MET, True),
        ([], VerdictStatus.NO_DATA, False),
    ],
)
def test_an_oversold_tier_fires_at_once_and_recovers_on_two_samples(
    samples: list[Any], word: VerdictStatus, clear: bool
) -> None:
    verdict = judged(with_stock(*samples), "A2")
    assert (verdict.verdict, verdict.clear, verdict.for_s) == (word, clear, 0)


@pytest.mark.parametrize(("age", "breached"), [(9.9, False), (10.1, True), (None, True)])
def test_a_silent_inventory_is_told_and_is_no_data(age: float | None, breached: bool) -> None:
    history = with_stock((1, 30), age=age)
    assert judged(history, "A2/feed").breached is breached
    assert (judged(history, "A2").verdict is VerdictStatus.NO_DATA) is breached


def test_an_inventory_that_has_not_come_yet_is_waited_for() -> None:
    history = with_stock(age=None, watching_since=NOW - timedelta(minutes=5))
    feed = judged(history, "A2/feed")
    assert (feed.verdict, feed.breached, feed.clear) == (VerdictStatus.INSUFFICIENT, False, False)


def test_an_inventory_that_is_not_configured_is_off() -> None:
    assert judged(a_history(), "A2").verdict is VerdictStatus.OFF
    assert judged(a_history(), "H4").verdict is VerdictStatus.OFF


@pytest.mark.parametrize(
    ("tier", "samples", "breached", "clear", "severity"),
    [
        ("ga", [(2, 9), (1, 9)], True, False, Severity.HIGH),
        ("ga", [(2, 10), (1, 10)], False, False, Severity.HIGH),
        ("ga", [(1, 9)], False, False, Severity.HIGH),
        ("ga", [(2, 10), (1, 9)], False, False, Severity.HIGH),
        ("ga", [(2, 12), (1, 12)], False, True, Severity.HIGH),
        ("ga", [(2, 11), (1, 12)], False, False, Severity.HIGH),
        ("ga", [(2, 0), (1, 0)], True, False, Severity.INFO),
        ("vip", [(2, 2), (1, 2)], True, False, Severity.HIGH),
        ("vip", [(2, 3), (1, 3)], False, False, Severity.HIGH),
        ("vip", [(2, 5), (1, 5)], False, True, Severity.HIGH),
    ],
)
def test_low_stock_takes_two_samples_and_a_sold_out_tier_is_news_only(
    tier: str, samples: list[Any], breached: bool, clear: bool, severity: Severity
) -> None:
    verdict = judged(with_stock(*samples, tier=tier), f"H4/dallas/{tier}")
    assert (verdict.breached, verdict.clear, verdict.severity) == (breached, clear, severity)


def heard(**minutes_ago: float) -> dict[str, Any]:
    return {place.replace("_", "-"): NOW - timedelta(minutes=m) for place, m in minutes_ago.items()}


@pytest.mark.parametrize(
    ("minutes", "breached"),
    [(11.4, False), (11.6, True)],
)
def test_a_location_is_silent_after_two_periods_and_ninety_seconds(minutes: float, breached: bool) -> None:
    history = a_history(last_received=heard(us_east=minutes, us_west=1, eu_west=1))
    assert judged(history, "W1/us-east").breached is breached
    assert not judged(history, "W1/all").breached


@pytest.mark.parametrize(("minutes", "breached"), [(6.4, False), (6.6, True)])
def test_the_monitor_is_blind_when_nobody_sends_for_a_period_and_ninety_seconds(minutes: float, breached: bool) -> None:
    verdict = judged(a_history(last_received=heard(us_east=minutes, us_west=minutes + 1, eu_west=30)), "W1/all")
    assert verdict.breached is breached
    assert verdict.severity is Severity.CRITICAL


def test_a_hub_that_has_just_begun_to_watch_waits_before_it_calls_anybody_silent() -> None:
    history = a_history(last_received=heard(us_east=600), watching_since=NOW - timedelta(minutes=1))
    assert not judged(history, "W1/us-east").breached
    assert not judged(history, "W1/all").breached


def test_a_location_is_heard_again_after_two_results() -> None:
    once = a_history(passes("us-east", 1), last_received=heard(us_east=1))
    twice = a_history(passes("us-east", 1, 6), last_received=heard(us_east=1))
    assert not judged(once, "W1/us-east").clear
    assert judged(twice, "W1/us-east").clear


def covered(share: float) -> Any:
    runs = []
    for place, grid in schedules()[GA].grids.items():
        slots = list(grid.between(NOW - timedelta(minutes=62.5), NOW - timedelta(minutes=2.5)))
        keep = round(len(slots) * share)
        for i, slot in enumerate(slots):
            status = Status.PASSED if i < keep else Status.MISSED
            runs.append(an_outcome(3, location=place, slot=slot, status=status))
    return a_history(runs)


@pytest.mark.parametrize(
    ("share", "breached", "clear"),
    [(1.0, False, True), (11 / 12, False, False), (10 / 12, False, False), (9 / 12, True, False)],
)
def test_coverage_is_told_when_a_fifth_of_the_slots_has_no_result(share: float, breached: bool, clear: bool) -> None:
    verdict = judged(covered(share), f"W2/{GA}")
    assert (verdict.breached, verdict.clear) == (breached, clear)
    assert verdict.n == 36


def test_coverage_of_too_few_slots_is_insufficient() -> None:
    history = a_history(watching_since=NOW - timedelta(minutes=5))
    assert judged(history, f"W2/{GA}").verdict is VerdictStatus.INSUFFICIENT
