"""Rules that need more than comes here say so, with the arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from facts import VerdictStatus
from sla.feasible import powerless
from tests.sla.builders import judged, the_targets
from tests.sla.metrics import a_series, with_series

PAID = "stripe_payments_succeeded"


def at(orders: float, *, missing: tuple[str, ...] = ()) -> dict[str, str]:
    """What each rule says of itself at so many orders a day."""
    metrics = (PAID, "stripe_sessions_completed", "stripe_charges", "app_succeeded_payments")
    found = powerless(the_targets(), dict.fromkeys(metrics, orders), dict.fromkeys(missing, "nobody brings it"))
    return {one.rule: one.why for one in found}


def test_a_payment_rule_at_five_orders_a_day_says_how_long_it_takes_and_what_its_escape_is_worth() -> None:
    assert at(5)["A1b"] == (
        "powerless: at 5 orders a day this needs 20 and takes 4 d, and it looks at 1 h; 3 in a row within 1 h, which need no 20, "
        "come together with a chance of 0.001"
    )


@pytest.mark.parametrize(
    ("orders", "rules"),
    [
        (0.2, {"A1b", "H5", "X5", "R3", "R4", "X6", "R5"}),
        (0.5, {"A1b", "H5", "R3", "R4", "X6", "R5"}),
        (5, {"A1b", "H5", "R4", "X6", "R5"}),
        (60, {"A1b"}),
        (1000, set()),
    ],
)
def test_the_fewer_orders_the_more_rules_are_powerless(orders: float, rules: set[str]) -> None:
    assert set(at(orders)) == rules


def test_a_rule_that_is_off_anyway_is_not_called_powerless() -> None:
    assert "A1b" not in at(5, missing=(PAID,))
    assert powerless(the_targets(), {}, {}) == []


def test_the_verdict_of_a_powerless_rule_has_the_arithmetic_only_while_too_little_is_there() -> None:
    facts: dict[str, Any] = {"a_day": {PAID: 5.0}, "metrics": ("stripe_payments_failed",)}
    few = judged(with_series(a_series(PAID, (1, 1)), **facts), "A1b")
    assert few.verdict is VerdictStatus.INSUFFICIENT
    assert "; powerless: at 5 orders a day" in few.summary
    many = judged(with_series(a_series(PAID, (1, 20)), **facts), "A1b")
    assert many.verdict is VerdictStatus.MET
    assert "powerless" not in many.summary
    unknown = judged(with_series(a_series(PAID, (1, 1)), metrics=("stripe_payments_failed",)), "A1b")
    assert "powerless" not in unknown.summary
