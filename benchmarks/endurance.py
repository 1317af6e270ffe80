"""Whether one runner leaves anything behind: so many runs, then its memory, processes, temporary folders and descriptors.

First stubs, fast: ten journeys every two seconds on one runner. Then, with `--short`, runs in a real browser that look at two
pages of the demo shop, and with `--real` whole runs of ga_purchase there, one after the other, each on a runner of its own. Looks are
taken between runs; prints the slope of memory over the later two thirds of the runs (the first third still fills caches), and
what is there once the runner is stopped that was not there before. Ctrl-C ends it early.

    .venv/bin/python -P benchmarks/endurance.py [--stubs 500] [--short 500] [--real 15]
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil

from benchmarks.cost_of_a_run import a_shop
from benchmarks.lateness import Stub, a_hub
from facts import Run, Status
from journeys.browser import sandbox_wanted
from runner.attempt.job import Job
from runner.attempt.start import StartedRun
from runner.service import RunHandle, Runner, RunnerSettings

MIB = 2**20
LOOK_AROUND = """
from journeys.visit import Visit, journey


@journey(title="A guest looks at the prices", steps=("open_shop", "see_prices"), deadline_s=30)
def look_around(visit: Visit) -> None:
    with visit.step("open_shop"):
        visit.go(visit.site.url("/"))
    with visit.step("see_prices"):
        visit.go(visit.site.url("/pricing"))
        visit.see(visit.page.get_by_role("heading").first)
"""
LEAST_GROWTH_KIB = 8.0
"""A slope of less than this a run is the noise of the allocator: 500 runs would be 4 MiB."""


@dataclass(frozen=True)
class Look:
    """What the runner holds after so many runs."""

    runs: int
    memory_mib: float
    processes: int
    folders: int
    descriptors: int
    threads: int


class Counted:
    """A run under way that is counted when it is over. Whatever it walked, it is the record of the plan's journey."""

    def __init__(self, making: RunHandle, journey: str, over: Callable[[Run], None]) -> None:
        self._making, self._journey, self._over = making, journey, over

    def wait(self) -> Run:
        run = replace(self._making.wait(), journey=self._journey)
        self._over(run)
        return run

    def stop(self) -> None:
        self._making.stop()


def watch(
    wanted: int,
    every: int,
    folder: Path,
    settings: RunnerSettings,
    *,
    client: httpx.Client,
    make: Callable[[Job], RunHandle],
) -> tuple[list[Look], dict[str, int]]:
    """Looks at a runner until it has made so many runs, and how these ended."""
    statuses: dict[str, int] = {}
    lock = threading.Lock()

    def over(run: Run) -> None:
        with lock:
            statuses[run.status] = statuses.get(run.status, 0) + 1
        if run.error:
            print(f"  {run.status}: {run.error}", file=sys.stderr)

    runner = Runner(settings, make=lambda job: Counted(make(job), job.journey, over), client=client)
    runner.start()
    looks: list[Look] = []
    with suppress(KeyboardInterrupt):
        while (done := sum(statuses.values())) < wanted:
            if done >= len(looks) * every:
                looks.append(look(done, folder))
            time.sleep(0.05)
    runner.stop()
    looks.append(look(sum(statuses.values()), folder))
    return looks, statuses


def look(runs: int, folder: Path) -> Look:
    own = psutil.Process()
    return Look(
        runs=runs,
        memory_mib=own.memory_full_info().uss / MIB,
        processes=len(own.children(recursive=True)),
        folders=sum(1 for path in folder.rglob("*") if path.is_dir()),
        descriptors=own.num_fds(),
        threads=own.num_threads(),
    )


