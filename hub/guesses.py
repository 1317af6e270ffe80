"""How slowly somebody may guess a password: by the name, by the network, and by both; a browser that is known has a count of its own.

This is OWASP's protocol of device cookies (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).
A lock on a name alone lets everybody who knows it keep its owner out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from store import Store, login_failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`free` wrong guesses cost nothing; after them the wait doubles from one second to `longest_s`."""

    free: int
    longest_s: float

    def wait_s(self, failed: int, since_s: float) -> float:
        """How many seconds to wait before the next guess, where the last of `failed` wrong ones was `since_s` seconds ago."""
        beyond = failed - self.free
        delay = 0.0 if beyond < 0 else min(self.longest_s, 2.0 ** min(beyond, 20))
        # A clock that was set back must not make anybody wait longer than the wait is.
        return max(0.0, delay - max(0.0, since_s))


QUIET = timedelta(hours=1)
"""After that long without a guess all is forgotten."""
_BY_BOTH = Patience(free=5, longest_s=900.0)
_BY_NETWORK = Patience(free=10, longest_s=900.0)
# The only one that whoever changes networks meets. It is short: strangers can make an owner wait who comes with a new browser.
_BY_NAME = Patience(free=10, longest_s=60.0)
_BY_DEVICE = Patience(free=5, longest_s=60.0)


@dataclass(frozen=True, slots=True)
class Limit:
    """What is counted under a key, and how patient we are with it."""

    key: str
    patience: Patience


def limits(name: str, *, network: str, device: str | None) -> list[Limit]:
    """Return the limits of a guess: a known browser's own alone, else those of all strangers."""
    if device is not None:
        return [Limit(_key("device", name, device), _BY_DEVICE)]
    return [
        Limit(_key("name and network", name, network), _BY_BOTH),
        Limit(_key("network", network), _BY_NETWORK),
        Limit(_key("name", name), _BY_NAME),
    ]


class Guesses:
    """Counts wrong guesses in the database, for every hub that shares it."""

    def __init__(self, store: Store, *, most: int = login_failures.MOST) -> None:
        self._store, self._most = store, most

    def count(self, limits: Collection[Limit], *, now: datetime) -> float:
        """Count a guess as wrong before it is looked at, so that many at once gain nothing; 0, or how many seconds to wait (then
        it was not counted)."""
        with self._store.write() as connection:
            login_failures.sweep(connection, before=now - QUIET, most=self._most)
            known = login_failures.held(connection, [limit.key for limit in limits], now=now)
            waits = [
                limit.patience.wait_s(known[limit.key].failed, (now - known[limit.key].last_at).total_seconds())
                for limit in limits
            ]
            if max(waits) <= 0:
                for key, failures in known.items():
                    login_failures.note(connection, key, failed=failures.failed + 1, at=now)
        return max(waits)

    def take_back(self, limits: Collection[Limit]) -> None:
        """Take a guess back that was right, or that nobody looked at. What others guessed wrong stays counted: an owner who logs in
        must not give them a fresh start."""
        with self._store.write() as connection:
            for key in sorted(limit.key for limit in limits):
                login_failures.take_back(connection, key)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
