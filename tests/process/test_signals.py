"""A program that is told to end does, at whatever moment it is told, and whichever of its threads the system tells."""

from __future__ import annotations

import subprocess
import sys

import pytest

AT_THE_LAST_MOMENT = """
# What an event's own `wait` does before it waits: a signal may come between any two steps of it.
with event._cond:
    os.kill(os.getpid(), signal.SIGTERM)
"""
ANOTHER_THREAD = """
def tell():
    time.sleep(0.3)  # the main thread waits by now
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=tell).start()
"""
PROGRAM = """
import os, signal, threading, time
from process.signals import listen

ending = listen()
event = ending.told
if {again}:
    os.kill(os.getpid(), signal.SIGTERM)
    ending.wait()
    event = ending.again
{tell}
assert event.wait(30)
print("ended well")
"""


@pytest.mark.parametrize("again", [False, True], ids=["told", "told again"])
@pytest.mark.parametrize("tell", [AT_THE_LAST_MOMENT, ANOTHER_THREAD], ids=["at the last moment", "another thread"])
def test_a_signal_is_heard(tell: str, again: bool) -> None:
    program = [sys.executable, "-P", "-c", PROGRAM.format(again=again, tell=tell)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "ended well\n", done.stderr
