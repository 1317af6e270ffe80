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

from config.private import private_folder
from facts import Failpoint, go_on
from hub.errors import HubError
from store import Store, evidence

LARGEST = 20 * 1024 * 1024
KINDS = {"screenshot": "image/jpeg", "trace": "application/zip", "page_text": "text/plain; charset=utf-8"}
RESERVE = 256 * 1024 * 1024
"""Bytes of the disk that evidence leaves to the database."""
STORE_WAS_FULL = "let go: the store was full"
_HASH = re.compile(r"[0-9a-f]{64}")


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _check(sha256: str, kind: str) -> None:
    if not _HASH.fullmatch(sha256):
        raise HubError(400, "the path must end in the SHA-256 of the bytes: 64 hexadecimal digits in small letters")
    if kind not in KINDS:
        raise HubError(400, f"X-Evidence-Kind: {kind!r:.40} is none of {', '.join(KINDS)}")


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

    async def keep(
        self, sha256: str, kind: str, chunks: AsyncIterator[bytes], *, run_id: str | None = None, now: datetime
    ) -> bool:
        """Store an artifact; False where it was here already.

        Raises:
            HubError: 400 no such hash or kind, 413 over 20 MiB, 422 the bytes have another hash, 507 the disk is nearly full.
        """
        _check(sha256, kind)
        there = self.path(sha256) is not None
        if self._free(self._folder) < RESERVE + LARGEST:
            raise HubError(507, "the hub's disk is nearly full; results are taken, evidence has to wait")
        size = await self._receive(sha256, chunks)
        self._at("evidence.stored")
        with self._store.write() as connection:
            evidence.save(connection, sha256=sha256, size=size, kind=kind, run_id=run_id, at=now)
        return not there

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

    async def _receive(self, sha256: str, chunks: AsyncIterator[bytes]) -> int:
        digest, size = hashlib.sha256(), 0
        place = self._place(sha256)
        private_folder(place.parent)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".receiving-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > LARGEST:
                        raise HubError(413, f"an artifact may have {LARGEST // 1024 // 1024} MiB")
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if digest.hexdigest() != sha256:
                raise HubError(422, "the bytes have another SHA-256 than the path says; send them again")
            Path(name).replace(place)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()
        return size

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
