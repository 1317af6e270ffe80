"""Reads the processes below one process: their identity, state, memory, and CPU use."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Holds a living process.

    `started` is its start time in the system's own units; together with `pid` it identifies the process uniquely.
    `state` is the letter of ps(1) (`R`, `S`, `D`, `T` for stopped, ...). `resident` is its memory in bytes, shared
    pages included.
    """

    pid: int
    parent: int
    name: str
    state: str
    started: int
    resident: int

    @property
    def is_stopped(self) -> bool:
        """Whether the process is stopped, by SIGSTOP or a debugger."""
        return self.state in "Tt"


def below(root: int, among: Iterable[Process] | None = None) -> list[Process]:
    """Return all living processes below `root`, nearest first; zombies are left out."""
    known = list(processes() if among is None else among)
    found, level = [], {root}
    while level:
        next_level = [p for p in known if p.parent in level and p.pid != root]
        found += next_level
        level = {p.pid for p in next_level}
    return found


def processes() -> list[Process]:
    """Return every living process that is visible to this one."""
    if not _LINUX:
        return _by_psutil()
    # os.listdir, because thousands of Path objects would be created for nothing
    found = (process(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208
    return [p for p in found if p is not None]


def process(pid: int) -> Process | None:
    """Return one living process; None if it does not exist."""
    if not _LINUX:
        return next((p for p in _by_psutil() if p.pid == pid), None)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the name may hold spaces and parentheses
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if fields[0] in "ZX":
        return None
    return Process(
        pid=pid,
        parent=int(fields[1]),
        name=head.partition("(")[2],
        state=fields[0],
        started=int(fields[19]),
        resident=int(fields[21]) * _PAGE,
    )


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _by_psutil() -> list[Process]:
    import psutil  # needed where there is no /proc; on Linux its import would cost every run a tenth of a second

    letters = {psutil.STATUS_STOPPED: "T", psutil.STATUS_TRACING_STOP: "t", psutil.STATUS_RUNNING: "R"}
    found = []
    for p in psutil.process_iter():
        with contextlib.suppress(psutil.Error), p.oneshot():
            if p.status() == psutil.STATUS_ZOMBIE:
                continue
            found.append(
                Process(
                    pid=p.pid,
                    parent=p.ppid() or 0,
                    name=p.name(),
                    state=letters.get(p.status(), "S"),
                    started=int(p.create_time() * 100),
                    resident=p.memory_info().rss,
                )
            )
    return found


def own_share(process: Process) -> int:
    """Return the memory of a process in bytes; a shared page is divided among the processes that share it.

    If the system does not tell (another user's process, or a sandbox), only its unshared pages count.
    """
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, IndexError, ValueError):
        _, resident, shared = map(int, Path(f"/proc/{process.pid}/statm").read_text().split()[:3])
        return (resident - shared) * _PAGE
    return process.resident if not _LINUX else 0


def busy_s(pid: int) -> float | None:
    """Return for how many seconds a process's first thread has computed or waited for a core since its start; None if unknown.

    A thread that never rests counts one second per second, however busy the cores are. A page's scripts and a Python
    program both run on the first thread.
    """
    try:
        run, wait, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return None
    return (int(run) + int(wait)) / 1e9


def words_of(pid: int) -> str:
    """Return the command line of a process; "" if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def settings_of(pid: int) -> list[str]:
    """Return the environment of a process as `NAME=value`; [] if it cannot be read. Chromium's helpers overwrite theirs."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
