"""Amounts as people and pages write them."""

from __future__ import annotations

import re

_SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}
_AMOUNT = r"[$€£]\s?([\d,]+(?:\.\d{1,2})?)"


def to_minor(price: float) -> int:
    """Whole units to minor ones: 1350.5 to 135050."""
    return round(price * 100)


def money(price: float, currency: str = "usd") -> str:
    """`$1,200`, or `$1,200.50` where there are cents."""
    sign = _SIGNS.get(currency.lower(), currency.upper() + " ")
    return f"{sign}{price:,.0f}" if float(price).is_integer() else f"{sign}{price:,.2f}"


def minor_money(amount_minor: int, currency: str = "usd") -> str:
    """Minor units as people write them: 120000 is `$1,200`."""
    return money(amount_minor / 100, currency)


def amount_after(label: str, text: str) -> float | None:
    """The last amount that follows a label in a page's text ("Total $1,200"); None where there is none."""
    found = re.findall(rf"{re.escape(label)}\s*:?\s*{_AMOUNT}", text)
    return float(found[-1].replace(",", "")) if found else None
