"""A log that never says a secret: not in a message, not in a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from runner.scrub import Scrubber


class MaskingFormatter(logging.Formatter):
    """Masks what is about to be written."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner, self._scrubber = inner, Scrubber(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, or the lines, without any secret."""
        return self._scrubber.mask(self._inner.format(record))[0]


def mask_logs(secrets: Iterable[str], root: logging.Logger | None = None) -> None:
    """Make every handler of the root logger mask these secrets."""
    secrets = tuple(secrets)
    for handler in (root or logging.getLogger()).handlers:
        handler.setFormatter(MaskingFormatter(handler.formatter or logging.Formatter(), secrets))
