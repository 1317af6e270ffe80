"""Shrinks a result for a full disk: it loses its evidence first, then its raw requests, but is never lost itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from facts import Run


def without_evidence(run: Run, folder: Path | None) -> Run:
    """Return the run without its evidence, and delete the evidence files in `folder` to free space."""
    for item in run.evidence:
        if folder is not None and item.path is not None:
            with suppress(OSError):
                (folder / item.path).unlink()
    gone = "not kept: the disk was full"
    kept = tuple(replace(e, sha256=None, path=None, note=e.note or gone) for e in run.evidence)
    return replace(run, evidence=kept)


def bare(run: Run) -> Run:
    """Return the run without the raw requests and console lines of its attempts; their numbers stay."""
    counts = {kind: sum(len(getattr(a, kind)) for a in run.attempts) for kind in ("requests", "console")}
    attempts = tuple(replace(a, requests=(), console=()) for a in run.attempts)
    cut = {kind: run.cut.get(kind, 0) + counts.get(kind, 0) for kind in {*run.cut, *counts}}
    return replace(run, attempts=attempts, cut={kind: n for kind, n in cut.items() if n})
