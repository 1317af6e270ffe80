"""The public status page as the hub publishes it: from runs and alerts into a folder, by schedule and by command."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.windows import Maintenance
from facts import Status
from hub.jobs.job import JobContext, JobError, JobServices
from hub.jobs.status_page import JOB
from hub.status_page import LARGEST_LOGO, StatusPageError, load_summary, look_of, publish
from journeys.site import StatusPage
from reports.status import Look, status_files
from tests.cli.hostile import sixfb
from tests.hub.conftest import Bench
from tests.hub.test_silences import outage


def published(bench: Bench, folder: Path) -> dict[str, Any]:
    publish(load_summary(bench.store, bench.context.watched, bench.now), look_of(StatusPage()), folder)
    found: dict[str, Any] = json.loads((folder / "status.json").read_text())
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["state"] for one in found["components"]}


def test_an_outage_and_its_end_are_published(light: Bench, tmp_path: Path) -> None:
    bench = light
    assert set(states(published(bench, tmp_path / "a")).values()) == {"unknown"}
    for minutes in (12, 7, 2):
        bench.send(*(bench.slot_run(place, minutes_ago=minutes) for place in ("us-east", "us-west", "eu-west")))
    bench.tick()
    assert states(published(bench, tmp_path / "a"))["ga_purchase"] == "operational"
    outage(bench)
    found = published(bench, tmp_path / "a")
    assert (found["state"], states(found)["ga_purchase"]) == ("outage", "outage")
    (incident,) = found["incidents"]
    assert (incident["component"], incident["ended_at"]) == ("ga_purchase", None)
    for tick in range(24):
        bench.tick(30)
        if tick % 10 == 1:
            bench.send(*(bench.slot_run(place, minutes_ago=0.5) for place in ("us-east", "us-west", "eu-west")))
    found = published(bench, tmp_path / "a")
    assert states(found)["ga_purchase"] == "operational"
    assert found["incidents"][0]["ended_at"] is not None
    day = found["components"][0]["days"][-1]
    assert (day["checks"], day["failed"]) == (20, 2)
    bench.now += timedelta(minutes=6)
    assert set(states(published(bench, tmp_path / "a")).values()) == {"unknown"}, "nothing has been judged since"


def test_maintenance_is_announced_and_its_components_are_in_no_other_state(light: Bench) -> None:
    outage(light)
    usual: dict[str, Any] = {"duration": timedelta(hours=1), "zone": ZoneInfo("UTC"), "reason": "a new checkout"}
    here = light.now.replace(tzinfo=None)
    windows = [
        Maintenance(name="now", start=here - timedelta(minutes=5), journeys=("ga_purchase",), **usual),
        Maintenance(name="next", start=here + timedelta(days=2), **usual),
        Maintenance(name="far", start=here + timedelta(days=9), **usual),
        Maintenance(name="one-place", start=here, locations=("us-east",), **usual),
        Maintenance(name="gone", start=here, journeys=("gone",), **usual),
    ]
    summary = load_summary(light.store, light.context.watched, light.now, maintenance=windows)
    assert [(one.names, (one.starts_at - light.now).days) for one in summary.maintenance] == [
        (("GA purchase",), -1),
        (("GA purchase", "VIP member discount"), 2),
    ]
    assert [one.state.value for one in summary.components] == ["maintenance", "unknown"]
    page = status_files(summary, Look(title="Shop"))
    assert "Under maintenance: GA purchase" in page["index.html"]
    assert json.loads(page["status.json"])["maintenance"][0]["reason"] == "a new checkout"
    over = load_summary(light.store, light.context.watched, light.now + timedelta(minutes=55), maintenance=windows)
    assert "maintenance" not in [one.state.value for one in over.components]


def services(bench: Bench, **said: Any) -> JobServices:
    watched = replace(bench.context.watched, site=replace(bench.context.watched.site, status_page=StatusPage(**said)))
    return JobServices(
        store=bench.store,
        watched=watched,
        artifacts=bench.context.artifacts,
        first_watched=bench.now,
        evidence_bytes=1,
        clock=lambda: bench.now,
    )


def test_the_job_writes_into_the_folder_that_the_file_names(light: Bench, tmp_path: Path) -> None:
    assert not JOB.is_configured(services(light))
    told = services(light, folder=str(tmp_path / "public"), title="Shop", components={"ga_purchase": "Buying"})
    assert JOB.is_configured(told)
    assert "files in" in JOB.do(JobContext(services=told, slot=light.now))
    page = tmp_path / "public" / "index.html"
    assert "Buying" in page.read_text()
    assert (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777) == (0o644, 0o755)


def test_what_else_lies_in_the_folder_stays(light: Bench, tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("mine")
    published(light, tmp_path)
    assert (tmp_path / "robots.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*")), "no unfinished file is left"


def test_a_folder_that_cannot_be_written_is_told(light: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="cannot be written to"):
        JOB.do(JobContext(services=services(light, folder=str(tmp_path / "file")), slot=light.now))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("logo.exe", b"x", "is no picture"),
        ("logo.png", b"x" * (LARGEST_LOGO + 1), "has more than 256 KiB"),
        ("gone.png", None, "no such file"),
    ],
)
def test_a_logo_that_is_none_is_told(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StatusPageError, match=told):
        look_of(StatusPage(logo=str(tmp_path / name)))


def test_a_logo_that_is_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "logo.png")
    with pytest.raises(StatusPageError, match="named pipe"):
        look_of(StatusPage(logo=str(tmp_path / "logo.png")))


def test_a_logo_is_a_part_of_the_page(light: Bench, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"picture")
    summary = load_summary(light.store, light.context.watched, light.now)
    publish(summary, look_of(StatusPage(logo=str(tmp_path / "logo.png"))), tmp_path)
    assert "data:image/png;base64,cGljdHVyZQ==" in (tmp_path / "index.html").read_text()


def test_the_command_publishes_into_a_folder(light: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'hub' / 'sixfb.db'}")
    light.send(
        light.slot_run(status=Status.PASSED, minutes_ago=(light.now - datetime.now(UTC)).total_seconds() / 60 + 1)
    )
    monkeypatch.chdir(tmp_path)
    assert sixfb(monkeypatch, "status", "publish").code == 2
    done = sixfb(monkeypatch, "status", "publish", "public", "--title", "Our shop")
    assert (done.code, "files in public" in done.out) == (0, True), done.err
    assert "Our shop" in (tmp_path / "public" / "index.html").read_text()
    refused = sixfb(monkeypatch, "status", "publish", "/proc/nowhere")
    assert (refused.code, "cannot be written" in refused.err) == (2, True)
