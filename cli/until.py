"""How a program that runs for ever is told to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
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


def listen() -> Ending:
    """Heed SIGTERM and Ctrl-C from now on: a program that is told while it starts ends in good order too.

    With `SIXFB_ENDS_WITH_INPUT` the end of standard input says the same, which comes when whoever started us dies, however that
    happens.
    """
    ending = Ending(threading.Event(), threading.Event())

    def tell(_number: int, _frame: FrameType | None) -> None:
        (ending.again if ending.told.is_set() else ending.told).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    if os.environ.get(ENDS_WITH_INPUT):
        events = (ending.told, ending.again)
        threading.Thread(target=_set_at_end_of_input, args=events, name="input", daemon=True).start()
    return ending


def _set_at_end_of_input(*events: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    for event in events:
        event.set()
