"""Finds and ends every process that a run has started, also detached ones.

Chromium runs in a session of its own, so a process group does not contain it. On Linux the supervisor becomes the
parent of every orphan below it (a child subreaper), so that no process can escape; on other systems the process tree is
walked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

# prctl(2)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GONE_WITHIN_S = 5.0


def _prctl(option: int, argument: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of all orphaned descendants. Linux only; elsewhere it does nothing."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel signal this process when its parent dies. Linux only; elsewhere it does nothing."""
    _prctl(_PR_SET_PDEATHSIG, number)


def kill_offspring() -> None:
    """Kill every process below this one, stopped ones included, and wait up to 5 seconds until all are gone."""
    ends = time.monotonic() + _GONE_WITHIN_S
    while time.monotonic() < ends:
        below = offspring(os.getpid())
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if _reap() and not below:
            return
        time.sleep(0.02)


def offspring(root: int) -> list[int]:
    """Return the ids of all living processes below a process; zombies are left out."""
    if sys.platform != "linux":
        import psutil  # needed where there is no /proc; on Linux its import would cost every run a tenth of a second

        return [p.pid for p in psutil.Process(root).children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
    parents = _parents()
    below = found = {root}
    while found:
        found = {pid for pid, parent in parents.items() if parent in below and pid not in below}
        below |= found
    return sorted(below - {root})


def _parents() -> dict[int, int]:
    """Return the parent of every living process, from /proc/PID/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    parents = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of Path objects would be created for nothing
        if entry.isdigit():
            with contextlib.suppress(OSError):
                state, parent = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(entry)] = int(parent)
    return parents


def _reap() -> bool:
    """Collect dead children; return True if no child is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
