"""A failpoint that ends its process as kill -9 does: nothing is closed, nothing is flushed."""

from __future__ import annotations

import os
import signal

from facts import Failpoint


def dies_at(name: str | None, nth: int = 1) -> Failpoint:
    """A failpoint that kills this process at the `nth` passing of `name`; None never does."""
    passed = 0

    def at(here: str) -> None:
        nonlocal passed
        if here == name:
            passed += 1
            if passed == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return at
