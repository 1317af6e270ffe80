"""How fast somebody may ask, and how slowly somebody may guess. Both are kept in memory: a restart forgives."""

from __future__ import annotations

import threading
from dataclasses import dataclass

_MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` requests at once, and `per_second` in the long run."""

    per_second: float = 20.0
    burst: int = 200


class Buckets:
    """A token bucket for each key."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str, now_s: float) -> float:
        """Take one; 0, or how many seconds to wait until there is one. `now_s` is a monotonic clock."""
        with self._lock:
            left, at = self._left.get(key, (float(self._rate.burst), now_s))
            left = min(self._rate.burst, left + max(0.0, now_s - at) * self._rate.per_second)
            taken = left >= 1
            self._left[key] = (left - 1 if taken else left, now_s)
            return 0.0 if taken else (1 - left) / self._rate.per_second


@dataclass(slots=True)
class _Guesses:
    failed: int = 0
    last_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`free` wrong guesses cost nothing; after them the wait doubles from one second to `longest_s`. Quiet for
    `forgets_s`, and all is forgotten."""

    free: int = 5
    longest_s: float = 60.0
    forgets_s: float = 3600.0


class Guesses:
    """Counts guesses by key. Each is counted before it is checked, so that many at once gain nothing."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._of: dict[str, _Guesses] = {}

    def guess(self, key: str, now_s: float) -> float:
        """Count a guess; 0, or how many seconds to wait before the next is looked at (then this one was not counted)."""
        with self._lock:
            self._forget(now_s)
            known = self._of.setdefault(key, _Guesses())
            if now_s - known.last_s > self._patience.forgets_s:
                known.failed = 0
            wait = known.last_s + self._delay(known.failed) - now_s if known.failed else 0.0
            if wait > 0:
                return wait
            known.failed += 1
            known.last_s = now_s
            return 0.0

    def was_right(self, key: str, *, all_forgiven: bool) -> None:
        """Take the guess back; or forgive the others too."""
        with self._lock:
            known = self._of.get(key)
            if known is not None:
                known.failed = 0 if all_forgiven else max(0, known.failed - 1)

    def _delay(self, failed: int) -> float:
        beyond = failed - self._patience.free
        return 0.0 if beyond < 0 else min(self._patience.longest_s, 2.0 ** min(beyond, 20))

    def _forget(self, now_s: float) -> None:
        if len(self._of) < _MOST_KEYS:
            return
        quiet = [k for k, g in self._of.items() if now_s - g.last_s > self._patience.longest_s]
        for key in quiet or list(self._of)[: _MOST_KEYS // 10]:
            del self._of[key]
