"""Amounts as people write them."""

from __future__ import annotations

import pytest

from journeys.money import amount_after, minor_money, money, to_minor


@pytest.mark.parametrize(("price", "text"), [(1200, "$1,200"), (1350.5, "$1,350.50"), (0.1 + 0.2, "$0.30")])
def test_money_has_cents_only_where_there_are_some(price: float, text: str) -> None:
    assert money(price) == text


def test_minor_units_are_exact() -> None:
    assert to_minor(1350.1) == 135010
    assert to_minor(0.29) == 29
    assert minor_money(260001) == "$2,600.01"
    assert money(5, "chf") == "CHF 5"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("vip Ticket × 1\n$1,500\n6FB Member Discount\n-$300\nTotal\n$1,200", 1200),
        ("Total: $ 2,600.01", 2600.01),
        ("Subtotal $9 Total $10", 10),
        ("Total pending", None),
    ],
)
def test_the_total_is_what_follows_the_word(text: str, amount: float | None) -> None:
    assert amount_after("Total", text) == amount
