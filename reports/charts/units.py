"""Formats the numbers of charts: short ones for axes, exact ones for tables."""

from __future__ import annotations

import math
from collections.abc import Callable

from facts import WITHOUT_MINOR_UNIT

Format = Callable[[float], str]
"""Returns the text of a number."""
NOTHING = "–"
"""What stands where there is no number: never 0."""


def number_format(value: float) -> str:
    """Return a plain number: `0`, `0.25`, `14,820`; from ten thousand millions on `1.2e+10`."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) >= 1e10:
        return f"{value:.2g}"
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent_format(value: float) -> str:
    """Return a share from 0 to 1: `95 %`, `99.9 %`, `99.95 %`; only all of it is `100 %`."""
    if not math.isfinite(value):
        return NOTHING
    percent = round(value * 100, 2)
    if percent == 100 and value < 1:
        percent = 99.99
    return f"{percent:g} %"


def duration_format(seconds: float) -> str:
    """Return a duration of seconds: `64 ms`, `1.31 s`, `30 s`, `5 min`, `3 h`; 0 is `0 s`."""
    if not math.isfinite(seconds):
        return NOTHING
    size = abs(seconds)
    if size == 0 or 1 <= size < 120:
        return f"{seconds:.3g} s"
    if size < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds / 60:.3g} min" if size < 7200 else f"{seconds / 3600:,.3g} h"


def money_format(currency: str, *, short: bool = False) -> Format:
    """Return the format of an amount in minor units: `$38,400`, or `$38.4k` in short form; other codes follow it: `120 EUR`."""
    code = currency.lower()
    per_unit = 1 if code in WITHOUT_MINOR_UNIT else 100

    def amount(minor: float) -> str:
        if not math.isfinite(minor):
            return NOTHING
        size = abs(minor) / per_unit
        if short:
            text = _short(size)
        elif size >= 100 or size == round(size):
            text = f"{size:,.0f}"
        else:
            text = f"{size:,.2f}"
        sign = "−" if minor < 0 else ""
        return f"{sign}${text}" if code == "usd" else f"{sign}{text} {code.upper()}"

    return amount


def _short(size: float) -> str:
    for unit, letter in ((1e9, "b"), (1e6, "m"), (1e3, "k")):
        if size >= unit:
            return f"{size / unit:.3g}{letter}" if size < 1000 * unit else f"{size / unit:,.0f}{letter}"
    return f"{size:.3g}"
