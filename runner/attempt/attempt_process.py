"""Starts the process of one attempt, receives its events, enforces its deadlines, and makes sure that it has ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from facts import to_wire
from runner.attempt.attempt_events import AttemptEvents
from runner.attempt.attempt_pipes import AttemptPipes
from runner.attempt.descendants import die_with_parent
from runner.attempt.environment import bare_environment
from runner.attempt.hang import ASK, explain_hang
from runner.attempt.job import Job, Order
from runner.attempt.observation import AttemptObservation
from runner.attempt.process_watch import Watch

LAUNCH_S = 30.0
"""The time limit for starting a browser, in seconds."""
EVIDENCE_S = 20.0
"""The time limit for taking evidence after the journey has ended, in seconds."""

_LOOK_EVERY_S = 0.5
_ANSWERS_WITHIN_S = 2.0
_DIES_WITHIN_S = 1.0


class AttemptProcess:
    """Controls the attempts of a job.

    `look_up` is called regularly while an attempt runs, and raises if the run is no longer wanted.
    """

    def __init__(self, job: Job, events: AttemptEvents, *, look_up: Callable[[], None]) -> None:
        self._job, self._events, self._look_up = job, events, look_up

    def mind(self, observation: AttemptObservation, *, traced: bool) -> None:
        """Start the attempt and receive its events until it is done, dies, or must be ended.

        If it must be ended, `observation.finding` holds the reason.
        """
        (facts, told_to), (errors, printed_to) = os.pipe(), os.pipe()
        order = Order(
            job=self._job, number=observation.number, traced=traced, folder=str(observation.folder), facts_fd=told_to
        )
        # The order holds secrets, so it travels through standard input, never through arguments or the environment.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.attempt.walk"],
            stdin=subprocess.PIPE,
            stdout=printed_to,
            stderr=printed_to,
            pass_fds=(told_to,),
            env=bare_environment(observation.folder),
            preexec_fn=die_with_parent,
        )
        os.close(told_to)
        os.close(printed_to)
        pipes = AttemptPipes(facts, errors)
        try:
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(to_wire(order)).encode() + b"\n")
                child.stdin.flush()
            self._listen(pipes, observation, Watch(child.pid, observation.folder, memory_mb=self._job.memory_mb), child)
        finally:
            self._end(child, pipes, observation)

    def _end(self, child: subprocess.Popen[bytes], pipes: AttemptPipes, observation: AttemptObservation) -> None:
        """Make sure that the attempt's own process has ended, and keep its exit code and last printed line."""
        if pipes.closed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                observation.exit_code = child.wait(_DIES_WITHIN_S)
        child.kill()
        child.wait()
        pipes.drain()
        pipes.close()
        observation.last_words = self._events.masked(pipes.last_words)
        if pipes.left_out:
            self._events.note(
                observation,
                f"{pipes.left_out} things that the attempt told were too long or garbled, and were left out",
            )
        with contextlib.suppress(BrokenPipeError):
            assert child.stdin is not None
            child.stdin.close()

    def _listen(
        self, pipes: AttemptPipes, observation: AttemptObservation, watch: Watch, child: subprocess.Popen[bytes]
    ) -> None:
        started = looked = time.monotonic()
        while True:
            now = time.monotonic()
            left = self._deadline(observation, started) - now
            if left <= 0:
                self._ask(pipes, observation, child)
                if observation.attempt is None:
                    observation.finding = explain_hang(watch.last_look(observation.place, observation.pending))
                else:  # it completed its walk while it was being asked
                    observation.page_never_rested = watch.page_never_rested()
                return
            walking = observation.attempt is None
            for line in pipes.listen(min(left, _LOOK_EVERY_S)):
                self._events.take(line, observation)
            if walking and observation.attempt is not None:
                observation.page_never_rested = watch.page_never_rested()
            if observation.done or observation.unable or pipes.closed:
                return
            if now - looked >= _LOOK_EVERY_S:
                looked = now
                self._look_up()
                observation.finding = watch.check(flooded=pipes.flooded)
                if observation.finding:
                    self._ask(pipes, observation, child)
                    return

    def _ask(self, pipes: AttemptPipes, observation: AttemptObservation, child: subprocess.Popen[bytes]) -> None:
        """Ask an attempt that is about to be ended for its location and its observations, and wait up to two seconds for the answer."""
        assert child.stdin is not None
        try:
            child.stdin.write(ASK)
            child.stdin.flush()
        except OSError:
            return
        ends = time.monotonic() + _ANSWERS_WITHIN_S
        while observation.place is None and not pipes.closed and (left := ends - time.monotonic()) > 0:
            for line in pipes.listen(left):
                self._events.take(line, observation)

    def _deadline(self, observation: AttemptObservation, started: float) -> float:
        """Return the deadline of the current phase, in seconds of the monotonic clock."""
        if self._job.unhurried:
            return float("inf")
        if observation.attempt is not None:
            return observation.step_since + EVIDENCE_S
        if observation.began is None:
            return started + LAUNCH_S
        grace, course = self._job.grace_s, self._events.course
        whole = observation.began + course.deadline_s + observation.waited_s + grace
        return min(whole, observation.step_since + course.step_s + grace) if observation.step else whole
