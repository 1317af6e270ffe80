"""Limits repeated log lines: a few are written, then one that says how often the line was repeated."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TextIO

MOST, WITHIN_S = 5, 10.0
"""How many equal lines are written within how many seconds."""
_MOST_KINDS = 2000


@dataclass(slots=True)
class _Kind:
    """Holds the count of equal lines since `since`.

    `left_out` is the last unwritten one, without its traceback, which uses much memory.
    """

    since: float
    count: int = 0
    left_out: logging.LogRecord | None = None


class LimitedHandler(logging.StreamHandler[TextIO]):
    """Writes a line to a stream unless too many equal ones came recently. Equal lines differ only in their time.

    The number of lines left out is written with the last of them, when their period is over and anything is logged, or
    at the end.
    """

    def __init__(self, stream: TextIO, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._monotonic = monotonic
        self._kinds: dict[Hashable, _Kind] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, count it, or both. It is called by one thread at a time."""
        now = self._monotonic()
        self._tell_those_over(now)
        try:
            key = _key(record)
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not break its caller
            self.handleError(record)
            return
        kind = self._kinds.setdefault(key, _Kind(since=now))
        kind.count += 1
        if kind.count <= MOST:
            super().emit(record)
        else:
            kind.left_out = _without_error(record)

    def _tell_those_over(self, now: float) -> None:
        # In order of their start. The number of kinds is limited too, so that a flood of different lines does not fill
        # the memory.
        while self._kinds:
            key, kind = next(iter(self._kinds.items()))
            if now - kind.since < WITHIN_S and len(self._kinds) < _MOST_KINDS:
                return
            del self._kinds[key]
            self._tell(kind)

    def _tell(self, kind: _Kind) -> None:
        if kind.left_out is not None:
            super().emit(_with_count(kind.left_out, kind.count - MOST))

    def close(self) -> None:
        """Write the pending counts and close the handler."""
        self.acquire()
        try:
            for kind in self._kinds.values():
                self._tell(kind)
            self._kinds.clear()
        except ValueError:
            pass  # the stream was closed before this handler
        finally:
            self.release()
        super().close()


def _key(record: logging.LogRecord) -> Hashable:
    told = record.msg
    if isinstance(told, dict):
        # The traceback is left out of the key: it is a page long and equal for equal errors, which the last line identifies.
        told = [(name, str(value)) for name, value in sorted(told.items()) if name != "exc_info"]
        return (record.name, record.levelno, repr(told), _error(record))
    return (record.name, record.levelno, record.getMessage(), _error(record))


def _error(record: logging.LogRecord) -> str:
    info: Any = record.exc_info
    if isinstance(record.msg, dict) and record.msg.get("exc_info"):
        info = record.msg["exc_info"]
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    return f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else ""


def _without_error(record: logging.LogRecord) -> logging.LogRecord:
    told = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
    if isinstance(record.msg, dict):
        told.msg = {name: value for name, value in record.msg.items() if name != "exc_info"}
    return told


def _with_count(record: logging.LogRecord, times: int) -> logging.LogRecord:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "repeated": times}
    else:
        record.msg, record.args = f"{record.getMessage()} (repeated {times} times)", ()
    return record
