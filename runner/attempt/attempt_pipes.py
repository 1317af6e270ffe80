"""Reads the two pipes of an attempt: its events, line by line, and its printed output; the size of both is limited."""

from __future__ import annotations

import json
import os
import selectors
from collections.abc import Iterator
from typing import Any

from runner.attempt.limits import LINE_MB, TOLD_MB

_CHUNK = 1 << 16
_LAST_WORDS = 4096
_MOST_CHUNKS = 64
_MB = 1 << 20


class AttemptPipes:
    """Holds the two pipes of an attempt: `facts` carries JSON lines, `errors` the output of the attempt and its browser.

    This object owns both descriptors and closes them.
    """

    def __init__(self, facts: int, errors: int) -> None:
        self._facts, self._errors = facts, errors
        self._selector = selectors.DefaultSelector()
        # Non-blocking: a supervisor that waits for a silent attempt could not keep its deadlines.
        for pipe in (facts, errors):
            os.set_blocking(pipe, False)
            self._selector.register(pipe, selectors.EVENT_READ)
        self._line = bytearray()
        self._too_long = False
        self._words = b""
        self.told = 0
        """The number of bytes received as events."""
        self.left_out = 0
        """The number of events that were dropped because they were too long or not valid JSON."""
        self.closed = False
        """Whether the attempt has closed its event pipe."""

    @property
    def flooded(self) -> bool:
        """Whether the attempt has sent more than `TOLD_MB` megabytes of events."""
        return self.told > TOLD_MB * _MB

    @property
    def last_words(self) -> str:
        """The last line that was printed, at most 300 characters."""
        lines = self._words.decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def listen(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield the events that arrive within `seconds`.

        Returns at the first data on either pipe, printed output included, so it may yield nothing.
        """
        for key, _ in self._selector.select(max(0.0, seconds)):
            if key.fd == self._errors:
                self._hear_printed()
            else:
                yield from self._hear_told()

    def drain(self) -> None:
        """Read the output that was printed before the end, up to 64 chunks."""
        # Bounded, because a descendant that is still alive may print without end.
        for _ in range(_MOST_CHUNKS):
            if self._errors not in self._registered() or not self._hear_printed():
                return

    def _registered(self) -> set[int]:
        return {key.fd for key in self._selector.get_map().values()}

    def _hear_printed(self) -> bool:
        chunk = self._read(self._errors)
        if chunk:
            self._words = (self._words + chunk)[-_LAST_WORDS:]
        return bool(chunk)

    def _hear_told(self) -> Iterator[dict[str, Any]]:
        chunk = self._read(self._facts)
        if chunk is None:
            return
        if not chunk:
            self.closed = True
            return
        self.told += len(chunk)
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._add(end)
            yield from self._whole()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        if self._too_long or len(self._line) + len(part) > LINE_MB * _MB:
            # The rest of an oversized line is dropped as it arrives, so that the memory stays bounded.
            self._too_long = True
            self._line.clear()
        else:
            self._line += part

    def _whole(self) -> Iterator[dict[str, Any]]:
        line, too_long = bytes(self._line), self._too_long
        self._line.clear()
        self._too_long = False
        try:
            told = None if too_long else json.loads(line)
        except ValueError:
            told = None
        if isinstance(told, dict) and isinstance(told.get("event"), str):
            yield told
        else:
            self.left_out += 1

    def _read(self, pipe: int) -> bytes | None:
        """Return a chunk; b"" at the end of the pipe, which is then unregistered; None if there is no data yet."""
        try:
            chunk = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return None
        if not chunk:
            self._selector.unregister(pipe)
        return chunk

    def close(self) -> None:
        """Close both pipes."""
        self._selector.close()
        os.close(self._facts)
        os.close(self._errors)
