"""Supervises one run in a process of its own: makes the attempts, kills the remains of each, and writes the record.

The job arrives as JSON on standard input. Events leave as JSON lines on standard output; the last one is `{"event":
"run", "run": ...}`. Whatever the attempts do, there is exactly one such line.

Related files: `attempt_process.py` starts an attempt and enforces its deadlines, `attempt_events.py` receives its
events and stores them as `observation.py` defines, `judgement.py` decides how it ended, and `record.py` makes the
record.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from facts import Attempt, Blame, Run, Status, from_wire, to_wire
from runner.attempt.attempt_events import AttemptEvents, Tell
from runner.attempt.attempt_process import AttemptProcess
from runner.attempt.descendants import adopt_orphans, die_with_parent, kill_offspring
from runner.attempt.job import Job
from runner.attempt.judgement import judged, unmade
from runner.attempt.observation import AttemptObservation
from runner.attempt.orphans import make_folder, temporary
from runner.attempt.record import record
from runner.budget import counted


class Stopped(BaseException):
    """The run was told to stop."""


class Supervisor:
    """Makes one run."""

    def __init__(self, job: Job, tell: Tell) -> None:
        self._job, self._tell = job, tell
        self._events = AttemptEvents(job, tell)
        self._process = AttemptProcess(job, self._events, look_up=self._check_parent)
        self._seen: list[AttemptObservation] = []
        self._parent = os.getppid()
        self._began = time.monotonic()

    def run(self) -> Run:
        """Make the attempts and return the single record of the job."""
        started_at = datetime.now(UTC)
        attempts = self._attempts()
        return record(
            self._job,
            attempts,
            self._seen,
            course=self._events.course,
            scrubber=self._events.scrubber,
            started_at=started_at,
            # From the monotonic clock: a wall clock that is set back meanwhile must not end the run before its start.
            finished_at=started_at + timedelta(seconds=time.monotonic() - self._began),
        )

    def _attempts(self) -> list[Attempt]:
        first_began = time.monotonic()
        first = self._attempt(1, traced=self._job.trace == "on")
        if first.status not in (Status.FAILED, Status.TIMED_OUT) or not self._job.confirm:
            return [first]
        why_not = self._why_not_confirm(first, took_s=time.monotonic() - first_began)
        if why_not:
            self._tell("not_confirmed", {"reason": why_not})
            self._seen[-1].notes.append(why_not)
            return [first]
        self._tell("confirming", {"after_s": self._job.confirm_after_s, "error": first.error})
        time.sleep(self._job.confirm_after_s)
        return [first, self._attempt(2, traced=self._job.trace != "off")]

    def _why_not_confirm(self, first: Attempt, *, took_s: float) -> str | None:
        """Return the reason for skipping the confirming attempt: it would make a later slot miss. None if there is time for it."""
        job = self._job
        of_budget = job.reserve.why_not_confirm(first) if job.reserve else None
        if of_budget or job.spare_time is None:
            return of_budget
        elapsed_s = time.monotonic() - self._began
        return job.spare_time.why_not_confirm(elapsed_s=elapsed_s, took_s=took_s, pause_s=job.confirm_after_s)

    def _attempt(self, number: int, *, traced: bool) -> Attempt:
        self._tell("attempt_started", {"number": number})
        observation = AttemptObservation(number=number)
        try:
            observation.folder = make_folder(Path(self._job.scratch or temporary()))
        except OSError as error:
            reason = f"no temporary folder could be made for the browser: {error.strerror or error}"
            return unmade(observation, reason, Status.ERRORED, Blame.RUNNER, steps=self._events.course.steps)
        try:
            self._process.mind(observation, traced=traced)
            attempt = counted(judged(observation, self._job, self._events.course.steps), self._job.site.request_budget)
        # Always, also when `Stopped` was raised: a browser left over would run forever.
        finally:
            kill_offspring()
            shutil.rmtree(observation.folder, ignore_errors=True)
        self._seen.append(observation)
        self._tell("attempt_ended", {"number": number, "status": attempt.status, "error": attempt.error})
        return attempt

    def _check_parent(self) -> None:
        """Raise Stopped if the program that started this run is gone, because no one would receive the record.

        On Linux the kernel signals this sooner.
        """
        if os.getppid() != self._parent:
            raise Stopped


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def main() -> None:
    """Read the job, make the run, and print the record."""
    adopt_orphans()
    die_with_parent(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    out = sys.stdout

    def tell(event: str, data: dict[str, Any]) -> None:
        out.write(json.dumps({"event": event, **{k: to_wire(v) for k, v in data.items()}}) + "\n")
        out.flush()

    try:
        job = from_wire(Job, json.load(sys.stdin.buffer))
        tell("run", {"run": Supervisor(job, tell).run()})
    except (Stopped, BrokenPipeError):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_offspring()
        os._exit(143)


if __name__ == "__main__":
    main()
