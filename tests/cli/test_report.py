"""`sixfb report` and `sixfb checklist`: the files they write, and what is said of bad input."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facts import Evidence, Run
from hub.artifacts import ArtifactHeader, Artifacts
from store import Store, runs
from tests.builders import a_run
from tests.cli.hostile import sixfb
from tests.databases import a_migrated_store

JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a hub has run and has one run with its picture, as the environment and the current folder."""
    with a_migrated_store(None, tmp_path / "var" / "hub") as store:
        _fill(store, tmp_path / "var" / "hub")
    for name in [name for name in os.environ if name.startswith(("SIXFB_", "STRIPE_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def the_run() -> Run:
    shot = Evidence(
        kind="screenshot", attempt=1, sha256=hashlib.sha256(JPEG).hexdigest(), path="a.jpg", bytes=len(JPEG)
    )
    return replace(a_run(id="20261123T1620-ga-us-east"), evidence=(shot,))


def _fill(store: Store, folder: Path) -> None:
    run, now = the_run(), datetime.now(UTC)
    sha256 = run.evidence[0].sha256 or ""

    async def content() -> AsyncIterator[bytes]:
        yield JPEG

    header = ArtifactHeader(sha256=sha256, kind="screenshot", run_id=run.id)
    # In a thread of its own, because the browser of other tests keeps an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, Artifacts(store, folder / "evidence").keep(header, content(), now=now)).result()
    with store.write() as connection:
        runs.save(connection, run, received_at=now)


def test_a_runs_page_is_one_file_with_its_picture_inside(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sixfb(monkeypatch, "report", "run", "20261123", "--out", "out")
    assert (done.code, done.out) == (0, "report: out/20261123T1620-ga-us-east.html\n")
    page = (var / "out" / "20261123T1620-ga-us-east.html").read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page
    assert [file.name for file in (var / "out").iterdir()] == ["20261123T1620-ga-us-east.html"]


@pytest.mark.parametrize(
    ("kind", "period"),
    [
        ("daily", "2026-01-31"),
        ("weekly", "2026-W05"),
        ("monthly", "2026-01"),
        ("quarterly", "2025-Q4"),
        ("yearly", "2025"),
    ],
)
def test_a_report_is_one_file_that_is_named_for_its_period(
    var: Path, monkeypatch: pytest.MonkeyPatch, kind: str, period: str
) -> None:
    done = sixfb(monkeypatch, "report", kind, "--for", period, "--out", "out/deep")
    assert (done.code, done.out) == (0, f"report: out/deep/{kind}-{period}.html\n")
    assert "What to do" in (var / "out" / "deep" / f"{kind}-{period}.html").read_text(encoding="utf-8")


def test_without_a_period_it_is_about_the_last_whole_one(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sixfb(monkeypatch, "report", "yearly", "--out", "out")
    assert (done.code, done.out) == (0, f"report: out/yearly-{datetime.now(UTC).year - 1}.html\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["daily", "--for", "2026-11"], "--for: '2026-11' is no day; write it like 2026-11-29"),
        (["weekly", "--for", "2026-W54"], "is no week; write it like 2026-W48"),
        (["monthly", "--for", ""], "--for: '' is no month"),
        (["monthly", "--for", "2099-12"], "2099-12 has not begun"),
        (["quarterly", "--for", "2026-Q0"], "is no quarter; write it like 2026-Q4"),
        (["yearly", "--for", "next"], "is no year; write it like 2026"),
        (["run", "none"], "no run 'none'"),
    ],
)
def test_bad_input_is_a_sentence_and_2_and_writes_nothing(
    var: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    done = sixfb(monkeypatch, "report", *arguments, "--out", "out")
    assert done.code == 2
    assert said in done.err
    assert not (var / "out").exists()


def test_a_folder_that_is_a_file_is_told(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (var / "out").write_text("a file")
    for command in (["report", "daily"], ["report", "run", "20261123"], ["checklist"]):
        done = sixfb(monkeypatch, *command, "--out", "out")
        assert done.code == 2
        assert "--out: the folder out cannot be written" in done.err


def test_without_a_hub_a_report_says_what_to_start_and_the_checklist_what_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)
    done = sixfb(monkeypatch, "report", "daily", "--out", "out")
    assert done.code == 2
    assert "no hub has run here" in done.err
    done = sixfb(monkeypatch, "checklist", "--out", "out")
    assert done.code == 0
    assert "the database is not looked at: no hub has run here" in done.err
    assert "of 14 are done" in done.out
    assert "Pre-Launch Setup" in (tmp_path / "out" / "checklist.html").read_text(encoding="utf-8")


def test_the_checklist_as_json_has_every_item_with_what_is_known(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sixfb(monkeypatch, "checklist", "--json")
    assert done.code == 0
    items = json.loads(done.out)
    assert len(items) == 14
    assert {one["tick"] for one in items} <= {"done", "open", "tick it yourself"}
    assert all(one["found"] for one in items)
