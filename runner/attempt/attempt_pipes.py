"""The supervisor's ears: what the attempt tells, line by line, and what it prints, neither of them more than there is room for."""

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
    """Two pipes of an attempt: `facts` are JSON lines, `errors` is what it and its browser print. Both are closed with it."""

    def __init__(self, facts: int, errors: int) -> None:
        self._facts, self._errors = facts, errors
        self._selector = selectors.DefaultSelector()
        for pipe in (facts, errors):
            os.set_blocking(pipe, False)
            self._selector.register(pipe, selectors.EVENT_READ)
        self._line = bytearray()
        self._too_long = False
        self._words = b""
        self.told = 0
        """Bytes that were told."""
        self.left_out = 0
        """Things told that were too long, or no JSON."""
        self.closed = False
        """Whether the attempt can tell nothing more."""

    @property
    def flooded(self) -> bool:
        """Whether it has told more than anybody needs to know."""
        return self.told > TOLD_MB * _MB

    @property
    def last_words(self) -> str:
        """The last line that was printed."""
        lines = self._words.decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def listen(self, seconds: float) -> Iterator[dict[str, Any]]:
        """What is told within that time; returns at the first word, printed ones included."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            if key.fd == self._errors:
                self._hear_printed()
            else:
                yield from self._hear_told()

    def drain(self) -> None:
        """Take in what was printed before the end."""
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
        """A chunk; empty at the end of the pipe, which is then no longer listened to; None where there is nothing yet."""
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
