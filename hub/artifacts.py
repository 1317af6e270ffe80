"""Takes evidence in: files under the hash of their bytes, never under a name that a client chose, and never unpacked."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from config.plain_text import plain
from config.private import private_folder
from facts import Failpoint, go_on
from hub.errors import HubError
from hub.fitness import ID_RULE, is_run_id
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
                as it came, 507 the disk is nearly full.
        """
        await run_in_threadpool(self._check_run, header)
        there = self.path(header.sha256) is not None
        if self._free(self._folder) < RESERVE + LARGEST:
            raise HubError(507, "the hub's disk is nearly full; results are taken, evidence has to wait")
        with _receiving(self._folder) as (handle, name):
            size = await self._receive(handle, name, header.sha256, chunks)
            self._at("evidence.stored")
            # The file is ours until its row is written: nobody takes it for an orphan meanwhile.
            await run_in_threadpool(self._save, header, size, now)
        return not there

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

    async def _receive(self, handle: int, name: Path, sha256: str, chunks: AsyncIterator[bytes]) -> int:
        digest, size = hashlib.sha256(), 0
        place = self._place(sha256)
        private_folder(place.parent)
        with os.fdopen(handle, "wb", closefd=False) as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > LARGEST:
                    raise HubError(413, f"an artifact may have {LARGEST // 1024 // 1024} MiB")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(handle)
        if digest.hexdigest() != sha256:
            raise HubError(422, "the bytes have another SHA-256 than the path says; send them again")
        name.replace(place)
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


# Whoever receives a file holds a lock on it, which ends with the process however that ends: a file that nobody holds is abandoned,
# and one that another hub receives into the same folder is not. It stays locked under its final name.


@contextmanager
def _receiving(folder: Path) -> Iterator[tuple[int, Path]]:
    """A new file to receive into, locked until the end; it is gone then unless it has another name."""
    handle, name = _locked_file(folder)
    try:
        yield handle, name
    finally:
        name.unlink(missing_ok=True)
        os.close(handle)


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
