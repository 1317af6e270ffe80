"""Decides whether and when a message is retried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from facts import Severity

GIVES_UP_AFTER = timedelta(hours=24)
_FIRST_S = 1.0
_LONGEST_S = {Severity.CRITICAL: 60.0}
_LONGEST_OTHERS_S = 600.0
_RETRIED = frozenset({408, 425, 429})


def is_permanent(status: int) -> bool:
    """Return whether a retry is useless: after every 4xx except 408, 425 and 429, and after a redirect, which is never followed."""
    return 300 <= status < 500 and status not in _RETRIED


def next_try(
    severity: Severity,
    *,
    tries: int,
    first_at: datetime,
    now: datetime,
    retry_after_s: float | None,
    jitter: Callable[[], float],
) -> datetime | None:
    """When to try again after `tries` failed ones; None once it has been tried for a day, counted from the first try.

    Full jitter (`jitter` gives 0 to 1): a random part of a wait that doubles from 1 s, to 60 s for critical messages, to
    10 min for others. What the receiver asked for in Retry-After is the least, but the last try is at the end of the day.
    """
    if now - first_at >= GIVES_UP_AFTER:
        return None
    longest = _LONGEST_S.get(severity, _LONGEST_OTHERS_S)
    # The exponent is bounded: 2 to the power of a day's tries is no number for a float.
    wait = min(longest, _FIRST_S * 2 ** min(tries, 20)) * jitter()
    return min(now + timedelta(seconds=max(wait, retry_after_s or 0.0)), first_at + GIVES_UP_AFTER)
