"""Checks whether this machine has run short of a resource, so that its own problems are not blamed on others."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOM = 1 << 20
"""The number of free bytes below which a disk counts as full; a browser's profile alone needs more."""


def short_of(folder: Path) -> str | None:
    """Return what this machine is short of, as text, for the disk that the browser writes to; None if nothing is short."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    return f"this machine's disk is full: {free // 1024} KiB are free where the browser writes" if free < ROOM else None
