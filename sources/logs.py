"""Follows log files of the site: whole lines, each counted once over rotation, truncation, restart and sudden death."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from facts import Event
from sources.log_lines import LONGEST_BLOCK, closes_block, event_in, opens_block
from sources.source import Collected, SourceError, SourceSettings

LONGEST_LINE = 1_000_000
"""A longer line is cut there; the rest of it is skipped."""
_AT_ONCE = 8 * 1024 * 1024
_MOST_EVENTS = 10_000
_LARGEST_BLOCK = 64 * 1024
_FIRST_BYTES = 256
_MOST_ROTATED = 5
_ROTATED_S = 60.0
"""A file that was rotated away is followed for so long, because its writer may not know yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Holds how far one file has been read.

    `first` is the digest of the file's first bytes, by which a new file is told from an old one on the same inode; "" until its
    first line is there. `again` grows each time the file is cut short, so that ids do not repeat. `skipping` is true within a
    line that is too long. `gone_at` is when another file took its path, in seconds since 1970.
    """

    device: int
    inode: int
    offset: int = 0
    first: str = ""
    again: int = 0
    skipping: bool = False
    gone_at: float | None = None


class LogsSource:
    """Reads the log files that site.yaml names. Its cursor has, for each path, the place in its file and in those rotated away."""

    name: ClassVar[str] = "logs"
    every_s: ClassVar[float] = 10.0
    site_requests: ClassVar[int] = 0

    def __init__(self, settings: SourceSettings) -> None:
        self._paths = tuple(Path(path) for path in settings.log_files)

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None where log files are named, else why none is followed."""
        return None if settings.log_files else "site.yaml names no log_files"

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Read the lines written since the last reading. Raises SourceError if no file can be read."""
        known = _places(cursor)
        after: dict[str, list[_Place]] = {}
        events: list[Event] = []
        errors: list[str] = []
        for path in self._paths:
            reader = _Reader(path, now, room=_MOST_EVENTS - len(events))
            try:
                after[str(path)] = reader.read(known.get(str(path), []))
            except OSError as error:
                errors.append(f"{path}: {error.strerror or error}")
                after[str(path)] = known.get(str(path), [])
                continue
            events += reader.events
        if len(errors) == len(self._paths):
            raise SourceError("; ".join(errors))
        told = {path: [asdict(place) for place in places] for path, places in after.items()}
        return Collected(events=events, cursor={"files": told})

    def close(self) -> None:
        """Do nothing, because no file stays open between two readings."""


def _places(cursor: Any) -> Mapping[str, list[_Place]]:
    files = cursor.get("files") if isinstance(cursor, dict) else None
    return {path: [_Place(**place) for place in places] for path, places in (files or {}).items()}


class _Reader:
    """Reads the file at one path, and those that were rotated away from it, at one moment."""

    def __init__(self, path: Path, now: datetime, *, room: int) -> None:
        self.events: list[Event] = []
        self._path, self._now, self._room, self._bytes = path, now, room, _AT_ONCE

    def read(self, known: list[_Place]) -> list[_Place]:
        """Return the places after reading, the current file's first. Raises OSError."""
        with _opened(self._path) as file:
            found = os.fstat(file.fileno())
            current = next((p for p in known if (p.device, p.inode) == (found.st_dev, found.st_ino)), None)
            if current is not None and current.first and current.first != _first_of(file):
                current = None  # another file on the inode of one that was deleted
            gone_at = self._now.timestamp()
            others = [p if p.gone_at is not None else replace(p, gone_at=gone_at) for p in known if p is not current]
            # The older lines first, as they were written.
            rotated = [place for one in others[:_MOST_ROTATED] if (place := self._read_rotated(one)) is not None]
            place = replace(current or _Place(device=found.st_dev, inode=found.st_ino), gone_at=None)
            if found.st_size < place.offset:
                place = replace(place, offset=0, skipping=False, again=place.again + 1)
            return [self._read_on(file, place), *rotated]

    def _read_rotated(self, place: _Place) -> _Place | None:
        path = self._find(place)
        if path is None:
            return None
        try:
            with _opened(path) as file:
                if place.first and place.first != _first_of(file):
                    return None
                over = self._now.timestamp() - (place.gone_at or 0.0) >= _ROTATED_S
                place = self._read_on(file, place, to_the_end=over)
                return None if over and place.offset >= os.fstat(file.fileno()).st_size else place
        except OSError:
            return place

    def _find(self, place: _Place) -> Path | None:
        with os.scandir(self._path.parent) as entries:
            for entry in entries:
                if entry.name.startswith(self._path.stem) and entry.inode() == place.inode:
                    return Path(entry.path)
        return None

    def _read_on(self, file: BinaryIO, place: _Place, *, to_the_end: bool = False) -> _Place:
        """Read whole lines from a place on; `to_the_end` takes a last line without its end as well."""
        first = place.first or _first_of(file)
        if not first and not to_the_end:
            return place  # its first line is not written yet
        identity = f"{first or 'none'}-{place.inode:x}-{place.again}"
        offset, skipping = place.offset, place.skipping
        for begin, end, text, is_cut in self._records(file, offset, skipping, to_the_end=to_the_end):
            offset, skipping = end, is_cut
            event = event_in(text, id_=f"{identity}-{begin:x}", now=self._now) if text else None
            if event is not None:
                self.events.append(event)
        return replace(place, offset=offset, first=first, skipping=skipping)

    def _records(
        self, file: BinaryIO, offset: int, skipping: bool, *, to_the_end: bool
    ) -> Iterator[tuple[int, int, str, bool]]:
        """Yield lines and blocks of lines: where each begins and ends, its text, and whether the rest of a line is to be skipped."""
        block: list[str] = []
        block_at, size = offset, 0
        for begin, end, line, is_cut in self._lines(file, offset, skipping, to_the_end=to_the_end):
            if block and line[:1] not in ("", " ", "\t", "}"):
                # What looked like the beginning of a block was none: its lines are indented.
                yield block_at, begin, "\n".join(block), False
                block = []
            if block:
                block.append(line)
                size += len(line)
                if closes_block(line) or len(block) >= LONGEST_BLOCK or size >= _LARGEST_BLOCK or is_cut:
                    yield block_at, end, "\n".join(block), is_cut
                    block = []
            elif opens_block(line) and not is_cut:
                block, block_at, size = [line], begin, len(line)
            else:
                yield begin, end, line, is_cut
            if len(self.events) >= self._room:
                return
        # An unfinished block is left for the next reading, as an incomplete last line is.
        if block and to_the_end:
            yield block_at, file.tell(), "\n".join(block), False

    def _lines(
        self, file: BinaryIO, offset: int, skipping: bool, *, to_the_end: bool
    ) -> Iterator[tuple[int, int, str, bool]]:
        file.seek(offset)
        while self._bytes > 0:
            raw = file.readline(LONGEST_LINE)
            self._bytes -= len(raw)
            is_whole = raw.endswith(b"\n")
            is_cut = not is_whole and len(raw) == LONGEST_LINE
            if not raw or not (is_whole or is_cut or to_the_end):
                return
            begin, offset = offset, offset + len(raw)
            text = "" if skipping else raw.decode("utf-8", "replace").rstrip("\r\n")
            skipping = is_cut
            yield begin, offset, text, is_cut


def _opened(path: Path) -> BinaryIO:
    """Open a regular file. Raises OSError for anything else; a pipe without a writer would block for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a file")
    return os.fdopen(descriptor, "rb")


def _first_of(file: BinaryIO) -> str:
    """Return the digest of the first bytes of a file, up to the end of its first line; "" while that is not written."""
    file.seek(0)
    head = file.read(_FIRST_BYTES)
    line, end, _ = head.partition(b"\n")
    return hashlib.sha256(line).hexdigest()[:16] if end or len(head) == _FIRST_BYTES else ""
