"""Undoes the escapes of URLs, HTML and JSON, and maps positions in the result back to the original text."""

from __future__ import annotations

import html
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

_ROUNDS = 4
_ESCAPE = re.compile(
    rb"%([0-9a-fA-F]{2})"
    rb"|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u([0-9a-fA-F]{4})"
    rb"|\\x([0-9a-fA-F]{2})"
    rb"|\\([\"'\\/`$bfnrt])"
    rb"|(&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});)"
)
_SPECIAL = re.compile(rb"[%\\&]")
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Holds decoded bytes. `starts[i]` is where byte `i` begins in the original bytes, `starts[len(data)]` the end.

    `starts` is None if every byte is at its original position.
    """

    data: bytes
    starts: array[int] | None = None

    def place(self, begin: int, end: int) -> tuple[int, int]:
        """Return the original position of a range of this reading."""
        return (begin, end) if self.starts is None else (self.starts[begin], self.starts[end])


def readings(data: bytes, *, placed: bool = True) -> Iterator[Reading]:
    """Yield the bytes unchanged, then with escapes undone, repeatedly while there are any (double encoding is common).

    Without `placed` this is faster, but the readings have no original positions.
    """
    reading = Reading(data)
    yield reading
    for _ in range(_ROUNDS):
        if not _SPECIAL.search(reading.data):
            return
        undone = _undone(reading) if placed else Reading(_ESCAPE.sub(_meant, reading.data))
        if len(undone.data) == len(reading.data):
            return
        reading = undone
        yield reading


def _undone(reading: Reading) -> Reading:
    data, parts, starts, done = reading.data, [], array("Q"), 0
    for match in _ESCAPE.finditer(data):
        meant = _meant(match)
        parts += [data[done : match.start()], meant]
        starts.extend(range(done, match.start()))
        starts.extend([match.start()] * len(meant))
        done = match.end()
    parts.append(data[done:])
    starts.extend(range(done, len(data) + 1))
    if reading.starts is not None:
        starts = array("Q", [reading.starts[i] for i in starts])
    return Reading(b"".join(parts), starts)


def _meant(match: re.Match[bytes]) -> bytes:
    percent, high, low, unit, byte, letter, entity = match.groups()
    if percent or byte:
        return bytes([int(percent or byte, 16)]) if percent or int(byte, 16) < 128 else chr(int(byte, 16)).encode()
    if high:
        return (bytes.fromhex((high + low).decode())).decode("utf-16-be").encode()
    if unit:
        return chr(int(unit, 16)).encode("utf-8", "surrogatepass")
    if letter:
        return _LETTERS.get(letter, letter)
    return html.unescape(entity.decode()).encode("utf-8", "surrogatepass")
