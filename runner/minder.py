"""Minds the process of one attempt: starts it, listens to it, keeps its deadlines, and makes sure that it is gone."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from facts import to_wire
from runner.environment import bare_environment
from runner.intake import Intake
from runner.job import Job, Order
from runner.listening import Ears
from runner.offspring import die_with_parent
from runner.seen import Seen
from runner.stuck import ASK, why
from runner.watch import Watch

LAUNCH_S = 30.0
"""What starting a browser may take."""
EVIDENCE_S = 20.0
"""What taking evidence may take once the journey is over."""

_LOOK_EVERY_S = 0.5
_ANSWERS_WITHIN_S = 2.0
_DIES_WITHIN_S = 1.0


class Minder:
    """Minds an attempt of a job; `look_up` is called while it listens, and raises where the run is not wanted any more."""

    def __init__(self, job: Job, intake: Intake, *, look_up: Callable[[], None]) -> None:
        self._job, self._intake, self._look_up = job, intake, look_up

    def mind(self, seen: Seen, *, traced: bool) -> None:
        """Start the attempt and listen until it is done, dies, or has to be ended, for which `seen.finding` is the reason."""
        (facts, told_to), (errors, printed_to) = os.pipe(), os.pipe()
        order = Order(job=self._job, number=seen.number, traced=traced, folder=str(seen.folder), facts_fd=told_to)
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.attempt"],
            stdin=subprocess.PIPE,
            stdout=printed_to,
            stderr=printed_to,
            pass_fds=(told_to,),
            env=bare_environment(seen.folder),
            preexec_fn=die_with_parent,
        )
        os.close(told_to)
        os.close(printed_to)
        ears = Ears(facts, errors)
        try:
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(to_wire(order)).encode() + b"\n")
                child.stdin.flush()
            self._listen(ears, seen, Watch(child.pid, seen.folder, memory_mb=self._job.memory_mb), child)
        finally:
            self._end(child, ears, seen)

    def _end(self, child: subprocess.Popen[bytes], ears: Ears, seen: Seen) -> None:
        """Make sure that the attempt's own process is gone, and keep how it went and its last words."""
        if ears.deaf:
            with contextlib.suppress(subprocess.TimeoutExpired):
                seen.exit_code = child.wait(_DIES_WITHIN_S)
        child.kill()
        child.wait()
        ears.drain()
        ears.close()
        seen.last_words = self._intake.masked(ears.last_words)
        if ears.left_out:
            self._intake.note(
                seen, f"{ears.left_out} things that the attempt told were too long or garbled, and were left out"
            )
        with contextlib.suppress(BrokenPipeError):
            assert child.stdin is not None
            child.stdin.close()

    def _listen(self, ears: Ears, seen: Seen, watch: Watch, child: subprocess.Popen[bytes]) -> None:
        started = looked = time.monotonic()
        while True:
            now = time.monotonic()
            left = self._deadline(seen, started) - now
            if left <= 0:
                self._ask(ears, seen, child)
                if seen.attempt is None:
                    seen.finding = why(watch.last_look(seen.place, seen.pending))
                else:  # it came to the end of its walk while it was asked
                    seen.page_never_rested = watch.page_never_rested()
                return
            walking = seen.attempt is None
            for line in ears.listen(min(left, _LOOK_EVERY_S)):
                self._intake.take(line, seen)
            if walking and seen.attempt is not None:
                seen.page_never_rested = watch.page_never_rested()
            if seen.done or seen.unable or ears.deaf:
                return
            if now - looked >= _LOOK_EVERY_S:
                looked = now
                self._look_up()
                seen.finding = watch.look(flooded=ears.flooded)
                if seen.finding:
                    self._ask(ears, seen, child)
                    return

    def _ask(self, ears: Ears, seen: Seen, child: subprocess.Popen[bytes]) -> None:
        """Ask an attempt that is about to be ended where it is and what it has seen, and give it a moment to answer."""
        assert child.stdin is not None
        try:
            child.stdin.write(ASK)
            child.stdin.flush()
        except OSError:
            return
        ends = time.monotonic() + _ANSWERS_WITHIN_S
        while seen.place is None and not ears.deaf and (left := ends - time.monotonic()) > 0:
            for line in ears.listen(left):
                self._intake.take(line, seen)

    def _deadline(self, seen: Seen, started: float) -> float:
        """When to kill, on the monotonic clock: by the phase the attempt is in."""
        if self._job.unhurried:
            return float("inf")
        if seen.attempt is not None:
            return seen.step_since + EVIDENCE_S
        if seen.began is None:
            return started + LAUNCH_S
        grace, course = self._job.grace_s, self._intake.course
        whole = seen.began + course.deadline_s + seen.waited_s + grace
        return min(whole, seen.step_since + course.step_s + grace) if seen.step else whole
