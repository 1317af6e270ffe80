"""Amounts of money for rules: of one currency, never added to those of another, and in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from facts import Series
from facts.currency import WITHOUT_MINOR_UNIT
from sla.series import summed

CURRENCY = "currency"


def of_currency(found: Sequence[Series], currency: str) -> list[Series]:
    """Return the series of one currency."""
    return [one for one in found if (one.label(CURRENCY) or "").lower() == currency]


def amount(minor: float, currency: str) -> str:
    """Return an amount in minor units as people write it: `1,200.00 usd`."""
    digits = 0 if currency in WITHOUT_MINOR_UNIT else 2
    return f"{minor / 10**digits:,.{digits}f} {currency}"


def other_currencies(found: Sequence[Series], currency: str, begins: datetime, ends: datetime) -> str:
    """Return half a sentence on what came in other currencies from one moment to another; empty where nothing did."""
    sums: dict[str, float] = defaultdict(float)
    for one in found:
        other = (one.label(CURRENCY) or "unknown").lower()
        if other != currency:
            sums[other] += summed([one], begins - timedelta(microseconds=1), ends)
    told = [amount(value, other) for other, value in sorted(sums.items()) if value]
    return f"; {' and '.join(told)} is not among it" if told else ""
