"""A runner that is killed with -9 in the midst of a real run, or that has no room left on its disk, still owes one record a slot."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from facts import Blame, Run, Status
from runner.attempt.start import StartedRun
from tests.drills.counting_hub import CountingHub, a_counting_hub
from tests.jobs import a_job
from tests.leaving_out import leave_out
from tests.processes import command_of, name_of
from tests.runner.faults.pages import a_faulty_site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
JOURNEYS = Path(__file__).with_name("journeys")
PERIOD_S = 5


@pytest.fixture
def site() -> Iterator[str]:
    with a_faulty_site() as url:
        yield url


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name: a socket's path may have 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


class Life:
    """A runner from its start to its end, in processes of its own."""

    def __init__(self, place: Path, hub: str) -> None:
        (place / "tmp").mkdir(exist_ok=True)
        self.program = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.drills.real_runner", str(place / "var"), hub, str(JOURNEYS)],
            env={**os.environ, "TMPDIR": str(place / "tmp")},
            stdout=subprocess.PIPE,
        )
        assert self.program.stdout is not None
        with self.program.stdout as said:
            assert said.readline() == b"up\n"

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.program.pid).children(recursive=True)

    def browsers(self) -> list[psutil.Process]:
        return [p for p in self.below() if "chrom" in name_of(p)]

    def kill(self) -> None:
        self.program.kill()
        self.program.wait()

    def end(self) -> None:
        self.program.send_signal(signal.SIGTERM)
        assert self.program.wait(60) == 0


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "what was waited for did not come"
        time.sleep(0.05)


def is_walking(life: Life) -> bool:
    """Whether a page is open: a browser that is only starting has no page yet."""
    with_pages = []
    for p in life.browsers():
        try:
            with_pages.append("--type=renderer" in command_of(p))
        except psutil.Error:
            continue
    return any(with_pages)


def assert_one_record_a_slot(hub: CountingHub) -> None:
    slots = sorted(datetime.fromisoformat(slot) for slot in hub.slots)
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(slots)} <= {PERIOD_S}, "a slot has no record"
    assert all(run["finished_at"] >= run["started_at"] for run in hub.slots.values())


@pytest.mark.parametrize("frozen", [False, True], ids=["the runner alone", "with its supervisor, its browser frozen"])
def test_a_runner_killed_in_the_midst_of_a_run_leaves_nothing_once_it_is_back(
    site: str, place: Path, frozen: bool
) -> None:
    with a_counting_hub(site, journeys=["call_never_answered"], period_s=PERIOD_S) as (hub, url):
        first = Life(place, url)
        wait_for(lambda: is_walking(first))
        time.sleep(1.0)  # the supervisor looks twice a second at who is there
        left = first.below()
        if frozen:
            for process in first.browsers():
                process.suspend()
            for process in left:
                if "chrom" not in name_of(process):
                    process.kill()
        first.kill()
        if frozen:
            assert [p for p in left if p.is_running() and p.status() == psutil.STATUS_STOPPED], (
                "nothing is left to be swept"
            )
        second = Life(place, url)
        killed = "the runner was killed while this run was under way"
        wait_for(lambda: any(run["error"] == killed for run in hub.slots.values()))
        _, alive = psutil.wait_procs(left, timeout=10)
        assert alive == []
        second.end()
    assert_one_record_a_slot(hub)
    told = next(run for run in hub.slots.values() if run["error"] == killed)
    assert (told["status"], told["blame"]) == ("errored", "runner")
    assert list((place / "tmp").iterdir()) == []


def test_a_supervisor_killed_with_a_frozen_browser_leaves_nothing(
    site: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    job = a_job(tmp_path, site, "call_never_answered", confirm=False, journeys_dir=str(JOURNEYS))
    started = StartedRun(job)
    records: list[Run] = []
    waiter = threading.Thread(target=lambda: records.append(started.wait()))
    waiter.start()
    own = psutil.Process()

    def pages() -> list[psutil.Process]:
        return [p for p in own.children(recursive=True) if "--type=renderer" in command_of(p)]

    wait_for(pages)
    time.sleep(1.0)
    supervisor = next(p for p in own.children() if "runner.attempt.supervisor" in command_of(p))
    left = supervisor.children(recursive=True)
    for process in left:
        if "chrom" in name_of(process):
            process.suspend()
    supervisor.kill()
    waiter.join(30)
    assert [(r.status, r.blame) for r in records] == [(Status.ERRORED, Blame.RUNNER)]
    assert "the run's supervisor ended with -9 (SIGKILL)" in (records[0].error or "")
    _, alive = psutil.wait_procs(left, timeout=10)
    assert alive == []
    assert list(place.iterdir()) == []


# -- a full disk -----------------------------------------------------------------------------------------------------


@contextmanager
def a_small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own that can be filled without harm. Where CI=true it may not be left out."""
    folder = Path(tempfile.mkdtemp(prefix="d-", dir="/tmp"))
    mounted = sys.platform == "linux" and _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder))
    try:
        if not mounted:
            leave_out("a tmpfs can be mounted by root on Linux only")
        yield folder
    finally:
        if mounted:
            assert _run("umount", "-l", str(folder))
        folder.rmdir()


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill(disk: Path) -> Path:
    """Leave not a byte free."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return filler


def test_a_full_disk_loses_no_slot_and_is_never_laid_on_the_site(site: str) -> None:
    with a_small_disk(160) as disk, a_counting_hub(site, journeys=["browses"], period_s=PERIOD_S) as (hub, url):
        life = Life(disk, url)
        wait_for(lambda: any(run["status"] == "passed" for run in hub.slots.values()))
        before = len(hub.slots)
        filler = fill(disk)
        assert shutil.disk_usage(disk).free == 0
        time.sleep(3 * PERIOD_S)
        filler.unlink()
        wait_for(lambda: sum(run["status"] == "passed" for run in list(hub.slots.values())[before:]) >= 1)
        life.end()
        assert_one_record_a_slot(hub)
        starved = [run for run in hub.slots.values() if run["status"] != "passed"]  # a browser copes, some of the time
        assert {run["blame"] for run in starved} <= {"runner", None}, [(r["status"], r["error"]) for r in starved]
        assert list((disk / "tmp").iterdir()) == []


def test_a_disk_test_may_not_be_left_out_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="in CI nothing may be left out"):
        leave_out("no room")
