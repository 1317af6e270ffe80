"""Formats shares, times, durations and amounts for reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from facts import VerdictStatus
from reports.words import about_money, listed, money

VERDICTS = {
    VerdictStatus.MET: ("met", "good"),
    VerdictStatus.OFF_TARGET: ("off target", "warn"),
    VerdictStatus.WARNING: ("warning", "bad"),
    VerdictStatus.CRITICAL: ("critical", "bad"),
    VerdictStatus.UNPROVEN: ("not proven", "mute"),
    VerdictStatus.INSUFFICIENT: ("too few", "mute"),
    VerdictStatus.NO_DATA: ("no data", "warn"),
    VerdictStatus.ERROR: ("cannot be judged", "warn"),
    VerdictStatus.OFF: ("off", "mute"),
}
"""Each verdict in words, with its tone."""
UNKNOWN = "unknown"


def share(value: float | None) -> str:
    """Return a share in per cent; it is never rounded up to 100 %, nor down to 0 %."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.0001:
        return "< 0.01 %"
    if 0.9999 < value < 1:
        return "> 99.99 %"
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + " %"


def interval(bounds: tuple[float, float]) -> str:
    """Return the bounds of a share in per cent."""
    return f"{100 * bounds[0]:.2f} to {100 * bounds[1]:.2f} %"


def moment(at: datetime | None, zone: str, *, year: bool = False) -> str:
    """Return a moment as the business's clocks show it: `29 Nov 14:20`."""
    if at is None:
        return "–"
    here = at.astimezone(ZoneInfo(zone))
    return f"{here:%-d %b %Y %H:%M} ({zone})" if year else f"{here:%-d %b %H:%M}"


def length(time: timedelta | None) -> str:
    """Return a length of time in two units at most: `45 s`, `4 min`, `1 h 20 min`, `2 days 3 h`."""
    if time is None:
        return "–"
    seconds = max(0, round(time.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def amounts(by_currency: Mapping[str, int]) -> str:
    """Return sums of money, each in its own currency."""
    return listed([money(minor, currency) for currency, minor in by_currency.items()]) or "nothing"


def about(by_currency: Mapping[str, int]) -> str:
    """Return estimated sums of money, each in its own currency and without a fraction."""
    return listed([about_money(minor, currency) for currency, minor in by_currency.items()]) or "nothing"


def change(now: float | None, before: float | None, *, unit: str = "%") -> str:
    """Return by how much a number changed against the period before, in per cent; empty if one of them is unknown."""
    if now is None or not before:
        return ""
    by = 100 * (now - before) / before
    return "as before" if abs(by) < 0.5 else f"{by:+.0f} {unit}"
