"""The shipped rules on the guide's business, security, SMS, database and endpoint lines: each fires, does not fire just below, knows no
data, and recovers at its own level."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from facts import Series, Severity, Verdict, VerdictStatus
from sla.history import Durations
from tests.sla.builders import NOW, a_history, an_answer, an_outcome, changed, judged
from tests.sla.metrics import a_series, with_series

DAY, WEEK = 24 * 60.0, 7 * 24 * 60.0
MET, OFF, WARNING, CRITICAL = VerdictStatus.MET, VerdictStatus.OFF, VerdictStatus.WARNING, VerdictStatus.CRITICAL
INSUFFICIENT, NO_DATA, UNPROVEN = VerdictStatus.INSUFFICIENT, VerdictStatus.NO_DATA, VerdictStatus.UNPROVEN
OFF_TARGET = VerdictStatus.OFF_TARGET
HIGH, MEDIUM, LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW
OFF_WITHOUT_A_SOURCE = (
    *("A3b", "H1b", "H2", "H2q", "H5", "H7", "H8", "X1", "X2", "X3", "X4", "X6"),
    *("D2", "E4", "EP", "G3", "R1", "R2", "R3", "R4", "R5", "O1"),
)


@pytest.mark.parametrize("rule", OFF_WITHOUT_A_SOURCE)
def test_a_rule_whose_source_is_not_configured_is_off_and_says_so(rule: str) -> None:
    verdict = judged(a_history(), rule)
    assert (verdict.verdict, verdict.breached, verdict.clear) == (OFF, False, False)
    assert verdict.summary


def share(rule: str, bad: tuple[str, float], others: tuple[str, float], *, minutes: float = 1, **facts: Any) -> Verdict:
    """The verdict of a rule on a share: how many bad ones, and how many of the other metric."""
    return judged(
        with_series(a_series(bad[0], (minutes, bad[1])), a_series(others[0], (minutes, others[1])), **facts), rule
    )


SHARES: dict[str, tuple[str, str, bool]] = {
    "A3b": ("app_5xx_requests", "app_requests", False),
    "R4": ("stripe_sessions_expired", "stripe_sessions_completed", True),
    "X6": ("app_support_tickets", "app_succeeded_payments", False),
}
"""The metric of the bad ones, that of all or of the others, and whether it is the others."""


@pytest.mark.parametrize(
    ("rule", "bad", "n", "word", "severity", "clear"),
    [
        ("A3b", 60, 600, CRITICAL, Severity.CRITICAL, False),
        ("A3b", 30, 600, MET, Severity.CRITICAL, False),
        ("A3b", 4, 60, UNPROVEN, Severity.CRITICAL, False),
        ("A3b", 15, 600, MET, Severity.CRITICAL, True),
        ("A3b", 3, 3, CRITICAL, Severity.CRITICAL, False),
        ("A3b", 40, 49, INSUFFICIENT, Severity.CRITICAL, False),
        ("R4", 140, 1000, WARNING, MEDIUM, False),
        ("R4", 100, 1000, OFF_TARGET, MEDIUM, False),
        ("R4", 160, 1000, WARNING, HIGH, False),
        ("R4", 80, 1000, OFF_TARGET, MEDIUM, True),
        ("R4", 6, 50, UNPROVEN, MEDIUM, False),
        ("R4", 40, 49, INSUFFICIENT, MEDIUM, False),
        ("X6", 40, 1000, WARNING, MEDIUM, False),
        ("X6", 20, 1000, OFF_TARGET, MEDIUM, False),
        ("X6", 60, 1000, WARNING, HIGH, False),
        ("X6", 15, 1000, OFF_TARGET, MEDIUM, True),
        ("X6", 9, 49, INSUFFICIENT, MEDIUM, False),
    ],
)
def test_a_share_over_its_limit_fires_and_escalates(
    rule: str, bad: int, n: int, word: VerdictStatus, severity: Severity, clear: bool
) -> None:
    bad_metric, other, is_others = SHARES[rule]
    verdict = share(rule, (bad_metric, bad), (other, n - bad if is_others else n))
    assert (verdict.verdict, verdict.severity, verdict.clear) == (word, severity, clear)
    assert verdict.breached is (word in (WARNING, CRITICAL))


def test_a_share_of_what_the_site_never_told_of_is_off_and_no_zero() -> None:
    paid = a_series("app_succeeded_payments", (DAY, 1000))
    silent = with_series(paid, metrics=("app_support_tickets",))
    assert judged(silent, "X6").verdict is OFF
    once = with_series(
        paid, metrics=("app_support_tickets",), last_samples={"app_support_tickets": [a_series("x", (20 * DAY, 1))]}
    )
    assert (judged(once, "X6").verdict, judged(once, "X6").value) == (MET, 0.0)


@pytest.mark.parametrize(
    ("rule", "metric", "enough", "severity", "window_min", "quiet_min"),
    [
        ("H2", "app_database_timeouts", 3, HIGH, 10, 10),
        ("H8", "sms_rate_limited", 3, HIGH, 15, 30),
        ("X2", "app_failed_logins", 20, MEDIUM, 10, 10),
        ("X3", "app_suspected_frauds", 1, MEDIUM, 10, 60),
    ],
)
def test_what_happens_too_often_fires_at_its_number_and_ends_when_it_is_quiet(
    rule: str, metric: str, enough: int, severity: Severity, window_min: float, quiet_min: float
) -> None:
    def at(minutes: float, n: float) -> Verdict:
        known = {metric: [a_series(metric, (DAY, 1))]}
        return judged(with_series(a_series(metric, (minutes, n)), last_samples=known), rule)

    assert (at(1, enough).verdict, at(1, enough).severity, at(1, enough).breached) == (WARNING, severity, True)
    assert (at(1, enough - 1).verdict, at(1, enough - 1).breached) == (MET, False)
    assert not at(window_min + 2, enough).breached
    assert not at(min(window_min, quiet_min) / 2, enough).clear
    assert at(quiet_min + 2, enough).clear
    assert judged(with_series(metrics=(metric,)), rule).verdict is (MET if rule == "H8" else OFF)


def test_failed_logins_are_well_again_below_ten_and_a_suspected_fraud_waits_for_a_person() -> None:
    assert not judged(with_series(a_series("app_failed_logins", (1, 10))), "X2").clear
    assert judged(with_series(a_series("app_failed_logins", (1, 9))), "X2").clear
    traits = judged(with_series(a_series("app_suspected_frauds", (1, 1))), "X3").traits
    assert traits is not None
    assert traits.needs_review


def weekly(metric: str, now: float, *before: float, minutes: float = 5.0, **of: str) -> Series:
    """So many now, and at the same time of the weeks before, the last week first."""
    samples = [(n * WEEK + minutes, value) for n, value in enumerate((now, *before))]
    return a_series(metric, *reversed(samples), **of)


@pytest.mark.parametrize(
    ("now", "before", "word", "clear"),
    [
        (301, (100, 100, 100, 100), WARNING, False),
        (299, (100, 100, 100, 100), MET, False),
        (199, (100, 100, 100, 100), MET, True),
        (33, (100, 100, 100, 100), WARNING, False),
        (34, (100, 100, 100, 100), MET, False),
        (67, (100, 100, 100, 100), MET, True),
        (2, (9, 9, 9, 9), INSUFFICIENT, False),
        (301, (100, 100), INSUFFICIENT, False),
        # So far apart from each other, the weeks do not show that three times as much is unusual.
        (301, (40, 90, 110, 400), UNPROVEN, False),
    ],
)
def test_traffic_three_times_as_large_or_small_as_usual_is_unusual(
    now: float, before: Sequence[float], word: VerdictStatus, clear: bool
) -> None:
    verdict = judged(with_series(weekly("app_requests", now, *before)), "X1")
    assert (verdict.verdict, verdict.breached, verdict.clear) == (word, word is WARNING, clear)
    assert verdict.severity is MEDIUM


@pytest.mark.parametrize(
    ("paid", "views", "word", "clear"),
    [(79, 1000, WARNING, False), (81, 1000, MET, False), (85.5, 1000, MET, True), (7, 99, INSUFFICIENT, False)],
)
def test_a_conversion_a_fifth_under_the_usual_is_told(
    paid: float, views: float, word: VerdictStatus, clear: bool
) -> None:
    verdict = judged(
        with_series(
            weekly("app_funnel_steps", paid, *[100] * 4, step="payment_complete"),
            weekly("app_funnel_steps", views, *[1000] * 4, step="page_view"),
        ),
        "X4",
    )
    assert (verdict.verdict, verdict.clear) == (word, clear)


@pytest.mark.parametrize(
    ("lost", "word", "clear"),
    [(160, WARNING, False), (119, MET, False), (114, MET, True), (250, WARNING, False)],
)
def test_a_step_of_the_funnel_that_loses_a_fifth_more_than_usual_is_told(
    lost: int, word: VerdictStatus, clear: bool
) -> None:
    history = with_series(
        weekly("app_funnel_steps", 1000, *[1000] * 4, step="page_view"),
        weekly("app_funnel_steps", 1000 - lost, *[900] * 4, step="form_start"),
    )
    verdict = judged(history, "G3/page_view/form_start")
    assert (verdict.verdict, verdict.clear) == (word, clear)
    assert judged(history, "G3/ticket_selection/checkout_start").verdict is INSUFFICIENT


def test_a_large_loss_that_is_usual_is_off_target_and_tells_nobody() -> None:
    history = with_series(
        weekly("app_funnel_steps", 1000, *[1000] * 4, step="page_view"),
        weekly("app_funnel_steps", 400, *[400] * 4, step="form_start"),
    )
    verdict = judged(history, "G3/page_view/form_start")
    assert (verdict.verdict, verdict.breached) == (OFF_TARGET, False)
    young = with_series(
        a_series("app_funnel_steps", (5, 1000), step="page_view"),
        a_series("app_funnel_steps", (5, 900), step="form_start"),
    )
    said = judged(young, "G3/page_view/form_start")
    day = (NOW + timedelta(weeks=3)).date().isoformat()
    assert said.verdict is INSUFFICIENT
    assert said.summary.endswith(f"0 earlier weeks hold enough, 3 are needed; it can judge from {day} on")


@pytest.mark.parametrize(
    ("value", "word", "severity", "clear"),
    [
        (1400, WARNING, MEDIUM, False),
        (1370, MET, MEDIUM, False),
        (1600, WARNING, HIGH, False),
        (1000, WARNING, MEDIUM, False),
        (1330, MET, MEDIUM, True),
        (800, WARNING, HIGH, False),
    ],
)
def test_an_order_value_far_from_the_stated_one_is_told(
    value: float, word: VerdictStatus, severity: Severity, clear: bool
) -> None:
    history = with_series(
        a_series("stripe_charged_minor", (DAY, 20 * value * 100), currency="usd"),
        a_series("stripe_charged_minor", (DAY, 9e9), currency="eur"),
        a_series("stripe_charges", (DAY, 20), currency="usd"),
        a_series("stripe_charges", (DAY, 5), currency="eur"),
    )
    verdict = judged(history, "R3")
    assert (verdict.verdict, verdict.severity, verdict.clear) == (word, severity, clear)
    assert verdict.value == value * 100, "two currencies are never added"


def test_an_order_value_of_few_orders_says_nothing() -> None:
    charged = a_series("stripe_charged_minor", (DAY, 19), currency="usd")
    few = with_series(charged, a_series("stripe_charges", (DAY, 19), currency="usd"))
    assert judged(few, "R3").verdict is INSUFFICIENT


@pytest.mark.parametrize(
    ("now", "a_day", "word", "clear"),
    [(9, 4, WARNING, False), (8, 4, MET, False), (7, 4, MET, False), (6, 4, MET, True), (9, 1, INSUFFICIENT, False)],
)
def test_a_city_that_sells_twice_as_fast_as_on_the_last_days_is_told(
    now: float, a_day: float, word: VerdictStatus, clear: bool
) -> None:
    sold = [(day * DAY + 10, a_day) for day in range(7, 0, -1)]
    verdict = judged(
        with_series(a_series("stripe_sessions_completed", *sold, (10, now), city="dallas", member="no", tier="ga")),
        "R5/dallas",
    )
    assert (verdict.verdict, verdict.clear, verdict.severity) == (word, clear, LOW)


@pytest.mark.parametrize(
    ("left", "sold", "word", "again", "clear"),
    [
        (10, 11, WARNING, MET, False),
        (10, 10, MET, MET, False),
        (25, 20, MET, MET, False),
        (26, 20, MET, MET, True),
        (2, 12, WARNING, WARNING, False),
        (2, 9, INSUFFICIENT, INSUFFICIENT, False),
        (0, 50, MET, MET, True),
    ],
)
def test_a_city_that_will_be_sold_out_within_a_day_is_told_and_once_more_within_six_hours(
    left: float, sold: float, word: VerdictStatus, again: VerdictStatus, clear: bool
) -> None:
    history = with_series(
        a_series("inventory_remaining_tickets", (1, left), city="dallas", tier="ga"),
        a_series("stripe_sessions_completed", (60, sold / 2), city="dallas", member="yes", tier="ga"),
        a_series("stripe_sessions_completed", (60, sold / 2), city="dallas", member="no", tier="ga"),
        a_series("stripe_sessions_completed", (60, 500), city="dallas", member="no", tier="vip"),
    )
    first, second = judged(history, "H5/dallas/ga"), judged(history, "H5/dallas/ga/6h")
    assert (first.verdict, second.verdict, first.clear) == (word, again, clear)
    if word is WARNING:
        assert first.value is not None
        assert first.low is not None
        assert first.low < first.value
        assert first.high is None or first.value < first.high


@pytest.mark.parametrize(
    ("days", "word", "severity", "clear"),
    [(14, WARNING, MEDIUM, False), (14.1, MET, MEDIUM, False), (3, WARNING, HIGH, False), (15, MET, MEDIUM, True)],
)
def test_a_certificate_is_told_fourteen_days_before_its_end_and_is_urgent_at_three(
    days: float, word: VerdictStatus, severity: Severity, clear: bool
) -> None:
    verdict = judged(with_series(a_series("tls_days_left", (1, days), host="shop.example.com")), "EP/shop.example.com")
    assert (verdict.verdict, verdict.severity, verdict.clear) == (word, severity, clear)


@pytest.mark.parametrize(("cost", "breached", "clear"), [(1.2, True, False), (1.18, False, False), (0.94, False, True)])
def test_the_cost_of_sms_is_judged_once_it_is_stated(cost: float, breached: bool, clear: bool) -> None:
    history = with_series(
        a_series("sms_cost_minor", (60, 100 * cost), currency="usd"),
        a_series("sms_priced_messages", (60, 100), currency="usd"),
    )
    assert judged(history, "H7").summary == "switched off in sla.yaml"
    verdict = judged(history, "H7", targets=changed(H7={"enabled": True, "usual": 0.79}))
    assert (verdict.breached, verdict.clear) == (breached, clear)


def measured(rule: str, metric: str, window_s: float, p95_s: float, n: int = 100, **of: str) -> Verdict:
    """The verdict of a rule on times of one series."""
    values = {50: p95_s / 2, 75: p95_s / 2, 90: p95_s / 2, 95: p95_s, 99: p95_s}
    one = Durations(labels=tuple(sorted(of.items())), n=n, values=values, newest_at=NOW)
    history = with_series(metrics=(metric,), durations={(metric, window_s): [one]})
    return judged(history, "/".join((rule, *(value for _, value in sorted(of.items())))))


WEBHOOK = {"endpoint": "/api/webhooks/stripe", "method": "POST"}


@pytest.mark.parametrize(
    ("p95_s", "n", "word", "severity", "clear"),
    [
        (0.5, 100, MET, HIGH, True),
        (0.51, 100, OFF_TARGET, HIGH, True),
        (0.8, 100, OFF_TARGET, HIGH, False),
        (1.0, 100, OFF_TARGET, HIGH, False),
        (1.01, 100, WARNING, HIGH, False),
        (2.01, 100, CRITICAL, Severity.CRITICAL, False),
        (9.0, 19, INSUFFICIENT, HIGH, False),
    ],
)
def test_slow_webhooks_are_told_by_the_sites_own_times(
    p95_s: float, n: int, word: VerdictStatus, severity: Severity, clear: bool
) -> None:
    verdict = measured("D2", "app_request_seconds", 900.0, p95_s, n, **WEBHOOK)
    assert (verdict.verdict, verdict.severity, verdict.clear) == (word, severity, clear)
    assert verdict.breached is (word in (WARNING, CRITICAL))


@pytest.mark.parametrize(
    ("rule", "metric", "window_s", "p95_s", "word", "clear"),
    [
        ("H2q", "database_query_seconds", 900.0, 1.01, WARNING, False),
        ("H2q", "database_query_seconds", 900.0, 1.0, OFF_TARGET, False),
        ("H2q", "database_query_seconds", 900.0, 0.79, OFF_TARGET, True),
        ("O1", "endpoint_response_seconds", 30 * 86_400.0, 60.0, OFF_TARGET, False),
        ("O1", "endpoint_response_seconds", 30 * 86_400.0, 2.0, MET, False),
    ],
)
def test_times_of_a_source_are_judged(
    rule: str, metric: str, window_s: float, p95_s: float, word: VerdictStatus, clear: bool
) -> None:
    verdict = measured(rule, metric, window_s, p95_s)
    assert (verdict.verdict, verdict.clear, verdict.breached) == (word, clear, word is WARNING)


def test_slow_endpoints_that_the_site_tells_of_are_judged_but_for_those_with_a_rule_of_their_own() -> None:
    slow = measured("H1b", "app_request_seconds", 3600.0, 5.1, endpoint="/api/cart", method="GET")
    assert (slow.verdict, slow.severity) == (WARNING, HIGH)
    values = dict.fromkeys((50, 75, 90, 95, 99), 9.0)
    own = Durations(labels=tuple(sorted(WEBHOOK.items())), n=100, values=values, newest_at=NOW)
    history = with_series(metrics=("app_request_seconds",), durations={("app_request_seconds", 3600.0): [own]})
    assert judged(history, "H1b").verdict is INSUFFICIENT


@pytest.mark.parametrize("age", [5.0, 60.0])
def test_a_source_that_has_gone_quiet_makes_times_no_data(age: float) -> None:
    values = dict.fromkeys((50, 75, 90, 95, 99), 9.0)
    one = Durations(labels=tuple(sorted(WEBHOOK.items())), n=100, values=values, newest_at=NOW)
    history = with_series(metrics=("app_request_seconds",), durations={("app_request_seconds", 900.0): [one]}, age=age)
    targets = changed(D2={"feed_silent": "30m"})
    verdict = judged(history, "D2//api/webhooks/stripe/POST", targets=targets)
    assert (verdict.verdict, verdict.breached) == ((NO_DATA, False) if age > 30 else (CRITICAL, True))
    assert judged(history, "D2/feed", targets=targets).breached is (age > 30)


def requests(ms: float, n: int = 20, endpoint: str = "/api/cart", **facts: Any) -> Any:
    """Runs that asked for an endpoint, each so slow."""
    answers = (an_answer(ms=ms, endpoint=endpoint, method="GET", **facts),)
    return a_history([an_outcome(1 + i, requests=answers) for i in range(n)])


@pytest.mark.parametrize(
    ("ms", "n", "word", "clear"),
    [(5001, 20, WARNING, False), (5000, 20, MET, False), (3999, 20, MET, True)],
)
def test_an_endpoint_that_is_slow_in_the_browser_is_told(ms: float, n: int, word: VerdictStatus, clear: bool) -> None:
    verdict = judged(requests(ms, n), "H1/GET /api/cart")
    assert (verdict.verdict, verdict.clear, verdict.breached) == (word, clear, word is WARNING)


def test_too_few_requests_static_files_third_parties_and_endpoints_of_other_rules_are_no_slow_endpoints() -> None:
    assert judged(requests(9000, 19), "H1").verdict is INSUFFICIENT
    assert judged(a_history(), "H1").verdict is NO_DATA
    others: tuple[dict[str, Any], ...] = (
        {"endpoint": "/_next/static/app.js"},
        {"endpoint": "/success"},
        {"party": "https://pay.example"},
    )
    for other in others:
        assert judged(requests(9000, **other), "H1").verdict is NO_DATA


def checks(bad: int, n: int = 288, *, since: float = 60.0) -> Verdict:
    """The verdict on checks of the inventory's endpoint over a day, the bad ones ending so many minutes ago."""
    good = [(5.0 * i, 1.0) for i in range(n, 0, -1)]
    points = [(m, 0.0 if since <= m < since + 5 * bad else value) for m, value in good]
    return judged(with_series(a_series("endpoint_up", *points, endpoint="/api/inventory", location="hub")), "E4")


@pytest.mark.parametrize(
    ("bad", "word", "severity"),
    [(0, UNPROVEN, HIGH), (6, OFF_TARGET, HIGH), (7, WARNING, HIGH), (9, CRITICAL, Severity.CRITICAL)],
)
def test_an_inventory_that_does_not_answer_often_enough_is_told(
    bad: int, word: VerdictStatus, severity: Severity
) -> None:
    verdict = checks(bad)
    assert verdict.severity is severity
    assert verdict.breached is (word in (WARNING, CRITICAL))
    if verdict.breached:
        assert verdict.verdict is word
        assert f"{bad} bad slots, about {5 * bad} min" in verdict.summary


def test_an_inventory_is_well_again_two_hours_after_its_last_bad_check() -> None:
    assert not checks(1, since=110).clear
    assert checks(1, since=125).clear
