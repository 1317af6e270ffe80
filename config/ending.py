"""How a program that runs for ever is told to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

ENDS_WITH_INPUT = "SIXFB_ENDS_WITH_INPUT"


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
    us = os.getpid()

    # The handler runs in the main thread, between any two of its steps. Set there, an event whose lock that thread holds
    # because it is about to wait would stop the program for ever; a byte in a pipe waits for nobody.
    def tell(_number: int, _frame: FrameType | None) -> None:
        if os.getpid() == us:  # not in a child that is about to be another program
            with suppress(BlockingIOError):
                os.write(telling, b".")

    threading.Thread(target=_set_in_turn, args=(told, ending.told, ending.again), name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    if to_input and os.environ.get(ENDS_WITH_INPUT):
        events = (ending.told, ending.again)
        threading.Thread(target=_set_at_end_of_input, args=events, name="input", daemon=True).start()
    return ending


def _set_in_turn(told: int, *events: threading.Event) -> None:
    for event in events:
        os.read(told, 1)
        event.set()


def _set_at_end_of_input(*events: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    for event in events:
        event.set()
