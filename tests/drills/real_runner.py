"""A runner that really buys: `python -m tests.drills.real_runner FOLDER HUB JOURNEYS`; it says `up` once it is."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from process.signals import listen
from runner.attempt.job import Job
from runner.attempt.start import StartedRun
from runner.service import Runner, RunnerSettings


def hurried(job: Job) -> StartedRun:
    """A run that is not confirmed and is ended soon."""
    return StartedRun(replace(job, confirm=False, grace_s=2.0, sandbox=False))


def main() -> None:
    folder, hub, journeys = sys.argv[1:]
    ending = listen()
    settings = RunnerSettings(
        location="us-east", hub_url=hub, folder=Path(folder), journeys_dir=journeys, look_every_s=0.5, max_parallel=1
    )
    runner = Runner(settings, make=hurried)
    runner.start()
    sys.stdout.write("up\n")
    sys.stdout.flush()
    ending.wait()
    runner.stop()


if __name__ == "__main__":
    main()
