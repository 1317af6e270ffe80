"""Every process a run has started, however far it wandered off, and how to end it.

Chromium runs in a session of its own, so a process group does not hold it. On Linux the supervisor becomes the parent of every
orphan below it (a child subreaper), and nothing can escape; elsewhere the tree is walked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time

import psutil

# prctl(2)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GONE_WITHIN_S = 5.0


def _prctl(option: int, argument: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of everything below it whose own parent dies. Linux only; elsewhere it does nothing."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have this process signalled when its parent dies. Linux only; elsewhere it does nothing."""
    _prctl(_PR_SET_PDEATHSIG, number)


def kill_offspring() -> None:
    """Kill every process below this one and wait until all are gone, frozen ones too."""
    ends = time.monotonic() + _GONE_WITHIN_S
    while time.monotonic() < ends:
        below = psutil.Process().children(recursive=True)
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if _reap() and not below:
            return
        time.sleep(0.005)


def _reap() -> bool:
    """Collect the dead; True where no child is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
