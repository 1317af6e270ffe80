"""Evidence is in the store the moment it is taken; whoever is killed after that does not take it along."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from config import Secret
from facts import Plan, PlannedJourney, Run, Status, to_wire
from journeys.site import Site
from runner.attempt.evidence import enlisted
from runner.attempt.start import StartedRun
from runner.service import Runner, RunnerSettings
from tests.builders import A_MOMENT
from tests.jobs import LOOK, a_job, a_journey, walk
from tests.sites import a_site

pytestmark = pytest.mark.browser

SHOP = "<h1>Shop</h1><p>Closed"
OPTIONS = "slow_after_s=3, deadline_s=9, step_s=1"


def whole(run: Run, store: Path) -> list[str]:
    """The kinds of a run's evidence whose files are there with the bytes that were hashed."""
    kept = [e for e in run.evidence if e.path is not None]
    assert all(hashlib.sha256((store / str(e.path)).read_bytes()).hexdigest() == e.sha256 for e in kept)
    return [e.kind for e in kept]


def test_a_supervisor_killed_between_two_attempts_leaves_the_first_ones_evidence(tmp_path: Path) -> None:
    a_journey(tmp_path, LOOK, options=OPTIONS)
    with a_site({"/": SHOP}) as site:
        started = StartedRun(a_job(tmp_path, site.url, confirm_after_s=30))
        before = psutil.Process().children(recursive=True)

        def kill(event: str, _data: dict[str, Any]) -> None:
            if event == "confirming":
                next(p for p in before if "runner.attempt.supervisor" in p.cmdline()).send_signal(signal.SIGKILL)

        run = started.wait(kill)
    assert run.status is Status.ERRORED
    assert whole(run, tmp_path / "evidence") == ["screenshot", "page_text"]


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from runner.attempt.start import StartedRun
    from tests.jobs import a_job

    def kill(event, _data):
        if event == "confirming":
            os.kill(os.getpid(), signal.SIGKILL)

    folder, store, url = sys.argv[1:]
    StartedRun(a_job(Path(folder), url, run_id="lost-run", confirm_after_s=30, evidence=store)).wait(kill)
"""


def test_a_runner_killed_in_a_run_sends_after_its_restart_what_that_run_had_kept(tmp_path: Path) -> None:
    a_journey(tmp_path, LOOK, options=OPTIONS)
    folder = tmp_path / "runner"
    store = folder / "evidence"
    with a_site({"/": SHOP}) as site:
        told = [sys.executable, "-P", "-c", textwrap.dedent(KILLED), str(tmp_path), str(store), site.url]
        assert subprocess.run(told, check=False).returncode == -signal.SIGKILL
    assert len(enlisted("lost-run", store=store)) == 2
    runner = a_runner(folder, lambda _request: httpx.Response(503))
    runner.spool.begin("look", A_MOMENT, "lost-run", A_MOMENT)
    runner.start()
    runner.stop()
    reopened = a_runner(folder, lambda _request: httpx.Response(503)).spool
    (run,) = reopened.results()
    assert (run.id, run.status) == ("lost-run", Status.ERRORED)
    assert whole(run, store) == ["screenshot", "page_text"]
    assert len(reopened.artifacts_of(["lost-run"])) == 2
    assert enlisted("lost-run", store=store) == ()
    reopened.close()


def a_runner(folder: Path, answer: Callable[[httpx.Request], httpx.Response]) -> Runner:
    plan = Plan(
        location="us-east",
        hash="p",
        journeys=(PlannedJourney(journey="other", period_s=900),),
        site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
    )

    def told(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=to_wire(plan)) if request.url.path == "/api/plan" else answer(request)

    return Runner(
        RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder, token=Secret("t" * 20)),
        client=httpx.Client(transport=httpx.MockTransport(told)),
    )


def test_slowed_down_for_a_person_a_control_that_never_comes_still_fails(tmp_path: Path) -> None:
    with a_site({"/": SHOP}) as site:
        run = walk(tmp_path, site.url, options=OPTIONS, slow_mo_ms=1.0)
    assert (run.status, run.failed_step) == (Status.FAILED, "look")
