"""A runner with runs of a tenth of a second: `python -m tests.drills.runner FOLDER HUB LOCATION [FAILPOINT NTH]`.

A General Admission ticket cannot be bought while there is a file `broken` beside FOLDER. `DRILL_RUN_S` makes a run last so
many seconds, `DRILL_AT_ONCE` is how many may run at once.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from facts import Blame, Run, Status
from process.signals import listen
from runner.attempt.job import Job
from runner.service import Runner, RunnerSettings
from tests.drills.dying import dies_at


class Stub:
    """A run that is over after a moment."""

    def __init__(self, job: Job) -> None:
        self._job, self._began = job, datetime.now(UTC)
        self._broken = Path(job.evidence).parent.parent / "broken"
        self._stopped = threading.Event()

    def wait(self) -> Run:
        """Its record."""
        if self._stopped.wait(float(os.environ.get("DRILL_RUN_S", "0.1"))):
            return self._record(Status.ERRORED, Blame.RUNNER, "it was stopped")
        if self._job.journey == "ga_purchase" and self._broken.exists():
            error = "proceed_to_stripe: POST /api/create-checkout-session answered 500"
            return self._record(Status.FAILED, Blame.SITE, error, "proceed_to_stripe")
        return self._record(Status.PASSED)

    def _record(
        self, status: Status, blame: Blame | None = None, error: str | None = None, failed_step: str | None = None
    ) -> Run:
        job = self._job
        return Run(
            id=job.run_id,
            journey=job.journey,
            location=job.location,
            slot=job.slot,
            status=status,
            blame=blame,
            failed_step=failed_step,
            error=error,
            started_at=self._began,
            finished_at=datetime.now(UTC),
            site=job.site.base_url,
            browser="stub",
            plan=job.plan_hash,
        )

    def stop(self) -> None:
        """End it."""
        self._stopped.set()


def main() -> None:
    folder, hub, location, *failing = sys.argv[1:]
    at = dies_at(failing[0], int(failing[1])) if failing else dies_at(None)
    ending = listen()
    at_once = int(os.environ.get("DRILL_AT_ONCE", "2"))
    settings = RunnerSettings(location=location, hub_url=hub, folder=Path(folder), max_parallel=at_once)
    runner = Runner(settings, at=at, make=Stub)
    runner.start()
    ending.wait()
    runner.stop()


if __name__ == "__main__":
    main()
