"""How step times stretch with one, two and three runs at once: whole runs of ga_purchase, everything recorded.

Rounds are in turns, on one shop. Prints for each number of runs at once: a run's step times and its whole length (medians over
all its runs), what they are to one run alone, and finished runs a minute.

    .venv/bin/python -P benchmarks/concurrency.py [--rounds 3] [--most 3]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.cost_of_a_run import a_shop
from facts import Run, Status
from journeys.browser import sandbox_wanted
from journeys.site import Site
from runner.attempt.job import Job, new_run_id
from runner.attempt.start import StartedRun


@dataclass
class AtOnce:
    """What so many runs at once came to: seconds."""

    steps: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=3)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = {count: AtOnce() for count in range(1, asked.most + 1)}
    with suppress(KeyboardInterrupt), a_shop() as url, tempfile.TemporaryDirectory() as folder:
        made(url, folder, 1)  # the first pays for cold files
        for number in range(asked.rounds):
            for count, came_to in found.items():
                began = time.monotonic()
                runs = made(url, folder, count)
                came_to.rounds.append(time.monotonic() - began)
                came_to.steps += [sum(s.duration_ms or 0 for s in run.steps) / 1000 for run in runs]
                came_to.whole += [(run.finished_at - run.started_at).total_seconds() for run in runs]
            print(f"round {number + 1} of {asked.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    report(found)


def made(url: str, folder: str, count: int) -> list[Run]:
    """So many runs, started together; all of them must have passed."""
    started = [StartedRun(a_job(url, folder)) for _ in range(count)]
    runs = [one.wait() for one in started]
    bad = [f"{run.status}: {run.error}" for run in runs if run.status is not Status.PASSED]
    if bad:
        raise SystemExit(f"{count} at once: {'; '.join(bad)}")
    return runs


def a_job(url: str, folder: str) -> Job:
    return Job(
        run_id=new_run_id("ga_purchase", "local", datetime.now(UTC)),
        journey="ga_purchase",
        location="local",
        site=Site(base_url=url, cities={"Dallas": "dallas-jan-2026"}),
        evidence=folder,
        chromium=os.environ.get("SIXFB_CHROMIUM"),
        sandbox=sandbox_wanted(),
        confirm=False,
    )


def report(found: dict[int, AtOnce]) -> None:
    alone = found[1]
    print(f"{os.cpu_count()} cores\n{'at once':10}{'steps':>18}{'whole run':>18}{'runs a minute':>16}")
    for count, came_to in found.items():
        if not came_to.steps:  # it was ended early
            continue
        line = f"{count:<10}"
        for of, reference in ((came_to.steps, alone.steps), (came_to.whole, alone.whole)):
            median = statistics.median(of)
            line += f"{median:>10.2f} {median / statistics.median(reference):>5.2f} x"
        print(f"{line}{60 * count / statistics.median(came_to.rounds):>16.1f}")


if __name__ == "__main__":
    main()
