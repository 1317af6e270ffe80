"""Moves evidence from a run's own folder into the store, where every file is named by the hash of its content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from facts import Evidence, from_wire, to_wire
from process.private_files import private_folder
from redact import Scrubber, UnmaskableError

ENDINGS = {"screenshot": "jpg", "trace": "zip", "page_text": "txt"}
AT_MOST = 20 * 1024 * 1024
RESERVE = 64 * 1024 * 1024
"""The number of bytes of disk space that evidence leaves free, because results need them more."""

_LISTS = "kept"


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def keep(
    kind: str,
    file: Path,
    *,
    attempt: int,
    store: Path,
    scrubber: Scrubber,
    covered: int = 0,
    free: Callable[[Path], int] = _free,
) -> Evidence:
    """Scan a file for secrets, and put it into the store under the SHA-256 of its content.

    A secret in text or in a trace is masked. Any other file that holds one, and any file over 20 MiB, is dropped with a
    note; so is every file if the disk is nearly full. `covered` is the number of secrets that were covered in the file
    before.
    """
    fact = Evidence(kind=kind, sha256=None, path=None, attempt=attempt)
    try:
        private_folder(store)
        size = file.stat().st_size
        if size > AT_MOST:
            return replace(fact, note=f"dropped: {size} bytes are too many")
        if free(store) < RESERVE + size:
            return replace(fact, note="not kept: the disk is nearly full")
        masked, note = _scan(kind, file, scrubber)
        return _put(replace(fact, masked=masked + covered, note=note), file, store)
    except UnmaskableError as error:
        return replace(fact, masked=1, note=f"dropped: {error}")
    except OSError as error:
        return replace(fact, note=f"not kept: {error.strerror}")


def _scan(kind: str, file: Path, scrubber: Scrubber) -> tuple[int, str | None]:
    """Mask the secrets of a file, and return how many there were and a note for the reader. Raises UnmaskableError, OSError."""
    if kind == "trace":
        # Imported here, because it imports Playwright, which takes half a second that a run without a trace need not spend.
        from runner.attempt.trace_archive import clean

        cleaned = clean(file, scrubber)
        dropped = f"{cleaned.frames} frames were dropped: they may show a secret" if cleaned.frames else None
        return cleaned.masked, dropped
    if kind == "page_text":
        text, masked = scrubber.mask(file.read_text(encoding="utf-8", errors="replace"))
        file.write_text(text, encoding="utf-8")
        return masked, None
    with file.open("rb") as stream:
        if scrubber.finds_in(stream):
            raise UnmaskableError("it held a secret")
    return 0, None


def _put(fact: Evidence, file: Path, store: Path) -> Evidence:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    name = f"{digest}.{ENDINGS[fact.kind]}"
    _place(file, store / name)
    return replace(fact, sha256=digest, path=name, bytes=file.stat().st_size)


def _place(file: Path, target: Path) -> None:
    """Copy a file in one atomic step: another process may be writing the same content, or reading it."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(file, part)
        part.replace(target)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


# Until a run's record is safe, a list beside the files names the evidence it has kept, one line each. A run that is
# killed with SIGKILL reports nothing, and this list is the only sign of how far it came.


def enlist(run_id: str, fact: Evidence, *, store: Path) -> None:
    """Add a kept file to the run's list. Errors of the disk are ignored."""
    folder = store / _LISTS
    with suppress(OSError):
        private_folder(folder)
        with (folder / f"{run_id}.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(to_wire(fact)) + "\n")


def enlisted(run_id: str, *, store: Path) -> tuple[Evidence, ...]:
    """Return the evidence that a run kept before it was lost, without files that are incomplete."""
    try:
        lines = (store / _LISTS / f"{run_id}.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    found = [fact for fact in map(_read, lines) if fact is not None]
    return tuple(fact for fact in found if fact.path is None or _is_whole(store / fact.path, fact.sha256))


def delist(run_id: str, *, store: Path) -> None:
    """Delete the run's list, because its record is safe and names the evidence itself."""
    with suppress(OSError):
        (store / _LISTS / f"{run_id}.jsonl").unlink()


def _read(line: str) -> Evidence | None:
    try:
        return from_wire(Evidence, json.loads(line))
    except ValueError:
        return None  # the process was killed while it wrote the line


def _is_whole(file: Path, sha256: str | None) -> bool:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except OSError:
        return False
