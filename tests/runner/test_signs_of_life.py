"""How others see that a runner lives, and what a runner's own settings do to its runs."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from facts import Plan, PlannedJourney, Run, to_wire
from journeys.site import Site
from runner.attempt.job import Job
from runner.service import HEARTBEAT, Runner, RunnerSettings
from runner.slots.schedule import Schedule
from tests.builders import a_run

HEALTHCHECK = Path(__file__).resolve().parent.parent.parent / "deploy" / "healthcheck.sh"
PLAN = Plan(
    location="us-east",
    hash="p1",
    journeys=(PlannedJourney(journey="ga_purchase", period_s=2),),
    site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
)


@contextmanager
def a_schedule(look: Callable[[PlannedJourney], None], *, beat: Callable[[], None]) -> Iterator[None]:
    schedule = Schedule(look, beat=beat, every_s=0.05)
    schedule.follow(PLAN)
    schedule.start()
    try:
        yield
    finally:
        schedule.stop()


def test_a_schedule_beats_after_looking() -> None:
    beaten = threading.Event()
    with a_schedule(lambda _planned: None, beat=beaten.set):
        assert beaten.wait(20)


def test_a_schedule_whose_looks_fail_does_not_beat() -> None:
    beaten, looks = threading.Event(), threading.Semaphore(0)

    def broken(_planned: PlannedJourney) -> None:
        looks.release()
        raise OSError("the disk is gone")

    with a_schedule(broken, beat=beaten.set):
        # The third look begins only after the first one has ended.
        assert all(looks.acquire(timeout=20) for _ in range(3))
    assert not beaten.is_set()


@pytest.mark.parametrize(
    ("role", "seconds_ago", "healthy"),
    [("runner", 10, True), ("runner", 180, False), ("runner", None, False), ("run", None, True)],
)
def test_the_image_s_health_check_goes_by_the_age_of_the_heartbeat(
    tmp_path: Path, role: str, seconds_ago: int | None, healthy: bool
) -> None:
    (tmp_path / "sixfb-role").write_text(role)
    heartbeat = tmp_path / "runner" / "us-east" / HEARTBEAT
    heartbeat.parent.mkdir(parents=True)
    if seconds_ago is not None:
        heartbeat.touch()
        os.utime(heartbeat, (time.time() - seconds_ago,) * 2)
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "SIXFB_VAR": str(tmp_path)}
    done = subprocess.run([str(HEALTHCHECK)], env=environment, check=False)
    assert (done.returncode == 0) is healthy


class Made:
    """Stands for a run: it is over at once."""

    def wait(self) -> Run:
        return a_run(location="us-east")

    def stop(self) -> None:
        """There is nothing to stop."""


@pytest.mark.parametrize("headed", [True, False])
def test_a_runner_with_a_display_gives_its_scheduled_runs_a_window(tmp_path: Path, headed: bool) -> None:
    jobs: list[Job] = []
    made = threading.Event()

    def make(job: Job) -> Made:
        jobs.append(job)
        made.set()
        return Made()

    def hub(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=to_wire(PLAN)) if request.url.path == "/api/plan" else httpx.Response(503)

    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=tmp_path, headed=headed)
    runner = Runner(settings, make=make, client=httpx.Client(transport=httpx.MockTransport(hub)))
    runner.start()
    try:
        assert made.wait(20)
    finally:
        runner.stop()
    assert jobs[0].headed is headed
