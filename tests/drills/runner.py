"""A runner with runs of a tenth of a second: `python -m tests.drills.runner FOLDER HUB LOCATION [FAILPOINT NTH]`.

Its shop is broken while there is a file `broken` beside FOLDER.
"""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from facts import Blame, Run, Status
from runner.job import Job
from runner.service import Runner, RunnerSettings
from tests.drills.dying import dies_at


class Stub:
    """A run that is over after a moment."""

    def __init__(self, job: Job) -> None:
        self._job, self._began = job, datetime.now(UTC)
        self._broken = Path(job.evidence).parent.parent / "broken"

    def wait(self) -> Run:
        """Its record."""
        threading.Event().wait(0.1)
        job, failed = self._job, self._broken.exists()
        return Run(
            id=job.run_id,
            journey=job.journey,
            location=job.location,
            slot=job.slot,
            status=Status.FAILED if failed else Status.PASSED,
            blame=Blame.SITE if failed else None,
            failed_step="proceed_to_stripe" if failed else None,
            error="proceed_to_stripe: POST /api/create-checkout-session answered 500" if failed else None,
            started_at=self._began,
            finished_at=datetime.now(UTC),
            site=job.site.base_url,
            browser="stub",
            plan=job.plan_hash,
        )

    def stop(self) -> None:
        """Nothing to end."""


def main() -> None:
    folder, hub, location, *failing = sys.argv[1:]
    at = dies_at(failing[0], int(failing[1])) if failing else dies_at(None)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    runner = Runner(RunnerSettings(location=location, hub_url=hub, folder=Path(folder)), at=at, make=Stub)
    runner.start()
    told.wait()
    runner.stop()


if __name__ == "__main__":
    main()
