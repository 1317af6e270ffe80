"""Lists the currencies without a smaller unit, in which an amount in minor units is the amount itself."""

from __future__ import annotations

# See https://docs.stripe.com/currencies#zero-decimal.
WITHOUT_MINOR_UNIT = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)
