"""Lets a long-running program receive the request to shut down."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass

ENDS_WITH_INPUT = "SIXFB_ENDS_WITH_INPUT"
_ENDS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Ending:
    """Holds the shutdown requests: `told` is set by the first, `again` by a second, which means to stop immediately."""

    told: threading.Event
    again: threading.Event

    def wait(self) -> None:
        """Wait for the first request."""
        while not self.told.wait(3600):
            pass


def listen(*, to_input: bool = False) -> Ending:
    """Listen for SIGTERM and Ctrl-C from now on, so that a program that is told to stop while it starts also ends cleanly.

    With `to_input`, and if `SIXFB_ENDS_WITH_INPUT` is set, the end of standard input means the same; it happens when
    the parent process ends, however that happens.
    """
    ending = Ending(threading.Event(), threading.Event())
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    # A Python signal handler would not do, for two reasons. It would run in the main thread, between any two of its
    # steps: setting an event there, while that thread holds the event's lock because it is about to wait, blocks the
    # program forever. And it would run only once that thread runs: a signal that the system delivers to another thread
    # does not wake it. The byte in this pipe wakes the reading thread.
    signal.set_wakeup_fd(telling, warn_on_full_buffer=False)
    threading.Thread(target=_set_in_turn, args=(told, ending.told, ending.again), name="signals", daemon=True).start()
    for number in _ENDS:
        signal.signal(number, lambda *_: None)
    if to_input and os.environ.get(ENDS_WITH_INPUT):
        events = (ending.told, ending.again)
        threading.Thread(target=_set_at_end_of_input, args=events, name="input", daemon=True).start()
    return ending


def _set_in_turn(told: int, *events: threading.Event) -> None:
    for event in events:
        while os.read(told, 1)[0] not in _ENDS:
            pass
        event.set()


def _set_at_end_of_input(*events: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    for event in events:
        event.set()
