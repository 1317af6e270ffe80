"""A runner that is stopped lets a run end that is under way, for as long as it may, and loses no slot either way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from facts import Blame, Plan, PlannedJourney, Run, Status, to_wire
from journeys.site import Site
from runner.attempt.job import Job
from runner.metrics import serve
from runner.service import Runner, RunnerSettings

PLAN = Plan(
    location="us-east",
    hash="p1",
    journeys=(PlannedJourney(journey="ga_purchase", period_s=1),),
    site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
)


class RunHandle:
    """A run that ends when the test says so, or is ended."""

    begun = threading.Event()
    over = threading.Event()

    def __init__(self, job: Job) -> None:
        self._job, self._began, self._killed = job, datetime.now(UTC), False

    def wait(self) -> Run:
        self.begun.set()
        self.over.wait(30)
        job, status = self._job, Status.ERRORED if self._killed else Status.PASSED
        return Run(
            id=job.run_id,
            journey=job.journey,
            location=job.location,
            slot=job.slot,
            status=status,
            blame=Blame.RUNNER if self._killed else None,
            error="the run's supervisor ended with 143" if self._killed else None,
            started_at=self._began,
            finished_at=datetime.now(UTC),
            site=job.site.base_url,
            browser="stub",
            plan=job.plan_hash,
        )

    def stop(self) -> None:
        self._killed = True
        self.over.set()


class Stand:
    """A runner whose only run is under way, and what its hub got."""

    def __init__(self, folder: Path) -> None:
        self.runs: list[dict[str, Any]] = []
        RunHandle.begun.clear()
        RunHandle.over.clear()
        settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder)
        transport = httpx.MockTransport(self._hub)
        self.runner = Runner(settings, make=RunHandle, client=httpx.Client(transport=transport))
        self.runner.start()
        assert RunHandle.begun.wait(30)

    def _hub(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=to_wire(PLAN))
        if request.url.path != "/api/runs":
            return httpx.Response(404)
        runs = json.loads(request.content)["runs"]
        self.runs += runs
        return httpx.Response(200, json={"results": [{"id": run["id"], "result": "accepted"} for run in runs]})

    @property
    def statuses(self) -> list[str]:
        return [run["status"] for run in self.runs if run["browser"] == "stub"]

    @property
    def slots(self) -> list[str]:
        return [run["slot"] for run in self.runs]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    standing = Stand(tmp_path)
    yield standing
    RunHandle.over.set()


def test_a_run_that_is_under_way_ends_and_is_sent(stand: Stand) -> None:
    threading.Timer(0.5, RunHandle.over.set).start()
    stand.runner.stop(grace_s=30)
    assert stand.statuses == ["passed"]
    assert len(stand.slots) == len(set(stand.slots))


def test_one_that_takes_longer_than_it_may_is_ended_and_its_slot_missed(stand: Stand) -> None:
    stand.runner.stop(grace_s=0.2)
    assert stand.statuses == []
    assert "the runner was stopped before the run had ended" in [run["error"] for run in stand.runs]
    assert len(stand.slots) == len(set(stand.slots))


def test_told_again_it_waits_no_longer(stand: Stand) -> None:
    hurry = threading.Event()
    hurry.set()
    began = time.monotonic()
    stand.runner.stop(grace_s=300, hurry=hurry)
    assert time.monotonic() - began < 60
    assert stand.statuses == []


def test_its_own_metrics_tell_runs_lateness_spool_and_ledger(stand: Stand) -> None:
    served = serve(stand.runner.measures, 0)
    try:
        text = httpx.get(f"http://127.0.0.1:{served.port}/metrics", trust_env=False).text
    finally:
        served.close()
        stand.runner.stop()
    samples = {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}
    assert samples["sixfb_runner_runs_total", "ga_purchase", "passed"] == 0
    assert samples["sixfb_runner_start_lateness_seconds_count",] >= 1
    assert samples["sixfb_runner_sending_up",] == 1
    assert samples["sixfb_runner_spool_results",] == 0
    assert samples["sixfb_runner_ledger_sessions", "paid"] == 0
