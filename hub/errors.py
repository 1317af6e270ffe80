"""Defines the errors with which the hub refuses a request."""

from __future__ import annotations

from collections.abc import Mapping


class HubError(Exception):
    """The hub refuses a request; `status` is the HTTP status, and the message says what to do."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})

    @property
    def permanent(self) -> bool:
        """Whether the same request would be refused again."""
        return self.status < 500 and self.status not in (408, 425, 429)


class LoginNeededError(HubError):
    """The endpoint requires a login, and the client is not logged in."""

    def __init__(self) -> None:
        super().__init__(401, "log in first, at /login")


class TooManyError(HubError):
    """The client sends requests too fast; `wait_s` is how many seconds it should wait."""

    def __init__(self, message: str, *, wait_s: float) -> None:
        seconds = max(1, round(wait_s + 0.5))
        super().__init__(429, f"{message}; try again in {seconds} s", headers={"Retry-After": str(seconds)})
        self.wait_s = wait_s
