"""Masks secrets in traces: zip archives whose members are searched, also inside nested archives, and masked where they are text."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from journeys.recording.frames import frames_of, without_frames
from redact import Scrubber, UnmaskableError
from runner.attempt.trace_snapshots import mask_snapshots

_MOST_BYTES = 512 * 1024 * 1024
_MOST_MEMBERS = 20_000
_MOST_TO_MASK = 64 * 1024 * 1024
_DEEPEST = 3
_CHUNK = 1 << 16
_IN_LINES = (".trace", ".network", ".stacks")

Write = Callable[[bytes], None]


class _Budget:
    """Limits the unpacked bytes of one archive: a zip bomb of a few kilobytes could fill any memory."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise UnmaskableError("it unpacks to more than can be searched for secrets")


class _Counted(io.RawIOBase):
    """A stream that counts its bytes against the limit."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream, self._budget = stream, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), _CHUNK))
        self._budget.take(len(data))
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Holds how many secrets were masked in an archive, and how many frames of a trace were dropped."""

    masked: int = 0
    frames: int = 0


def clean(file: Path, scrubber: Scrubber, *, most_bytes: int = _MOST_BYTES) -> Cleaned:
    """Mask the secrets in a zip, in place; if there are any, drop the screencast frames of that trace, which may show them.

    Raises:
        UnmaskableError: a secret cannot be masked, or some content cannot be searched.
        OSError: the disk failed.
    """
    budget = _Budget(most_bytes)
    try:
        with zipfile.ZipFile(file) as archive:
            if scrubber.finds(archive.comment) or any(scrubber.finds(m.filename.encode()) for m in archive.infolist()):
                raise UnmaskableError("a name in it held a secret")
            if len(archive.infolist()) > _MOST_MEMBERS:
                raise UnmaskableError(f"it has more than {_MOST_MEMBERS} members")
            hit = {m.filename for m in archive.infolist() if _holds(_opener(archive, m), scrubber, budget, depth=0)}
            snapshots = _masked_snapshots(archive, scrubber)
            if not hit and not snapshots:
                return Cleaned()
            frames = _frames_beside(archive, hit | set(snapshots))
            return _rewritten(archive, hit, snapshots, frames, file, scrubber)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnmaskableError(f"it cannot be searched for secrets ({error})") from None


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(member)


def _holds(opened: Callable[[], IO[bytes]], scrubber: Scrubber, budget: _Budget, *, depth: int) -> bool:
    """Return whether a secret is in a stream, as it is or inside compressed content."""
    with opened() as stream, io.BufferedReader(_Counted(stream, budget)) as counted:
        head = counted.peek(4)[:4]
        if scrubber.finds_in(counted):
            return True
    return any(_holds(inner, scrubber, budget, depth=depth + 1) for inner in _packed(opened, head, budget, depth))


def _packed(
    opened: Callable[[], IO[bytes]], head: bytes, budget: _Budget, depth: int
) -> Iterator[Callable[[], IO[bytes]]]:
    """Yield the compressed contents of a stream, because a request body that was sent compressed is stored compressed."""
    if not _looks_packed(head):
        return
    if depth >= _DEEPEST:
        raise UnmaskableError("it is packed too deep to be searched for secrets")
    if head.startswith(b"PK\x03\x04"):
        with opened() as stream, tempfile.TemporaryFile() as copy:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                budget.take(len(chunk))
                copy.write(chunk)
            with suppress(zipfile.BadZipFile), zipfile.ZipFile(copy) as archive:
                yield from (_opener(archive, member) for member in archive.infolist())
    elif head.startswith(b"\x1f\x8b"):
        yield lambda: _Lenient(gzip.GzipFile(fileobj=opened()))
    else:
        yield lambda: _Lenient(_Inflated(opened()))


def _looks_packed(head: bytes) -> bool:
    zlib_header = len(head) >= 2 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0
    return zlib_header or head.startswith((b"PK\x03\x04", b"\x1f\x8b"))


