"""Takes evidence in: files under the hash of their bytes, never under a name that a client chose, and never unpacked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool

from facts import Failpoint, go_on
from hub.errors import HubError
from store import Store, evidence

LARGEST = 20 * 1024 * 1024
KINDS = {"screenshot": "image/jpeg", "trace": "application/zip", "page_text": "text/plain; charset=utf-8"}
RESERVE = 256 * 1024 * 1024
"""Bytes of the disk that evidence leaves to the database."""
STORE_WAS_FULL = "let go: the store was full"
_PIECE = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}")


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _check(sha256: str, kind: str) -> None:
    if not _HASH.fullmatch(sha256):
        raise HubError(400, "the path must end in the SHA-256 of the bytes: 64 hexadecimal digits in small letters")
    if kind not in KINDS:
        raise HubError(400, f"X-Evidence-Kind: {kind!r:.40} is none of {', '.join(KINDS)}")


class Upload:
    """A file that is being received, under a name of its own until it is whole. Its methods wait for the disk."""

    def __init__(self, folder: Path, sha256: str, *, is_new: bool) -> None:
        self.sha256, self.is_new, self.size = sha256, is_new, 0
        self._digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=folder, prefix=".receiving-")
        self._part, self._file = Path(name), os.fdopen(handle, "wb")

    def write(self, content: bytes) -> None:
        """Add bytes."""
        self._digest.update(content)
        self._file.write(content)

    def finish(self, place: Path) -> None:
        """Give the file its place, on disk. Raises HubError 422 where the bytes have another hash."""
        if self._digest.hexdigest() != self.sha256:
            raise HubError(422, "the bytes have another SHA-256 than the path says; send them again")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._part.replace(place)

    def discard(self) -> None:
        """Let go of the file, and delete what did not get its place."""
        with suppress(OSError):
            self._file.close()
        with suppress(FileNotFoundError):
            self._part.unlink()


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
        folder.mkdir(parents=True, exist_ok=True)

    async def keep(
        self, sha256: str, kind: str, chunks: AsyncIterator[bytes], *, run_id: str | None = None, now: datetime
    ) -> bool:
        """Store an artifact; False where it was here already.

        Raises:
            HubError: 400 no such hash or kind, 413 over 20 MiB, 422 the bytes have another hash, 507 the disk is nearly full
                or fails.
        """
        _check(sha256, kind)
        try:
            upload = await run_in_threadpool(self._begin, sha256)
            try:
                await _receive(upload, chunks)
                return await run_in_threadpool(self._finish, upload, kind, run_id, now)
            finally:
                # Also for a request that is cancelled.
                with CancelScope(shield=True):
                    await run_in_threadpool(upload.discard)
        except OSError as error:
            what = f"the hub's evidence folder cannot be written ({error.strerror})"
            raise HubError(507, f"{what}; results are taken, evidence has to wait") from error

    def _begin(self, sha256: str) -> Upload:
        there = self.path(sha256) is not None
        # Where somebody deleted the folder, what comes from now on is kept all the same.
        self._place(sha256).parent.mkdir(parents=True, exist_ok=True)
        if self._free(self._folder) < RESERVE + LARGEST:
            raise HubError(507, "the hub's disk is nearly full; results are taken, evidence has to wait")
        return Upload(self._folder, sha256, is_new=not there)

    def _finish(self, upload: Upload, kind: str, run_id: str | None, now: datetime) -> bool:
        upload.finish(self._place(upload.sha256))
        self._at("evidence.stored")
        with self._store.write() as connection:
            evidence.save(connection, sha256=upload.sha256, size=upload.size, kind=kind, run_id=run_id, at=now)
        return upload.is_new

    def note_gone(self, sha256: str, kind: str, why: str, *, run_id: str | None = None, now: datetime) -> None:
        """The runner had to let an artifact go before it could send it. Raises HubError."""
        _check(sha256, kind)
        if self.path(sha256) is None:
            with self._store.write() as connection:
                evidence.note_gone(connection, sha256=sha256, kind=kind, why=why[:200], run_id=run_id, at=now)

    def make_room(self, most_bytes: int) -> int:
        """Let evidence go until the rest is within a limit, the oldest of passed runs first; how many artifacts went."""
        with self._store.write() as connection:
            gone = evidence.let_go(connection, most_bytes=most_bytes, why=STORE_WAS_FULL)
        self.remove(gone)
        return len(gone)

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
