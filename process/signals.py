"""How a program that runs for ever is told to end."""

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
    """What we were told: `told` once is to stop; told `again`, there is no time left."""

    told: threading.Event
    again: threading.Event

    def wait(self) -> None:
        """Wait until we are told."""
        while not self.told.wait(3600):
            pass


def listen(*, to_input: bool = False) -> Ending:
    """Heed SIGTERM and Ctrl-C from now on: a program that is told while it starts ends in good order too.

    `to_input`: where `SIXFB_ENDS_WITH_INPUT` is set, the end of standard input says the same, which comes when whoever started
    us dies, however that happens.
    """
    ending = Ending(threading.Event(), threading.Event())
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    # Not by a handler of ours, for two reasons. It would run in the main thread, between any two of its steps: an event set
    # there, while that thread holds its lock because it is about to wait, stops the program for ever. And it would run only
    # once that thread runs: a signal that the system hands to another thread does not wake it. This byte wakes a reader.
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
