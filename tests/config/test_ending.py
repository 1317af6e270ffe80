"""A program that is told to end does, at whatever moment it is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

TOLD_WITH_ITS_LOCK_IN_HAND = """
import os, signal
from config.ending import listen

ending = listen()
event = ending.told if {first} else ending.again
if not {first}:
    os.kill(os.getpid(), signal.SIGTERM)
    ending.wait()
# What an event's own `wait` does before it waits: a signal may come between any two steps of it.
with event._cond:
    os.kill(os.getpid(), signal.SIGTERM)
assert event.wait(30)
print("ended well")
"""


@pytest.mark.parametrize("first", [True, False])
def test_a_signal_that_comes_just_before_the_wait_is_heard(first: bool) -> None:
    program = [sys.executable, "-P", "-c", TOLD_WITH_ITS_LOCK_IN_HAND.format(first=first)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "ended well\n", done.stderr
