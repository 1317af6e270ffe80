"""A failpoint that ends its process as kill -9 does: nothing is closed, nothing is flushed. Or one that freezes it."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from facts import Failpoint


def dies_at(name: str | None, nth: int = 1, *, by: signal.Signals = signal.SIGKILL) -> Failpoint:
    """A failpoint that sends this process a signal at the `nth` passing of `name`; None never does."""
    passed = 0

    def at(here: str) -> None:
        nonlocal passed
        if here == name:
            passed += 1
            if passed == nth:
                # To this thread: one for the process may find another first, and this one would go on for a moment.
                signal.pthread_kill(threading.get_ident(), by)

    return at


def noted(at: Failpoint, file: Path) -> Failpoint:
    """The same failpoint, which first writes what it passes into a file, a line each."""

    def noting(here: str) -> None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{here}\n")
        at(here)

    return noting
