"""Limits the rate of password guesses by name, by network, and by both; a known browser has a count of its own.

This is OWASP's protocol of device cookies
(https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies). A lock by name alone would let
every stranger lock out the account's owner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from store import Store, login_failures


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessLimit:
    """Holds a limit: `free` wrong guesses cost nothing; after them the wait doubles from one second to `longest_s` seconds."""

    free: int
    longest_s: float

    def wait_s(self, failed: int, since_s: float) -> float:
        """Return how many seconds to wait before the next guess, if the last of `failed` wrong ones was `since_s` seconds ago."""
        beyond = failed - self.free
        delay = 0.0 if beyond < 0 else min(self.longest_s, 2.0 ** min(beyond, 20))
        # A clock that was set back must not make the wait longer than its full length.
        return max(0.0, delay - max(0.0, since_s))


QUIET = timedelta(hours=1)
"""The time without a guess after which the counts are deleted."""
_BY_BOTH = GuessLimit(free=5, longest_s=900.0)
_BY_NETWORK = GuessLimit(free=10, longest_s=900.0)
# The only limit that applies across networks. It is short, because strangers can make an owner with a new browser wait.
_BY_NAME = GuessLimit(free=10, longest_s=60.0)
_BY_DEVICE = GuessLimit(free=5, longest_s=60.0)


@dataclass(frozen=True, slots=True)
class Limit:
    """Holds the key of a count and the limit that applies to it."""

    key: str
    patience: GuessLimit


def limits(name: str, *, network: str, device: str | None) -> list[Limit]:
    """Return the limits of a guess: only the browser's own if it is known, else those shared by all unknown browsers."""
    if device is not None:
        return [Limit(_key("device", name, device), _BY_DEVICE)]
    return [
        Limit(_key("name and network", name, network), _BY_BOTH),
        Limit(_key("network", network), _BY_NETWORK),
        Limit(_key("name", name), _BY_NAME),
    ]


class Guesses:
    """Counts wrong guesses in the database, for all hubs that share it."""

    def __init__(self, store: Store, *, most: int = login_failures.MOST) -> None:
        self._store, self._most = store, most

    def count(self, limits: Collection[Limit], *, now: datetime) -> float:
        """Count a guess as wrong before it is verified, and return 0; or return how many seconds to wait, without counting it.

        Counting first means that many concurrent guesses gain nothing.
        """
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
        """Uncount a guess that was right, or that was not verified.

        Wrong guesses of others stay counted: an owner's login must not give them a fresh start.
        """
        with self._store.write() as connection:
            for key in sorted(limit.key for limit in limits):
                login_failures.take_back(connection, key)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
