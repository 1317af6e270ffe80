"""What a scheduled run is told: the secrets of the site, the proxies; and what becomes of a slot that cannot be made ready."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from facts import Plan, PlannedJourney, to_wire
from journeys.site import Site
from runner.attempt.job import Job
from runner.service import Runner, RunnerSettings
from tests.drills.runner import Stub


def first(folder: Path, jobs: list[Job], **settings: Any) -> list[dict[str, Any]]:
    """Let a runner run until it has sent something; what it sent."""
    site = Site(
        base_url="http://shop.test",
        cities={"Dallas": "dallas"},
        basic_auth_file=str(folder / "basic"),
        header_files={"X-Key": str(folder / "key")},
    )
    journeys = (PlannedJourney(journey="ga_purchase", period_s=1),)
    plan = Plan(location="us-east", hash="p1", journeys=journeys, site=to_wire(site))
    sent: list[dict[str, Any]] = []

    def hub(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=to_wire(plan))
        if request.url.path != "/api/runs":
            return httpx.Response(404)
        runs = json.loads(request.content)["runs"]
        sent.extend(runs)
        return httpx.Response(200, json={"results": [{"id": run["id"], "result": "accepted"} for run in runs]})

    def make(job: Job) -> Stub:
        jobs.append(job)
        return Stub(job)

    runner = Runner(
        RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder / "runner", **settings),
        make=make,
        client=httpx.Client(transport=httpx.MockTransport(hub)),
    )
    runner.start()
    ends = time.monotonic() + 30
    while not sent and time.monotonic() < ends:
        time.sleep(0.05)
    runner.stop()
    return sent


def test_it_has_the_sites_secrets_from_this_machines_files(tmp_path: Path) -> None:
    (tmp_path / "basic").write_text("me:pass\n")
    (tmp_path / "key").write_text("letmein\n")
    jobs: list[Job] = []
    proxies = {"HTTPS_PROXY": "http://a:hidden@proxy:3128"}
    first(tmp_path, jobs, secrets_in=(tmp_path,), proxies=proxies)
    assert jobs[0].basic_auth == "me:pass"
    assert jobs[0].secret_headers == {"X-Key": "letmein"}
    assert jobs[0].proxies == proxies
    spare, slot = jobs[0].spare_time, jobs[0].slot
    assert spare is not None
    assert slot is not None
    assert (spare.slot - slot).total_seconds() == 1, "a second attempt must not cost the next slot"
    assert {"me:pass", "pass", "letmein", "hidden"} <= set(jobs[0].secrets)


def test_a_missing_file_is_our_own_fault_and_says_which(tmp_path: Path) -> None:
    jobs: list[Job] = []
    sent = first(tmp_path, jobs, secrets_in=(tmp_path,))
    assert jobs == []
    assert (sent[0]["status"], sent[0]["blame"]) == ("errored", "runner")
    assert "basic_auth_file" in sent[0]["error"]
    assert str(tmp_path / "basic") in sent[0]["error"]
