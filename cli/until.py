"""How a program that runs for ever is told to end."""

from __future__ import annotations

import os
import signal
import sys
import threading

ENDS_WITH_INPUT = "SIXFB_ENDS_WITH_INPUT"


def until_told_to_stop() -> None:
    """Wait for SIGTERM or Ctrl-C; with `SIXFB_ENDS_WITH_INPUT` also for the end of standard input, which comes when whoever
    started us dies, however that happens."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: told.set())
    if os.environ.get(ENDS_WITH_INPUT):
        threading.Thread(target=_set_at_end_of_input, args=(told,), name="input", daemon=True).start()
    while not told.wait(3600):
        pass


def _set_at_end_of_input(told: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    told.set()
