"""Starts a run from any program: a supervisor in a process of its own, which sends events and, at its end, the record."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from facts import Blame, Evidence, Run, Status, from_wire, to_wire
from redact import Scrubber
from runner.attempt.evidence import delist
from runner.attempt.job import Job
from runner.attempt.orphans import sweep, temporary
from runner.ledger.ledger import Ledger

OnEvent = Callable[[str, dict[str, Any]], None]
_STOPS_WITHIN_S = 10
_FROZEN_AFTER_S = 600.0
"""The time limit of a supervisor in seconds.

A supervisor has much shorter deadlines itself; one that still runs after this time has been stopped or hangs.
"""


def make_run(job: Job, on_event: OnEvent | None = None) -> Run:
    """Make one run and return its record, whatever its outcome.

    `on_event` is called with the name and the data of each event: `attempt_started`, `step_started`, `step_ended`,
    `attempt_ended`, `evidence`, `confirming`, `not_confirmed`. An interrupt (Ctrl-C) ends the run and all its processes
    before it is raised again.
    """
    run = StartedRun(job).wait(on_event)
    delist(job.run_id, store=Path(job.evidence))
    return run


class StartedRun:
    """A run that has been started. Call `wait` once for its record; `stop` is thread-safe."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._started_at, self._began = datetime.now(UTC), time.monotonic()
        self._kept: list[Evidence] = []
        # Its own session: Ctrl-C at a terminal reaches only this process, which then ends the run cleanly.
        self._supervisor = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.attempt.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def wait(self, on_event: OnEvent | None = None) -> Run:
        """Wait for the run and return its record; `errored` with an explanation if it was stopped or its supervisor died."""
        last_resort = threading.Timer(_FROZEN_AFTER_S, self._supervisor.kill)
        last_resort.daemon = True
        if not self._job.unhurried:
            last_resort.start()
        try:
            return self._listen(on_event or (lambda _event, _data: None)) or self._lost()
        finally:
            last_resort.cancel()
            self._end()

    def stop(self) -> None:
        """End the run and all its processes; `wait` then returns."""
        if self._supervisor.poll() is None:
            self._supervisor.terminate()

    def _listen(self, on_event: OnEvent) -> Run | None:
        supervisor = self._supervisor
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            supervisor.stdin.write(json.dumps(to_wire(self._job)).encode())
            supervisor.stdin.close()
        for line in supervisor.stdout:
            data = json.loads(line)
            event = data.pop("event")
            if event == "run":
                return from_wire(Run, data["run"])
            if event == "evidence":
                self._kept.append(from_wire(Evidence, data["evidence"]))
            on_event(event, data)
        return None

    def _lost(self) -> Run:
        """Return the record of a run whose supervisor died: errored, with the runner to blame."""
        assert self._supervisor.stderr is not None
        said = self._supervisor.stderr.read().decode(errors="replace").strip().splitlines()
        code = self._supervisor.wait()
        sweep(Path(self._job.scratch or temporary()), of=self._supervisor.pid)
        job = self._job
        killed = f" ({signal.Signals(-code).name})" if code < 0 else ""
        last_words = Scrubber(job.secrets).mask(said[-1])[0] if said else ""
        return Run(
            id=job.run_id,
            journey=job.journey,
            location=job.location,
            slot=job.slot,
            status=Status.ERRORED,
            blame=Blame.RUNNER,
            error=f"the run's supervisor ended with {code}{killed}" + (f": {last_words[:300]}" if said else ""),
            started_at=self._started_at,
            finished_at=self._started_at + timedelta(seconds=time.monotonic() - self._began),
            site=job.site.shown_url,
            browser="unknown",
            plan=job.plan_hash,
            evidence=tuple(self._kept),
        )

    def _end(self) -> None:
        supervisor = self._supervisor
        self.stop()
        try:
            supervisor.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
        for pipe in (supervisor.stdin, supervisor.stdout, supervisor.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._release()

    def _release(self) -> None:
        """Release the run's ledger entries for the cleaner: whatever its outcome, the run buys nothing more."""
        if self._job.ledger is None:
            return
        try:
            ledger = Ledger(Path(self._job.ledger))
            ledger.release(self._job.run_id, datetime.now(UTC))
            ledger.close()
        except sqlite3.Error as error:  # the run's hold on its entries expires by itself
            from process.logs import get_logger  # its import takes a quarter of a second that no run needs

            get_logger("sixfb.runner").warning("ledger_unwritable", ledger=self._job.ledger, error=str(error))
