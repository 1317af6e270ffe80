"""Evidence on its way from a run's own folder into the store, where every file is named by its content."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from facts import Evidence
from runner.scrub import Scrubber

_ENDINGS = {"screenshot": "jpg", "trace": "zip", "page_text": "txt"}
_AT_MOST = 20 * 1024 * 1024


def keep(kind: str, file: Path, *, attempt: int, store: Path, scrubber: Scrubber) -> Evidence:
    """Scan a file, and put it into the store under the hash of its content.

    A secret in text is masked; anything else that holds one, or is over 20 MiB, is dropped and says so.
    """
    masked = 0
    if kind == "page_text":
        text, masked = scrubber.mask(file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")
    elif scrubber.holds_secret(file):
        return Evidence(kind=kind, sha256=None, path=None, attempt=attempt, masked=1, note="dropped: it held a secret")
    size = file.stat().st_size
    if size > _AT_MOST:
        return Evidence(kind=kind, sha256=None, path=None, attempt=attempt, note=f"dropped: {size} bytes are too many")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    name = f"{digest}.{_ENDINGS[kind]}"
    _place(file, store / name)
    return Evidence(kind=kind, sha256=digest, path=name, attempt=attempt, bytes=size, masked=masked)


def _place(file: Path, target: Path) -> None:
    """Whole or not at all: another process may be writing the same content, or reading it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(file, part)
    part.replace(target)
