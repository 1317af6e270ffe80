"""Rules that can hardly ever judge, because so little happens here; each says so with the arithmetic. Pure."""

from __future__ import annotations

from metrics.statistics import chance_of_at_least
from sla.durations import words
from sla.wording import number

HARDLY_EVER = 0.05
"""A rule is powerless where a window holds enough with no more than this chance."""
_DAY_S = 86_400


def too_few_in(a_day: float, wanted: int, window_s: float) -> str | None:
    """Return why a window hardly ever holds as many as are wanted, where so many come in a day; None where it often does."""
    if chance_of_at_least(wanted, a_day * window_s / _DAY_S) > HARDLY_EVER:
        return None
    takes = f"takes {words(_rounded(wanted / a_day * _DAY_S))}" if a_day else "never comes together"
    return (
        f"powerless: at {number(a_day)} orders a day this needs {wanted} and {takes}, and it looks at {words(window_s)}"
    )


def _rounded(seconds: float) -> float:
    """Return a length in whole days where it is longer than two, else in whole hours: more would be false precision."""
    unit = _DAY_S if seconds > 2 * _DAY_S else 3600
    return max(1, round(seconds / unit)) * unit
