"""What the hub says when it cannot do what was asked."""

from __future__ import annotations


class HubError(Exception):
    """A request that the hub refuses; `status` is the HTTP status, the message says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def permanent(self) -> bool:
        """Whether the same request would be refused again."""
        return self.status < 500 and self.status not in (408, 425, 429)