def slope_kib(looks: list[Look]) -> float:
    """KiB a run, by least squares over the later two thirds."""
    late = looks[len(looks) // 3 : -1] or looks
    mean_x = sum(one.runs for one in late) / len(late)
    mean_y = sum(one.memory_mib for one in late) / len(late)
    spread = sum((one.runs - mean_x) ** 2 for one in late)
    together = sum((one.runs - mean_x) * (one.memory_mib - mean_y) for one in late)
    return 1024 * together / spread if spread else 0.0


def report(name: str, looks: list[Look], statuses: dict[str, int], before: Look) -> bool:
    last, slope = looks[-1], slope_kib(looks)
    print(f"{name}: {last.runs} runs ({', '.join(f'{n} {status}' for status, n in statuses.items())})")
    step = max(1, len(looks) // 10)
    print("  memory MiB after runs: " + ", ".join(f"{one.runs}: {one.memory_mib:.1f}" for one in looks[::step]))
    print(f"  slope {slope:+.2f} KiB a run, {slope * 500 / 1024:+.1f} MiB in 500 (load {os.getloadavg()[0]:.1f})")
    left = {
        "processes": last.processes - before.processes,
        "folders": last.folders - before.folders,
        "descriptors": last.descriptors - before.descriptors,
        "threads": last.threads - before.threads,
    }
    print("  left behind once it is stopped: " + ", ".join(f"{kind} {count}" for kind, count in left.items()))
    return (
        set(statuses) == {Status.PASSED} and slope < LEAST_GROWTH_KIB and not any(count > 0 for count in left.values())
    )


def stubs(wanted: int, folder: Path) -> bool:
    before = look(0, folder)
    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder / "stubs", max_parallel=10)
    client = httpx.Client(transport=a_hub(10, 2))
    looks, statuses = watch(wanted, 25, folder, settings, client=client, make=lambda job: Stub(job, []))
    return report("stubs", looks, statuses, before_with(before, settings.folder))


def real(name: str, wanted: int, folder: Path, url: str, *, period_s: int, walk: Callable[[Job], Job]) -> bool:
    before = look(0, folder)
    settings = RunnerSettings(
        location="us-east",
        hub_url="http://hub.test",
        folder=folder / name,
        base_url=url,
        chromium=os.environ.get("SIXFB_CHROMIUM"),
        sandbox=sandbox_wanted(),
        max_parallel=1,
    )
    client = httpx.Client(transport=a_hub(1, period_s))
    every = max(1, wanted // 50)
    looks, statuses = watch(wanted, every, folder, settings, client=client, make=lambda job: StartedRun(walk(job)))
    return report(name, looks, statuses, before_with(before, settings.folder))


def a_purchase(job: Job) -> Job:
    site = replace(job.site, cities={"Dallas": "dallas-jan-2026"})
    return replace(job, journey="ga_purchase", site=site, confirm=False)


def looks_around(folder: Path) -> Callable[[Job], Job]:
    """Makes a job one of a short journey, which is written into a folder."""
    folder.mkdir()
    (folder / "look_around.py").write_text(LOOK_AROUND, encoding="utf-8")
    return lambda job: replace(job, journey="look_around", journeys_dir=str(folder), confirm=False)


def before_with(before: Look, folder: Path) -> Look:
    """The same with the folders that a runner keeps for good: its own, and those in it."""
    kept = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    return replace(before, folders=before.folders + len(kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stubs", type=int, default=500)
    parser.add_argument("--short", type=int, default=0)
    parser.add_argument("--real", type=int, default=0)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    well = True
    with tempfile.TemporaryDirectory(prefix="e-", dir="/tmp") as text:
        folder = Path(text)
        os.environ["TMPDIR"] = text  # nobody else's temporary folders are counted
        tempfile.tempdir = text
        if asked.stubs:
            well &= stubs(asked.stubs, folder)
        if asked.short:
            walk = looks_around(folder / "journeys")
            with a_shop() as url:
                well &= real("short runs", asked.short, folder, url, period_s=2, walk=walk)
        if asked.real:
            with a_shop() as url:
                well &= real("whole runs", asked.real, folder, url, period_s=12, walk=a_purchase)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
