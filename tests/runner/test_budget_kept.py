"""A runner keeps to its request budget: it says when that will not last, and makes no run that the site would refuse."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from facts import Plan, PlannedJourney, Run, Status, to_wire
from journeys.site import RequestBudget, Site
from runner.attempt.job import Job
from runner.service import Runner, RunnerSettings
from tests.builders import a_run, an_attempt

PLAN = Plan(
    location="us-east",
    hash="p1",
    journeys=(PlannedJourney(journey="ga_purchase", period_s=1),),
    site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
)


class Costly:
    """A run that costs 11 requests, of which the site says that 10 are left."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def wait(self) -> Run:
        """Its record."""
        now = datetime.now(UTC)
        told = {"requests_counted": 11, "requests_left": 10, "requests_reset_at": now + timedelta(seconds=600)}
        run = a_run(id=self._job.run_id, slot=self._job.slot, status=Status.PASSED, started_at=now, finished_at=now)
        return replace(run, attempts=(an_attempt(status=Status.PASSED, **told),), counts=1)

    def stop(self) -> None:
        """Nothing to end."""


def plan_only(request: httpx.Request) -> httpx.Response:
    """A hub that tells its plan and takes nothing, so that every result stays in the spool."""
    return httpx.Response(200, json=to_wire(PLAN)) if request.url.path == "/api/plan" else httpx.Response(503)


def test_a_run_that_would_be_refused_is_missed_and_the_one_before_it_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "sixfb.runner")
    client = httpx.Client(transport=httpx.MockTransport(plan_only))
    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=tmp_path)
    runner = Runner(settings, make=Costly, client=client)
    runner.start()
    ends = time.monotonic() + 30
    while runner.spool.depth() < 2 and time.monotonic() < ends:
        time.sleep(0.1)
    first, *later = sorted(runner.spool.results(), key=lambda run: str(run.slot))
    runner.stop()
    second = later[0]
    assert first.status is Status.PASSED
    [warning] = [note for note in first.notes if "request budget" in note]
    assert "10 requests are left" in warning
    assert "x ga_purchase at 11 = " in warning
    assert warning in caplog.text
    assert second.status is Status.MISSED
    assert "10 requests are left" in (second.error or "")
    assert "a run of ga_purchase costs at least 11" in (second.error or "")


class Counted(Costly):
    """A run of 85 requests at a site that tells no limit."""

    def wait(self) -> Run:
        """Its record."""
        now = datetime.now(UTC)
        run = a_run(id=self._job.run_id, slot=self._job.slot, status=Status.PASSED, started_at=now, finished_at=now)
        nothing = {"requests_left": None, "requests_limit": None, "requests_reset_at": None}
        return replace(run, attempts=(an_attempt(status=Status.PASSED, requests_counted=85, **nothing),), counts=1)


@pytest.mark.parametrize("budget", [None, RequestBudget(requests=100, window_s=900)], ids=["off", "named"])
def test_slots_are_missed_for_a_number_of_site_yaml_and_for_no_other(
    tmp_path: Path, budget: RequestBudget | None
) -> None:
    site = Site(base_url="http://shop.test", cities={"Dallas": "dallas"}, request_budget=budget)
    plan = replace(PLAN, site=to_wire(site))
    client = httpx.Client(
        transport=httpx.MockTransport(
            lambda request: (
                httpx.Response(200, json=to_wire(plan)) if request.url.path == "/api/plan" else httpx.Response(503)
            )
        )
    )
    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=tmp_path)
    runner = Runner(settings, make=Counted, client=client)
    runner.start()
    ends = time.monotonic() + 30
    while runner.spool.depth() < 3 and time.monotonic() < ends:
        time.sleep(0.1)
    first, *later = sorted(runner.spool.results(), key=lambda run: str(run.slot))
    runner.stop()
    assert first.status is Status.PASSED
    assert {run.status for run in later[:2]} == {Status.MISSED if budget else Status.PASSED}
    if budget is None:
        assert [note for note in first.notes if "budget" in note] == []
    else:
        assert "15 of 100 requests are left" in (later[0].error or "")
        assert "raise request_budget.requests in site.yaml" in (later[0].error or "")
