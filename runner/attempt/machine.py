"""What this machine has run short of, so that its own trouble is laid on nobody else."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOM = 1 << 20
"""Bytes below which a disk is full: a browser's profile alone wants more."""


def short_of(folder: Path) -> str | None:
    """What is short, in words, seen from the folder that a browser writes into; None where nothing is."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    return f"this machine's disk is full: {free // 1024} KiB are free where the browser writes" if free < ROOM else None
