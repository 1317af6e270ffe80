"""Amounts in minor units, and how a page shows them."""

from __future__ import annotations

SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}

# https://docs.stripe.com/currencies#zero-decimal
_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL.split())


def shown(amount: int, currency: str) -> str:
    """What a page shows: 100000 usd is `$1,000.00`, 500 jpy is `¥500`."""
    sign = SIGNS.get(currency, f"{currency.upper()} ")
    return f"{sign}{amount:,}" if currency in ZERO_DECIMAL else f"{sign}{amount / 100:,.2f}"


def fee(amount: int) -> int:
    """What Stripe keeps of a card payment: 2.9 % and 30 cents (https://stripe.com/pricing)."""
    return round(amount * 0.029) + 30
