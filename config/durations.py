"""Reads durations in the configuration's notation: `90s`, `5m`, `24h`, `30d`."""

from __future__ import annotations

import re
from functools import lru_cache

_SHAPE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(text: str, *, key: str = "duration") -> float:
    """Return a duration in seconds. Raises ValueError, which names the key."""
    return _seconds(text, key)


@lru_cache(maxsize=1024)
def _seconds(text: str, key: str) -> float:
    # Rules ask for the same few durations a thousand times in a cycle.
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{key}: {text!r:.80} is not a duration; write it like 90s, 5m, 24h or 30d")
    return float(match[1]) * _SECONDS[match[2]]


def words(length_s: float) -> str:
    """Return a duration for people: `10 min`, `1 h`, `3 d`, `12 s`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if length_s >= size:
            return f"{length_s / size:.3g} {unit}"
    return f"{length_s:.0f} s"
