"""Formats numbers, money, times and states as text for readers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from facts import WITHOUT_MINOR_UNIT, Blame, Status

TONES = {
    Status.PASSED: "good",
    Status.FAILED: "bad",
    Status.TIMED_OUT: "bad",
    Status.ERRORED: "warn",
    Status.BLOCKED: "warn",
    Status.MISSED: "mute",
    Status.SKIPPED: "mute",
}
STATUSES = {
    Status.PASSED: "Passed",
    Status.FAILED: "Failed",
    Status.TIMED_OUT: "Timed out",
    Status.ERRORED: "Errored",
    Status.BLOCKED: "Blocked",
    Status.MISSED: "Missed",
    Status.SKIPPED: "Skipped",
}
BLAMES = {
    Blame.SITE: "The site’s own doing: a buyer at this moment would have been stopped here too.",
    Blame.NETWORK: "The way to the site: it gave no HTTP answer, although the runner’s own network was up. "
    "It counts once a second location sees the same.",
    Blame.THIRD_PARTY: "A service the site relies on, such as Stripe, let the buyer down; the site itself answered.",
    Blame.JOURNEY: "The page came, but not what the script looks for: a control may be gone or renamed. "
    "It counts against the site until a person reclassifies the run.",
    Blame.RUNNER: "Our own fault: the runner’s machine, browser, network or request budget. "
    "It lowers coverage and says nothing about the site.",
}


def duration(ms: float | None) -> str:
    """Return a duration as text: `512 ms`, `7.50 s`, `2 min 05 s`; a dash if nothing was measured."""
    if ms is None or not math.isfinite(ms):
        return "–"
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds:02d} s"


def limit(ms: float) -> str:
    """Return a limit as a round number: `200 ms`, `2.5 s`, `30 s`."""
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"


def money(minor: int | None, currency: str | None) -> str:
    """Return an amount: `$1,000.00` for 100000 minor units of `usd`; other currencies have their code: `1,000.00 EUR`."""
    if minor is None:
        return "an unknown amount"
    code = (currency or "").lower()
    whole = f"{abs(minor):,}" if code in WITHOUT_MINOR_UNIT else f"{abs(minor) // 100:,}.{abs(minor) % 100:02d}"
    sign = "-" if minor < 0 else ""
    return f"{sign}${whole}" if code == "usd" else f"{sign}{whole} {code.upper()}".rstrip()


def about_money(minor: int, currency: str | None) -> str:
    """Return an estimated amount without a fraction that it cannot know: `$583` for 58336 minor units of `usd`."""
    if (currency or "").lower() in WITHOUT_MINOR_UNIT:
        return money(minor, currency)
    return money(round(minor, -2), currency).replace(".00", "", 1)


def size(count: int) -> str:
    """Return a size: `812 B`, `7.1 kB`, `1.2 MB` (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def utc(moment: datetime) -> str:
    """Return a time like `2026-11-23 16:20:05 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(length: timedelta) -> str:
    """Return a length of time in its largest useful unit: `12 s`, `4 min`, `3 h`, `2 days`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def exact_span(length: timedelta | None) -> str:
    """Return a length of time in two units: `45 s`, `3 min 38 s`, `2 h 5 min`, `3 days 4 h`; a dash if it is not known."""
    if length is None:
        return "–"
    seconds = max(0, round(length.total_seconds()))
    for unit, smaller, names in ((86_400, 3600, ("day", "h")), (3600, 60, ("h", "min")), (60, 1, ("min", "s"))):
        if seconds >= unit:
            whole, rest = divmod(seconds, unit)
            name = f"{names[0]}s" if names[0] == "day" and whole > 1 else names[0]
            rest //= smaller
            return f"{whole} {name} {rest} {names[1]}" if rest else f"{whole} {name}"
    return f"{seconds} s"


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """Return a number with its noun: `1 step`, `7 steps`, `2 retries`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def listed(items: list[str]) -> str:
    """Return a list as text: `a`, `a and b`, `a, b and c`."""
    if len(items) == 1:
        return items[0]
    if items:
        return f"{', '.join(items[:-1])} and {items[-1]}"
    return ""


def journey_title(journey: str) -> str:
    """Return a journey's name in words: `GA purchase` for `ga_purchase`."""
    text = journey.replace("_", " ").strip()
    return f"{text[:1].upper()}{text[1:]}".replace("Ga ", "GA ").replace("Vip ", "VIP ")
