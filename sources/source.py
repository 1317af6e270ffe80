"""What a source says when it brings nothing."""

from __future__ import annotations


class SourceError(Exception):
    """A source that could not be read: which, what it answered, and what to do.

    `permanent` is true where asking again without a change of settings is useless. `retry_after_s` is what the service asked for.
    `absent` is true where the service says that it has no such thing at all.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after_s: float | None = None, absent: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.absent = absent
