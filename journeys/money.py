"""Reads and writes amounts of money as people and pages write them."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from facts import WITHOUT_MINOR_UNIT

_SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}
_AMOUNT = r"[$€£]\s?([\d,]+(?:\.\d{1,2})?)"


# "12.50", "$1,234", "12.50 EUR": a sign or a code on one side, commas between thousands, two digits after the point.
_WRITTEN = re.compile(r"(?:[A-Za-z]{3}|[$€£¥])?\s?(\d{1,3}(?:,\d{3})+|\d+)(\.\d{1,2})?\s?(?:[A-Za-z]{3}|[$€£¥])?")
_MOST_MINOR = 10**12


def to_minor(price: float) -> int:
    """Return an amount of whole units in minor units: 1350.5 becomes 135050."""
    return round(price * 100)


def minor_units(amount: float | Decimal | str, currency: str) -> int:
    """Return an amount in whole units of a currency (12.5, `12.50`, `$1,234.50`) in its minor units: cents, or yen.

    Raises:
        ValueError: it is no amount, less than nothing, or more than any order costs.
    """
    value: float | Decimal = math.nan
    if isinstance(amount, str):
        match = _WRITTEN.fullmatch(amount.strip())
        if match:
            value = Decimal(match[1].replace(",", "") + (match[2] or ""))
    elif isinstance(amount, (int, float, Decimal)) and not isinstance(amount, bool):
        value = amount
    if not 0 <= value < _MOST_MINOR // 100:  # false for what is no number
        raise ValueError(f"{amount!r:.80} is no amount; give whole units of {currency}, like 12.50")
    return round(value) if currency.lower() in WITHOUT_MINOR_UNIT else round(value * 100)


def money(price: float, currency: str = "usd") -> str:
    """Return an amount as people write it: `$1,200`, or `$1,200.50` if it has cents."""
    sign = _SIGNS.get(currency.lower(), currency.upper() + " ")
    return f"{sign}{price:,.0f}" if float(price).is_integer() else f"{sign}{price:,.2f}"


def minor_money(amount_minor: int, currency: str = "usd") -> str:
    """Return an amount of minor units as people write it: 120000 is `$1,200`."""
    return money(amount_minor / (1 if currency.lower() in WITHOUT_MINOR_UNIT else 100), currency)


def amount_after(label: str, text: str) -> float | None:
    """Return the last amount that follows a label in a page's text ("Total $1,200"); None if there is none."""
    found = re.findall(rf"{re.escape(label)}\s*:?\s*{_AMOUNT}", text)
    return float(found[-1].replace(",", "")) if found else None
