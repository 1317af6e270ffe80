"""Stores evidence: files named by the hash of their bytes, never by a client's choice, and never unpacked."""

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
"""The number of bytes of disk space that evidence leaves free for the database."""
STORE_WAS_FULL = "let go: the store was full"
WAITS_FOR_RUN = timedelta(days=2)
"""How long evidence is kept whose run has not arrived; its runner may be disconnected."""
_LONGEST_REASON = 200
_HASH = re.compile(r"[0-9a-f]{64}")
_RECEIVING = ".receiving-"
_PIECE = 1 << 20
_AT_ONCE = 500


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactHeader:
    """Holds what a runner states about an artifact. `location` is the location of its token, None if none was required.

    Raises:
        HubError: 400 the hash, kind or run id is not valid.
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
    """A file that is being received, under a temporary name until it is complete. Its methods block on the disk.

    It is locked from its creation until `close`, also under its final name, so that a sweep does not delete it as an
    orphan. The lock of a hub that was killed ends with its process.
    """

    def __init__(self, folder: Path, header: ArtifactHeader, *, is_new: bool) -> None:
        self.header, self.is_new, self.size = header, is_new, 0
        self._digest = hashlib.sha256()
        handle, self._part = _locked_file(folder)
        self._file = os.fdopen(handle, "wb")

    def write(self, content: bytes) -> None:
        """Append bytes."""
        self._digest.update(content)
        self._file.write(content)

    def finish(self, place: Path) -> None:
        """Move the file to its final path, durably. Raises HubError 422 if the bytes have another hash."""
        if self._digest.hexdigest() != self.header.sha256:
            raise HubError(422, "the bytes have another SHA-256 than the path says; send them again")
        # Synced before the rename: after a power cut the final name must never hold half a file.
        self._file.flush()
        os.fsync(self._file.fileno())
        self._part.replace(place)

    def close(self) -> None:
        """Close the file, which releases its lock, and delete it if it was not finished."""
        with suppress(FileNotFoundError):
            self._part.unlink()
        with suppress(OSError):
            self._file.close()


async def _receive(upload: Upload, chunks: AsyncIterator[bytes]) -> None:
    """Receive the bytes and write them in pieces large enough to be worth a thread. Raises HubError 413."""
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
    """Manages the evidence folder of the hub."""

    def __init__(
        self, store: Store, folder: Path, *, at: Failpoint = go_on, free: Callable[[Path], int] = _free
    ) -> None:
        self._store = store
        self._free = free
        self._folder = folder
        self._at = at
        private_folder(folder)

    def disk_usage(self) -> tuple[int, int]:
        """Return the size and the free space of the evidence folder's disk, in bytes. Raises OSError if it cannot be read."""
        return shutil.disk_usage(self._folder).total, self._free(self._folder)

    async def keep(self, header: ArtifactHeader, chunks: AsyncIterator[bytes], *, now: datetime) -> bool:
        """Store an artifact; return False if it was stored already.

        Raises:
            HubError: 403 its run belongs to another location, 413 over 20 MiB, 422 the bytes have another hash, 503 it
                was swept while it arrived, 507 the disk is nearly full or fails.
        """
        try:
            upload = await run_in_threadpool(self._begin, header)
            try:
                await _receive(upload, chunks)
                return await run_in_threadpool(self._finish, upload, now)
            finally:
                # Shielded, so that it also runs for a cancelled request.
                with CancelScope(shield=True):
                    await run_in_threadpool(upload.close)
        except ConnectionError:
            raise  # the sender disconnected; the disk is fine
        except OSError as error:
            what = f"the hub's evidence folder cannot be written ({error.strerror})"
            raise HubError(507, f"{what}; results are taken, evidence has to wait") from error

    def _begin(self, header: ArtifactHeader) -> Upload:
        self._check_run(header)
        there = self.path(header.sha256) is not None
        # Created again, because the folder may have been deleted while the hub runs.
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
        """Record that a runner had to delete an artifact before it could send it. Raises HubError 403."""
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
        """Refuse evidence whose run is stored and belongs to another location than the token; evidence may arrive before its run."""
        if header.run_id is None or header.location is None:
            return
        with self._store.read() as connection:
            place = runs.location_of(connection, header.run_id)
        if place not in (None, header.location):
            raise HubError(403, f"the token is of {header.location}, and the run {header.run_id} is not")

    def make_room(self, most_bytes: int) -> int:
        """Delete evidence until the rest is at most `most_bytes`, oldest of passed runs first; return the number of artifacts."""
        with self._store.write() as connection:
            gone = evidence.let_go(connection, most_bytes=most_bytes, why=STORE_WAS_FULL)
        self.remove(gone)
        return len(gone)

    def sweep(self, *, now: datetime) -> int:
        """Delete evidence without a run and incomplete or unrecorded files of a killed hub; return the number of files."""
        with self._store.write() as connection:
            lost = evidence.forget_without_run(connection, stored_before=now - WAITS_FOR_RUN)
        self.remove(lost)
        return len(lost) + sum(_remove_abandoned(file, self._is_noted) for file in self._unnoted())

    def _is_noted(self, file: Path) -> bool:
        with self._store.read() as connection:
            return bool(evidence.here(connection, [file.name]))

    def _unnoted(self) -> Iterator[Path]:
        """Yield the files without a row in the database."""
        yield from self._folder.glob(f"{_RECEIVING}*")
        for folder in self._folder.glob("[0-9a-f][0-9a-f]"):
            files = [file for file in folder.iterdir() if _HASH.fullmatch(file.name)]
            for begin in range(0, len(files), _AT_ONCE):
                some = files[begin : begin + _AT_ONCE]
                with self._store.read() as connection:
                    noted = evidence.here(connection, [file.name for file in some])
                yield from (file for file in some if file.name not in noted)

    def path(self, sha256: str) -> Path | None:
        """Return the path of an artifact; None if it does not exist."""
        if not _HASH.fullmatch(sha256):
            return None
        place = self._place(sha256)
        return place if place.is_file() else None

    def remove(self, hashes: list[str]) -> None:
        """Delete files whose rows were deleted by retention."""
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
        os.close(handle)  # a sweep deleted it between its creation and its lock


def _remove_abandoned(file: Path, is_noted: Callable[[Path], bool]) -> bool:
    """Delete a file that no hub is receiving; return whether it was deleted.

    The row is checked after the lock is held, because the receiver may have recorded it just before.
    """
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
        # Held by another process, or a network file system without locks: nothing is swept there.
        return False
    return True
