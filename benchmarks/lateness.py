"""How late the runs of one runner start after their slots: 50 journeys with the same slots, ten seconds apart.

Runs are stubs of a tenth of a second, so that what is measured is the runner: the scheduler, the claim of each slot on disk,
the handing over. Lateness is from the slot to the moment when the run would be started. The first slot is left out.

    .venv/bin/python -P benchmarks/lateness.py [--journeys 50] [--period 10] [--seconds 120] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import httpx

from facts import Plan, PlannedJourney, Run, Status, to_wire
from journeys.site import Site
from runner.attempt.job import Job
from runner.service import Runner, RunnerSettings

LIMIT_MS = 100.0
LASTS_S = 0.1


class Stub:
    """A run that is over after a moment; it says when it was started."""

    def __init__(self, job: Job, started: list[tuple[datetime, float]]) -> None:
        self._job, self._began = job, datetime.now(UTC)
        assert job.slot is not None
        started.append((job.slot, (self._began - job.slot).total_seconds() * 1000))

    def wait(self) -> Run:
        """Its record."""
        threading.Event().wait(LASTS_S)
        job = self._job
        return Run(
            id=job.run_id,
            journey=job.journey,
            location=job.location,
            slot=job.slot,
            status=Status.PASSED,
            started_at=self._began,
            finished_at=datetime.now(UTC),
            site=job.site.base_url,
            browser="stub",
            plan=job.plan_hash,
        )

    def stop(self) -> None:
        """Nothing to end."""


def a_hub(journeys: int, period_s: int) -> httpx.MockTransport:
    """Gives the plan, and takes what comes without a network."""
    plan = Plan(
        location="us-east",
        hash="p1",
        journeys=tuple(PlannedJourney(journey=f"journey_{n:02d}", period_s=period_s) for n in range(journeys)),
        site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
    )

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/plan":
            return httpx.Response(200, json=to_wire(plan))
        if request.method == "PUT":
            return httpx.Response(201)
        if request.url.path != "/api/runs":  # slots are given to nobody else
            return httpx.Response(404)
        sent = json.loads(request.read())["runs"]
        return httpx.Response(200, json={"results": [{"id": run["id"], "result": "accepted"} for run in sent]})

    return httpx.MockTransport(answer)


def measure(journeys: int, period_s: int, seconds: float) -> list[tuple[datetime, float]]:
    """The slot and the lateness in ms of every run that was started."""
    started: list[tuple[datetime, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = RunnerSettings(
            location="us-east", hub_url="http://hub.test", folder=Path(folder), max_parallel=journeys
        )
        client = httpx.Client(transport=a_hub(journeys, period_s))
        runner = Runner(settings, make=lambda job: Stub(job, started), client=client)
        runner.start()
        time.sleep(seconds)
        runner.stop()
    return started


def percentile(values: list[float], p: float) -> float:
    """The nearest rank."""
    return sorted(values)[max(0, -(-len(values) * p // 100).__trunc__() - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journeys", type=int, default=50)
    parser.add_argument("--period", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    started = measure(asked.journeys, asked.period, asked.seconds)
    first = min(slot for slot, _ in started)
    by_slot: dict[datetime, list[float]] = defaultdict(list)
    for slot, late in started:
        if slot != first:
            by_slot[slot].append(late)
    late = [value for values in by_slot.values() for value in values]
    whole = {slot: values for slot, values in by_slot.items() if len(values) == asked.journeys}
    found = {
        "runs": len(late),
        "slots": len(by_slot),
        "slots with all journeys": len(whole),
        "p50 ms": round(statistics.median(late), 1),
        "p95 ms": round(percentile(late, 95), 1),
        "p99 ms": round(percentile(late, 99), 1),
        "longest ms": round(max(late), 1),
        "load": round(os.getloadavg()[0], 1),
    }
    for name, value in found.items():
        print(f"{name:26}{value:>10}")
    print(f"p99 limit {LIMIT_MS:.0f} ms: {'holds' if found['p99 ms'] <= LIMIT_MS else 'BROKEN'}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if found["p99 ms"] <= LIMIT_MS else 1)


if __name__ == "__main__":
    main()
