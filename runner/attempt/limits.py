"""Limits what one attempt, its browser included, may use of this machine, and explains which code used more."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facts import Blame, Status
from runner.attempt.process_tree import Process, own_share

MEMORY_MB = 2048
"""The memory limit in MB; a purchase takes 300 to 550."""
DISK_MB = 1024
"""The limit of the attempt's temporary folder in MB; a purchase takes 20 to 40."""
TOLD_MB = 64
"""The limit of all events of an attempt in MB; a purchase sends a tenth of one."""
LINE_MB = 8
"""The limit of a single event in MB."""

_MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Holds why an attempt had to be ended: its status, its blame, the cause as part of a sentence, and the code location."""

    status: Status
    blame: Blame
    cause: str
    where: str | None = None


def too_much_memory(
    attempt: int,
    members: Sequence[Process],
    *,
    limit_mb: int = MEMORY_MB,
    share: Callable[[Process], int] = own_share,
) -> Finding | None:
    """Return a finding if the attempt and all processes below it use more memory than allowed, with the one to blame; else None."""
    limit = limit_mb * _MB
    if sum(p.resident for p in members) <= limit:  # an upper bound: shared pages count more than once
        return None
    shares = {p.pid: share(p) for p in members}
    used = sum(shares.values())
    if used <= limit:
        return None
    biggest = max(members, key=lambda p: shares[p.pid])
    size = f"{limit_mb} MB of memory"
    held = f"{biggest.name} alone held {shares[biggest.pid] // _MB} MB"
    if biggest.pid == attempt:
        cause = f"the journey's own code used more than {size} ({held})"
        return Finding(status=Status.FAILED, blame=Blame.JOURNEY, cause=cause)
    if is_driver(biggest):
        cause = f"the browser's driver used more than {size} ({held})"
        return Finding(status=Status.ERRORED, blame=Blame.RUNNER, cause=cause)
    return Finding(status=Status.FAILED, blame=Blame.SITE, cause=f"the page used more than {size} ({held})")


def too_much_disk(folder: Path, *, limit_mb: int = DISK_MB) -> Finding | None:
    """Return a finding if the attempt's files take more disk space than allowed, with the one to blame; else None."""
    sizes = _sizes(folder)
    if sum(sizes.values()) <= limit_mb * _MB:
        return None
    # Downloads, profile and cache come from the page, traces from the runner, and anything else from the journey.
    first = max(sizes, key=lambda name: sizes[name])
    size = f"{limit_mb} MB of disk"
    if first == "traces" or first.endswith(".zip"):
        cause = f"the trace took more than {size}"
        return Finding(status=Status.ERRORED, blame=Blame.RUNNER, cause=cause)
    if first == "browser":
        cause = f"the page put more than {size} into the browser's own files and downloads"
        return Finding(status=Status.FAILED, blame=Blame.SITE, cause=cause)
    cause = f"the journey's own code put more than {size} into temporary files ({first})"
    return Finding(status=Status.FAILED, blame=Blame.JOURNEY, cause=cause)


def told_too_much() -> Finding:
    """Return the finding for an attempt that floods the supervisor; only code in the attempt's own process can do that."""
    cause = f"the journey's own code said more than {TOLD_MB} MB about itself"
    return Finding(status=Status.FAILED, blame=Blame.JOURNEY, cause=cause)


def is_driver(process: Process) -> bool:
    """Return whether a process is Playwright's driver, which is a Node.js process."""
    return process.name.startswith(("node", "MainThread"))


def _sizes(folder: Path) -> dict[str, int]:
    """Return the used bytes by origin: `browser`, `traces`, or the name of any other file or folder."""
    sizes: dict[str, int] = {}
    for top, _, files in os.walk(folder):
        inside = Path(top).relative_to(folder).parts
        whose = _whose(inside) if inside else None
        for name in files:
            with suppress(OSError):  # a file may vanish during the check
                # Allocated blocks are counted, not the length: a sparse file takes no space.
                taken = os.lstat(Path(top) / name).st_blocks * 512
                sizes[whose or name] = sizes.get(whose or name, 0) + taken
    return sizes


def _whose(inside: tuple[str, ...]) -> str:
    if "traces" in inside or inside[0].startswith("playwright-transform"):
        return "traces"
    chromium = inside[0].startswith(("playwright", "org.chromium", ".org.chromium", "com.google"))
    return "browser" if chromium else inside[0]