class _Inflated(io.RawIOBase):
    """Unpacks a zlib stream while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._unpack = stream, zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._unpack.eof:
            data = self._unpack.unconsumed_tail or self._stream.read(_CHUNK)
            if not data:
                break
            out = self._unpack.decompress(data, len(buffer))
            if out:
                buffer[: len(out)] = out
                return len(out)
        return 0


class _Lenient(io.BufferedReader):
    """A stream that ends where it cannot be unpacked; it only looked compressed, and its raw bytes have been searched already."""

    def __init__(self, stream: io.RawIOBase | gzip.GzipFile) -> None:
        super().__init__(stream)

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read1(size if size and size > 0 else _CHUNK)
        except (zlib.error, OSError, EOFError):
            return b""


def _masked_snapshots(archive: zipfile.ZipFile, scrubber: Scrubber) -> dict[str, tuple[bytes, int]]:
    """Return the members whose snapshots show a secret, masked, by name, each with the number of masked texts."""
    found = {}
    for member in archive.infolist():
        if member.filename.endswith(".trace"):
            if member.file_size > _MOST_TO_MASK:
                raise UnmaskableError("it is too large to be searched for secrets")
            masked, count = mask_snapshots(archive.read(member), scrubber)
            if count:
                found[member.filename] = masked, count
    return found


def _frames_beside(archive: zipfile.ZipFile, hit: Collection[str]) -> set[str]:
    """Return the frames of those traces in the archive that are one of the members in `hit` or refer to one."""
    frames: set[str] = set()
    names = set(archive.namelist())
    for name in names:
        if not name.endswith(".trace"):
            continue
        own = {name.removesuffix(".trace") + ending for ending in _IN_LINES} & names
        words = b"".join(archive.read(one) for one in own)
        if own & set(hit) or any(one.rpartition("/")[2].encode() in words for one in hit):
            frames.update(frames_of(archive.read(name)))
    return frames & names


def _rewritten(
    archive: zipfile.ZipFile,
    hit: set[str],
    snapshots: Mapping[str, tuple[bytes, int]],
    frames: set[str],
    file: Path,
    scrubber: Scrubber,
) -> Cleaned:
    count = 0
    # Written beside the original and then renamed, so that an error never leaves half a trace.
    part = file.with_name(f"{file.name}.masked")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as masked:
            for member in archive.infolist():
                name = member.filename
                if name in frames:
                    continue
                if name not in hit and not name.endswith(".trace"):
                    with archive.open(member) as source, masked.open(name, "w") as target:
                        for chunk in iter(lambda: source.read(_CHUNK), b""):
                            target.write(chunk)
                    continue
                if member.file_size > _MOST_TO_MASK:
                    raise UnmaskableError("it held a secret in a member too large to be masked")
                data, found = snapshots.get(name, (archive.read(member), 0))
                if name.endswith(".trace") and frames.intersection(frames_of(data)):
                    data = without_frames(data)
                count += found
                if name in hit:
                    data, found = _masked(name, data, scrubber, may_be_clean=name in snapshots)
                    count += found
                masked.writestr(name, data)
        part.replace(file)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return Cleaned(count, len(frames))


def _masked(name: str, data: bytes, scrubber: Scrubber, *, may_be_clean: bool) -> tuple[bytes, int]:
    masked, count = scrubber.mask_bytes(data)
    if may_be_clean and not count:
        return data, 0
    # A secret inside compressed content, or one that still shows after masking, cannot be removed by replacing text.
    if not count or scrubber.finds(masked) or not _is_text(data) or not _still_reads(name, masked):
        raise UnmaskableError("it held a secret that could not be masked")
    return masked, count


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _still_reads(name: str, data: bytes) -> bool:
    """Return whether the trace viewer can still read a member: the trace's own files hold one JSON object per line."""
    if not name.endswith(_IN_LINES):
        return True
    try:
        return all(json.loads(line) is not None for line in data.splitlines() if line.strip())
    except ValueError:
        return False
