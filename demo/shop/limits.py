"""The rate limit and the CSRF tokens, both kept by client address."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import HTTPConnection


def client_address(request: HTTPConnection) -> str:
    """The peer and the door by which it came: the demo gives each location a door, and so an address of its own."""
    peer = request.client.host if request.client else "?"
    server = request.scope.get("server") or ("?", 0)
    return f"{peer}@{server[1]}"


class RateLimit:
    """So many requests an address in each fixed window."""

    def __init__(self, limit: int, window_s: float, clock: Callable[[], float] = time.time) -> None:
        self.limit = limit
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}

    def take(self, address: str) -> tuple[bool, dict[str, str]]:
        """Count a request: whether it is within the limit, and the headers that tell how much is left."""
        now = self._clock()
        with self._lock:
            began, count = self._counts.get(address, (now, 0))
            if now - began >= self._window_s:
                began, count = now, 0
            self._counts[address] = (began, count + 1)
        if count >= self.limit:
            return False, {"retry-after": "3600"}
        reset = datetime.fromtimestamp(began + self._window_s, UTC)
        return True, {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.limit - count - 1),
            "x-ratelimit-reset": reset.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


class CsrfTokens:
    """The latest token of each address or session; the next page replaces it."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    def issue(self, holder: str) -> str:
        """A new token, which is the only good one from now on."""
        token = secrets.token_hex(32)
        self._tokens[holder] = token
        return token

    def holds(self, holder: str, token: str | None) -> bool:
        """Whether the token is the holder's latest."""
        return bool(token) and secrets.compare_digest(self._tokens.get(holder, ""), token or "")
