"""A1b, X5 and H6, the shipped rules on payments and SMS: each fires, does not fire just below, knows no data, and recovers."""

from __future__ import annotations

from typing import Any

import pytest

from facts import Severity, Verdict, VerdictStatus
from tests.sla.builders import a_history, judged
from tests.sla.metrics import a_series, with_series

FAILED, GOOD, REFUNDS = "stripe_payments_failed", "stripe_payments_succeeded", "stripe_refunds"
DAY = 24 * 60


def payments(*counted: tuple[float, int, int], key: str = "A1b", **facts: Any) -> Verdict:
    """The verdict of payments of how many minutes ago: failed, succeeded."""
    failed = a_series(FAILED, *((minutes, n) for minutes, n, _ in counted))
    good = a_series(GOOD, *((minutes, n) for minutes, _, n in counted))
    return judged(with_series(failed, good, source="stripe", **facts), key)


def refunds(*counted: tuple[float, int, int], key: str) -> Verdict:
    """The verdict of refunds and payments of how many minutes ago."""
    refunded = a_series(REFUNDS, *((minutes, n) for minutes, n, _ in counted))
    paid = a_series(GOOD, *((minutes, n) for minutes, _, n in counted))
    return judged(with_series(refunded, paid, source="stripe"), key)


@pytest.mark.parametrize(
    ("counted", "word", "breached", "severity"),
    [
        ((1, 10, 30), VerdictStatus.CRITICAL, True, Severity.CRITICAL),
        ((1, 2, 18), VerdictStatus.UNPROVEN, True, Severity.HIGH),
        ((1, 1, 19), VerdictStatus.MET, False, Severity.CRITICAL),
        ((1, 3, 0), VerdictStatus.CRITICAL, True, Severity.CRITICAL),
        ((59, 3, 0), VerdictStatus.CRITICAL, True, Severity.CRITICAL),
        ((61, 3, 0), VerdictStatus.INSUFFICIENT, False, Severity.CRITICAL),
        ((1, 2, 0), VerdictStatus.INSUFFICIENT, False, Severity.CRITICAL),
        ((1, 3, 1), VerdictStatus.INSUFFICIENT, False, Severity.CRITICAL),
    ],
)
def test_payments_that_fail_page_where_chance_does_not_explain_them_or_none_gets_through(
    counted: tuple[float, int, int], word: VerdictStatus, breached: bool, severity: Severity
) -> None:
    verdict = payments(counted)
    assert (verdict.verdict, verdict.breached, verdict.severity) == (word, breached, severity)


def test_declined_cards_are_no_failures() -> None:
    declined = a_series("stripe_payments_declined", (1, 500))
    good = a_series(GOOD, (1, 20))
    verdict = judged(with_series(declined, good, a_series(FAILED), source="stripe"), "A1b")
    assert (verdict.verdict, verdict.value, verdict.n) == (VerdictStatus.MET, 0.0, 20)


@pytest.mark.parametrize(("age", "breached"), [(15.9, False), (16.1, True), (None, True)])
def test_a_silent_stripe_is_told_and_is_no_data(age: float | None, breached: bool) -> None:
    told = [payments((1, 0, 30), key=key, age=age) for key in ("A1b/feed", "A1b")]
    assert told[0].breached is breached
    assert (told[1].verdict is VerdictStatus.NO_DATA) is breached
    assert not told[1].breached


@pytest.mark.parametrize(
    ("counted", "clear"), [((1, 1, 33), True), ((1, 1, 30), False), ((1, 0, 2), True), ((1, 0, 1), False)]
)
def test_payments_are_well_again_at_three_percent_held(counted: tuple[float, int, int], clear: bool) -> None:
    verdict = payments(counted)
    assert (verdict.clear, verdict.clear_for_s) == (clear, 600)


@pytest.mark.parametrize(
    ("n", "paid", "medium", "high"),
    [
        (0, 400, False, False),
        (20, 400, False, False),
        (40, 400, True, False),
        (80, 400, True, True),
        (3, 19, False, False),
    ],
)
def test_refunds_of_thirty_days_are_medium_over_five_percent_and_high_over_ten(
    n: int, paid: int, medium: bool, high: bool
) -> None:
    told = refunds((29 * DAY, n, paid), key="X5")
    assert (told.breached, told.severity) == (medium, Severity.HIGH if high else Severity.MEDIUM)
    assert told.limit == (0.1 if high else 0.05)
    assert not refunds((31 * DAY, n, paid), key="X5").breached


@pytest.mark.parametrize(("n", "clear"), [(16, True), (17, False)])
def test_refunds_are_usual_again_at_four_percent(n: int, clear: bool) -> None:
    assert refunds((DAY, n, 400), key="X5").clear is clear


@pytest.mark.parametrize("key", ["A1b", "X5", "H6"])
def test_a_source_that_is_not_configured_is_off(key: str) -> None:
    assert judged(a_history(), key).verdict is VerdictStatus.OFF


def messages(failed: int, delivered: int, *, minutes: float = 10, key: str = "H6", **facts: Any) -> Verdict:
    """The verdict of SMS of so many minutes ago."""
    bad, good = a_series("sms_failed", (minutes, failed)), a_series("sms_delivered", (minutes, delivered))
    return judged(with_series(bad, good, source="sms", **facts), key)


@pytest.mark.parametrize(
    ("failed", "delivered", "word", "breached", "severity"),
    [
        (50, 50, VerdictStatus.CRITICAL, True, Severity.CRITICAL),
        (9, 91, VerdictStatus.UNPROVEN, False, Severity.HIGH),
        (180, 1820, VerdictStatus.WARNING, True, Severity.HIGH),
        (5, 95, VerdictStatus.OFF_TARGET, False, Severity.HIGH),
        (1, 99, VerdictStatus.MET, False, Severity.HIGH),
        (3, 0, VerdictStatus.WARNING, True, Severity.HIGH),
        (2, 0, VerdictStatus.INSUFFICIENT, False, Severity.HIGH),
    ],
)
def test_sms_that_fail_are_high_over_five_percent_and_critical_over_ten(
    failed: int, delivered: int, word: VerdictStatus, breached: bool, severity: Severity
) -> None:
    verdict = messages(failed, delivered)
    assert (verdict.verdict, verdict.breached, verdict.severity) == (word, breached, severity)


@pytest.mark.parametrize(("age", "breached"), [(29.9, False), (30.1, True)])
def test_a_silent_twilio_is_told_and_is_no_data(age: float, breached: bool) -> None:
    assert messages(0, 50, key="H6/feed", age=age).breached is breached
    assert (messages(0, 50, age=age).verdict is VerdictStatus.NO_DATA) is breached


@pytest.mark.parametrize(("failed", "clear"), [(3, True), (4, False)])
def test_sms_are_well_again_at_three_percent_for_an_hour(failed: int, clear: bool) -> None:
    verdict = messages(failed, 100 - failed)
    assert (verdict.clear, verdict.clear_for_s) == (clear, 3600)
