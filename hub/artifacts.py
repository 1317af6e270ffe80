"""Takes evidence in: files under the hash of their bytes, never under a name that a client chose, and never unpacked."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool

from facts import Failpoint, go_on
from hub.errors import HubError
from hub.validation import ID_RULE, is_run_id
from process.private_files import private_folder
from redact.plain_text import plain
from store import Store, evidence, runs

LARGEST = 20 * 1024 * 1024
KINDS = {"screenshot": "image/jpeg", "trace": "application/zip", "page_text": "text/plain; charset=utf-8"}
RESERVE = 256 * 1024 * 1024
"""Bytes of the disk that evidence leaves to the database."""
STORE_WAS_FULL = "let go: the store was full"
WAITS_FOR_RUN = timedelta(days=2)
"""How long evidence is kept whose run never came: its runner may have been cut off in between."""
_LONGEST_REASON = 200
_HASH = re.compile(r"[0-9a-f]{64}")
_RECEIVING = ".receiving-"
_PIECE = 1 << 20
_AT_ONCE = 500


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactHeader:
    """What a runner says of an artifact. `location` is its token's, None where none was asked for.

    Raises:
        HubError: 400 no such hash, kind or run id.
    """

    sha256: str
    kind: str
    run_id: str | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        if not _HASH.fullmatch(self.sha256):
            raise HubError(400, "the path must end in the SHA-256 of the bytes: 64 hexadecimal digits in small letters")
        if self.kind not in KINDS:
            raise HubError(400, f"X-Evidence-Kind: {self.kind!r:.40} is none of {', '.join(KINDS)}")
        if self.run_id is not None and not is_run_id(self.run_id):
            raise HubError(400, f"X-Evidence-Run: {ID_RULE}; this has {len(self.run_id)} characters")


class Upload:
    """A file that is being received, under a name of its own until it is whole. Its methods wait for the disk.

    It is locked from its making until `close`, also under its final name: a sweep takes no file that somebody holds for an orphan,
    and the lock of a hub that was killed ends with its process.
    """

    def __init__(self, folder: Path, header: ArtifactHeader, *, is_new: bool) -> None:
        self.header, self.is_new, self.size = header, is_new, 0
        self._digest = hashlib.sha256()
        handle, self._part = _locked_file(folder)
        self._file = os.fdopen(handle, "wb")

    def write(self, content: bytes) -> None:
        """Add bytes."""
        self._digest.update(content)
        self._file.write(content)

    def finish(self, place: Path) -> None:
        """Give the file its place, on disk. Raises HubError 422 where the bytes have another hash."""
        if self._digest.hexdigest() != self.header.sha256:
            raise HubError(422, "the bytes have another SHA-256 than the path says; send them again")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._part.replace(place)

    def close(self) -> None:
        """Let go of the file and its lock, and delete what did not get its place."""
        with suppress(FileNotFoundError):
            self._part.unlink()
        with suppress(OSError):
            self._file.close()


async def _receive(upload: Upload, chunks: AsyncIterator[bytes]) -> None:
    """Take the bytes, in pieces of a size for which a thread is worth its while. Raises HubError 413."""
    piece = bytearray()
    async for chunk in chunks:
        piece += chunk
        upload.size += len(chunk)
        if upload.size > LARGEST:
            raise HubError(413, f"an artifact may have {LARGEST // 1024 // 1024} MiB")
        if len(piece) >= _PIECE:
            await run_in_threadpool(upload.write, bytes(piece))
            piece.clear()
    await run_in_threadpool(upload.write, bytes(piece))


class Artifacts:
    """The evidence folder of the hub."""

    def __init__(
        self, store: Store, folder: Path, *, at: Failpoint = go_on, free: Callable[[Path], int] = _free
    ) -> None:
        self._store = store
        self._free = free
        self._folder = folder
        self._at = at
        private_folder(folder)

    async def keep(self, header: ArtifactHeader, chunks: AsyncIterator[bytes], *, now: datetime) -> bool:
        """Store an artifact; False where it was here already.

        Raises:
            HubError: 403 it proves a run of another location, 413 over 20 MiB, 422 the bytes have another hash, 503 it was swept
                as it came, 507 the disk is nearly full or fails.
        """
        try:
            upload = await run_in_threadpool(self._begin, header)
            try:
                await _receive(upload, chunks)
                return await run_in_threadpool(self._finish, upload, now)
            finally:
                # Also for a request that is cancelled.
                with CancelScope(shield=True):
                    await run_in_threadpool(upload.close)
        except ConnectionError:
            raise  # the sender went away; the disk is well
        except OSError as error:
            what = f"the hub's evidence folder cannot be written ({error.strerror})"
            raise HubError(507, f"{what}; results are taken, evidence has to wait") from error

    def _begin(self, header: ArtifactHeader) -> Upload:
        self._check_run(header)
        there = self.path(header.sha256) is not None
        # Where somebody deleted the folder, what comes from now on is kept all the same.
        private_folder(self._folder)
        private_folder(self._place(header.sha256).parent)
        if self._free(self._folder) < RESERVE + LARGEST:
            raise HubError(507, "the hub's disk is nearly full; results are taken, evidence has to wait")
        return Upload(self._folder, header, is_new=not there)

    def _finish(self, upload: Upload, now: datetime) -> bool:
        upload.finish(self._place(upload.header.sha256))
        self._at("evidence.stored")
        self._save(upload.header, upload.size, now)
        return upload.is_new

    def _save(self, header: ArtifactHeader, size: int, now: datetime) -> None:
        with self._store.write() as connection:
            evidence.save(
                connection,
                sha256=header.sha256,
                size=size,
                kind=header.kind,
                run_id=header.run_id,
                location=header.location,
                at=now,
            )
        if self.path(header.sha256) is None:
            raise HubError(503, "an older copy of this evidence was swept at this very moment; send it again")

    def note_gone(self, header: ArtifactHeader, why: str, *, now: datetime) -> None:
        """The runner had to let an artifact go before it could send it. Raises HubError 403."""
        self._check_run(header)
        if self.path(header.sha256) is None:
            with self._store.write() as connection:
                evidence.note_gone(
                    connection,
                    sha256=header.sha256,
                    kind=header.kind,
                    why=" ".join(plain(why).split())[:_LONGEST_REASON],
                    run_id=header.run_id,
                    location=header.location,
                    at=now,
                )

    def _check_run(self, header: ArtifactHeader) -> None:
        """Evidence comes ahead of its run; where the run is here already, it must be of the token's location."""
        if header.run_id is None or header.location is None:
            return
        with self._store.read() as connection:
            place = runs.location_of(connection, header.run_id)
        if place not in (None, header.location):
            raise HubError(403, f"the token is of {header.location}, and the run {header.run_id} is not")

    def make_room(self, most_bytes: int) -> int:
        """Let evidence go until the rest is within a limit, the oldest of passed runs first; how many artifacts went."""
        with self._store.write() as connection:
            gone = evidence.let_go(connection, most_bytes=most_bytes, why=STORE_WAS_FULL)
        self.remove(gone)
        return len(gone)

    def sweep(self, *, now: datetime) -> int:
        """Delete what belongs to nothing: evidence whose run never came, and files that a hub which was killed left half received,
        or received and not noted; how many files went."""
        with self._store.write() as connection:
            lost = evidence.forget_without_run(connection, stored_before=now - WAITS_FOR_RUN)
        self.remove(lost)
        return len(lost) + sum(_remove_abandoned(file, self._is_noted) for file in self._unnoted())

    def _is_noted(self, file: Path) -> bool:
        with self._store.read() as connection:
            return bool(evidence.here(connection, [file.name]))

    def _unnoted(self) -> Iterator[Path]:
        """The files that no row names."""
        yield from self._folder.glob(f"{_RECEIVING}*")
        for folder in self._folder.glob("[0-9a-f][0-9a-f]"):
            files = [file for file in folder.iterdir() if _HASH.fullmatch(file.name)]
            for begin in range(0, len(files), _AT_ONCE):
                some = files[begin : begin + _AT_ONCE]
                with self._store.read() as connection:
                    noted = evidence.here(connection, [file.name for file in some])
                yield from (file for file in some if file.name not in noted)

    def path(self, sha256: str) -> Path | None:
        """The file of an artifact, or None where there is none."""
        if not _HASH.fullmatch(sha256):
            return None
        place = self._place(sha256)
        return place if place.is_file() else None

    def remove(self, hashes: list[str]) -> None:
        """Delete files whose rows retention has deleted."""
        for sha256 in hashes:
            with suppress(FileNotFoundError):
                self._place(sha256).unlink()

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def _locked_file(folder: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_RECEIVING)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # a sweep came between its making and its lock


def _remove_abandoned(file: Path, is_noted: Callable[[Path], bool]) -> bool:
    """Delete a file that nobody is receiving. Whoever received it may have noted it before the lock was ours."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if not _lock(handle, wait=False) or is_noted(file):
            return False
        file.unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)


def _lock(handle: int, *, wait: bool = True) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Held by another, or a network's file system that knows no locks: nothing is swept there.
        return False
    return True
