"""Takes evidence in: files under the hash of their bytes, never under a name that a client chose, and never unpacked."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from facts import Failpoint, go_on
from hub.errors import HubError
from store import Store, evidence

LARGEST = 20 * 1024 * 1024
KINDS = {"screenshot": "image/jpeg", "trace": "application/zip", "page_text": "text/plain; charset=utf-8"}
_HASH = re.compile(r"[0-9a-f]{64}")


class Artifacts:
    """The evidence folder of the hub."""

    def __init__(self, store: Store, folder: Path, *, at: Failpoint = go_on) -> None:
        self._store = store
        self._folder = folder
        self._at = at
        folder.mkdir(parents=True, exist_ok=True)

    async def keep(self, sha256: str, kind: str, chunks: AsyncIterator[bytes], *, now: datetime) -> bool:
        """Store an artifact; False where it was here already.

        Raises:
            HubError: 400 no such hash or kind, 413 over 20 MiB, 422 the bytes have another hash.
        """
        if not _HASH.fullmatch(sha256):
            raise HubError(400, "the path must end in the SHA-256 of the bytes: 64 hexadecimal digits in small letters")
        if kind not in KINDS:
            raise HubError(400, f"X-Evidence-Kind: {kind!r:.40} is none of {', '.join(KINDS)}")
        there = self.path(sha256) is not None
        size = await self._receive(sha256, chunks)
        self._at("evidence.stored")
        with self._store.write() as connection:
            evidence.save(connection, sha256=sha256, size=size, kind=kind, at=now)
        return not there

    async def _receive(self, sha256: str, chunks: AsyncIterator[bytes]) -> int:
        digest, size = hashlib.sha256(), 0
        place = self._place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
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
