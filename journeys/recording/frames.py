"""Removes the frames of a Playwright trace: pictures of what its pages showed, a few each second."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_EVENT = b'"screencast-frame"'


def frames_of(trace: bytes) -> list[str]:
    """Return the members of the zip that contain the frames of a `.trace` file."""
    found: list[str] = []
    for line in trace.splitlines():
        event = _frame(line)
        if event is not None:
            found.append(
                event.get("file") or f"resources/{event.get('sha1')}"
            )  # what Playwright calls it differs by version
    return found


def without_frames(trace: bytes) -> bytes:
    """Return the `.trace` file without its references to frames, which the viewer would look for."""
    return b"".join(line for line in trace.splitlines(keepends=True) if _frame(line) is None)


def drop_frames(file: Path) -> int:
    """Remove every frame from a trace, in place; return how many there were."""
    part = file.with_name(f"{file.name}.part")
    with zipfile.ZipFile(file) as archive:
        dropped = [name for trace in _traces(archive) for name in frames_of(archive.read(trace))]
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as target:
            for name in archive.namelist():
                if name not in dropped:
                    data = archive.read(name)
                    target.writestr(name, without_frames(data) if name.endswith(".trace") else data)
    part.replace(file)
    return len(dropped)


def _traces(archive: zipfile.ZipFile) -> Iterable[str]:
    return [name for name in archive.namelist() if name.endswith(".trace")]


def _frame(line: bytes) -> dict[str, Any] | None:
    if _EVENT not in line:
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("type") == "screencast-frame" else None
