"""How much one attempt may use of this machine, its browser included, and what is said where it uses more."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facts import Blame, Status
from runner.attempt.process_tree import Process, own_share

MEMORY_MB = 2048
"""Megabytes of memory; a purchase takes 300 to 550."""
DISK_MB = 1024
"""Megabytes in the attempt's temporary folder; a purchase takes 20 to 40."""
TOLD_MB = 64
"""Megabytes that an attempt may tell; a purchase tells a tenth of one."""
LINE_MB = 8
"""Megabytes that one thing it tells may have."""

_MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why an attempt had to be ended: its status, its blame, and the cause as a part of a sentence."""

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
    """Whether the attempt and everything below it hold more memory than they may, and whose doing it is."""
    limit = limit_mb * _MB
    if sum(p.resident for p in members) <= limit:  # shared pages count more than once here, so it is never less
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
    """Whether the attempt's files have grown beyond what they may, and whose doing it is."""
    sizes = _sizes(folder)
    if sum(sizes.values()) <= limit_mb * _MB:
        return None
    # Downloads, profile and cache are the page's doing; a trace is ours, and anything else is the journey's.
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
    """An attempt that floods the supervisor; nothing but code in its own process can."""
    cause = f"the journey's own code said more than {TOLD_MB} MB about itself"
    return Finding(status=Status.FAILED, blame=Blame.JOURNEY, cause=cause)


def is_driver(process: Process) -> bool:
    """Whether it is Playwright's driver, which is a node."""
    return process.name.startswith(("node", "MainThread"))


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes by whose they are: `browser`, `traces`, or the name of a file or folder that neither of them has made."""
    sizes: dict[str, int] = {}
    for top, _, files in os.walk(folder):
        inside = Path(top).relative_to(folder).parts
        whose = _whose(inside) if inside else None
        for name in files:
            with suppress(OSError):  # it may go while it is looked at
                # Blocks, not length: a sparse file takes no room.
                taken = os.lstat(Path(top) / name).st_blocks * 512
                sizes[whose or name] = sizes.get(whose or name, 0) + taken
    return sizes


def _whose(inside: tuple[str, ...]) -> str:
    if "traces" in inside or inside[0].startswith("playwright-transform"):
        return "traces"
    chromium = inside[0].startswith(("playwright", "org.chromium", ".org.chromium", "com.google"))
    return "browser" if chromium else inside[0]
