"""Limits request rates by token buckets in memory; a restart resets them."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Holds a rate limit: `burst` requests at once, and `per_second` on average."""

    per_second: float = 20.0
    burst: int = 200


class Buckets:
    """Holds a token bucket for each key. Thread-safe."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str, now_s: float) -> float:
        """Take a token; return 0, or how many seconds to wait until there is one. `now_s` is read from a monotonic clock."""
        with self._lock:
            left, at = self._left.get(key, (float(self._rate.burst), now_s))
            left = min(self._rate.burst, left + max(0.0, now_s - at) * self._rate.per_second)
            taken = left >= 1
            self._left[key] = (left - 1 if taken else left, now_s)
            return 0.0 if taken else (1 - left) / self._rate.per_second
