"""Jobs from outside: the page, the API, the metrics and the command, and who may run one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import command_line
from facts import Role
from hub.app import create_app
from hub.jobs import Every, Job, JobContext, JobError, JobScheduler, JobServices
from hub.metrics import Metrics
from store import Store
from store import jobs as rows
from tests.hub.conftest import Bench, csrf_of

EVIL = "<script>alert(1)</script>\u202e"


def do(context: JobContext) -> str:
    return "42 tickets"


def fail(_context: JobContext) -> str:
    raise JobError(EVIL)


JOBS = (
    Job(name="inventory", purpose="Reads what is left.", schedule=Every(60), do=do),
    Job(name="retention", purpose="Sweeps.", schedule=Every(600), do=fail),
)


@pytest.fixture
def hub(light: Bench) -> Iterator[tuple[Bench, JobScheduler]]:
    """A hub on the bench that has these jobs, and their scheduler."""
    from fastapi.testclient import TestClient

    centre = light.context
    services = JobServices(
        store=light.store,
        watched=centre.watched,
        artifacts=centre.artifacts,
        first_watched=light.now,
        evidence_bytes=1,
        clock=lambda: light.now,
    )
    scheduler = JobScheduler(
        store=light.store, jobs=JOBS, services=services, holder="bench", clock=lambda: light.now, lease_s=1e6
    )
    light.context = replace(centre, jobs=JOBS)
    with TestClient(
        create_app(light.context), base_url="http://127.0.0.1:8600", follow_redirects=False, client=("127.0.0.1", 50000)
    ) as client:
        light.client = client
        yield light, scheduler


def run_all(scheduler: JobScheduler) -> None:
    scheduler.look()
    for attempt in list(scheduler._running.values()):
        assert attempt.thread is not None
        attempt.thread.join(30)
    scheduler._record_what_is_over()


def test_the_page_shows_what_each_job_does_when_and_what_came_of_it(hub: tuple[Bench, JobScheduler]) -> None:
    bench, scheduler = hub
    before = bench.client.get("/jobs").text
    assert before.count("not run yet") == 2
    run_all(scheduler)
    page = bench.client.get("/jobs").text
    for words in ("Reads what is left.", "every minute", "every 10 min", "succeeded", "42 tickets", "failed", "in "):
        assert words in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert 'aria-current="page">Jobs' in page


def test_run_now_runs_it_and_says_who_asked(hub: tuple[Bench, JobScheduler]) -> None:
    bench, scheduler = hub
    run_all(scheduler)
    bench.log_in(Role.OPERATOR)
    page = bench.client.get("/jobs").text
    form = {"csrf": csrf_of(page.partition('action="/api/jobs')[2])}
    answer = bench.client.post("/api/jobs/inventory/run", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs")
    assert "operator asked to run it now" in bench.client.get("/jobs").text
    bench.now += timedelta(seconds=5)
    run_all(scheduler)
    page = bench.client.get("/jobs").text
    assert "asked for by operator" in page
    assert "asked to run it now" not in page
    (inventory, _) = bench.client.get("/api/jobs").json()["jobs"]
    assert (inventory["name"], inventory["schedule"]) == ("inventory", "every minute")
    state = inventory["state"]
    assert (state["last_outcome"], state["last_result"], state["last_by"]) == ("succeeded", "42 tickets", "operator")
    assert state["succeeded"] == 2


def test_a_form_of_another_page_runs_nothing_and_a_viewer_sees_no_button(hub: tuple[Bench, JobScheduler]) -> None:
    bench, _ = hub
    bench.log_in(Role.OPERATOR)
    assert bench.client.post("/api/jobs/inventory/run", data={"csrf": "old"}).status_code == 403
    bench.client.cookies.clear()
    bench.log_in(Role.VIEWER)
    assert "Run now" not in bench.client.get("/jobs").text
    assert bench.client.post("/api/jobs/inventory/run", json={}).status_code == 403
    with bench.store.read() as connection:
        assert rows.states(connection)["inventory"].requested_at is None


@pytest.mark.parametrize("name", ["none", "orphans", "%00", "a" * 5000, "%3Cscript%3E"])
def test_a_job_that_there_is_not_is_told(hub: tuple[Bench, JobScheduler], name: str) -> None:
    answer = hub[0].client.post(f"/api/jobs/{name}/run", json={})
    assert answer.status_code in (400, 404)
    assert len(answer.text) < 300


def test_the_metrics_tell_the_last_success_the_duration_and_failures(hub: tuple[Bench, JobScheduler]) -> None:
    bench, scheduler = hub
    run_all(scheduler)
    text = bench.client.get("/metrics").text
    found = [line for line in text.splitlines() if line.startswith("sixfb_job_last_success_timestamp_seconds{")]
    assert [float(line.rpartition(" ")[2]) for line in found] == [bench.now.timestamp()]
    assert 'sixfb_job_last_success_timestamp_seconds{job="retention"}' not in text
    assert 'sixfb_job_failures_total{job="retention"} 1.0' in text
    assert 'sixfb_job_failures_total{job="inventory"} 0.0' in text
    assert 'sixfb_job_duration_seconds{job="inventory"}' in text


def test_the_metrics_of_jobs_that_are_gone_are_gone(hub: tuple[Bench, JobScheduler]) -> None:
    bench, scheduler = hub
    run_all(scheduler)
    metrics = Metrics(
        bench.store, bench.context.watched, bench.context.targets, clock=bench.context.clock, jobs=["inventory"]
    )
    assert b'job="retention"' not in metrics.answer("application/openmetrics-text")[0]


@pytest.fixture
def command(hub: tuple[Bench, JobScheduler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`sixfb` with the bench's database."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/hub/sixfb.db")
    return lambda *arguments: CliRunner().invoke(command_line(), list(arguments))


def test_the_command_lists_them(command: Any, hub: tuple[Bench, JobScheduler]) -> None:
    run_all(hub[1])
    done = command("jobs", "list")
    assert done.exit_code == 0
    assert "inventory" in done.output
    assert "every minute" in done.output
    assert "42 tickets" in done.output
    assert "\u202e" not in done.output
    assert '"jobs"' in command("jobs", "list", "--json").output


def test_the_command_says_where_no_hub_runs_the_jobs(command: Any, sqlite_store: Store) -> None:
    done = command("jobs", "run", "inventory")
    assert done.exit_code == 1
    assert "no hub runs the jobs now; inventory is run as soon as one starts" in done.output
    with sqlite_store.read() as connection:
        assert rows.states(connection)["inventory"].requested_at is not None
