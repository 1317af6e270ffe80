"""What an attempt may use, and whose doing it is where it uses more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facts import Blame, Status
from runner.attempt.limits import too_much_disk, too_much_memory
from runner.attempt.process_tree import Process, own_share, process


def a_process(pid: int, name: str, *, megabytes: int) -> Process:
    """One that is not there, so that what it shares with others is not asked of the system."""
    return Process(pid=pid, parent=1, name=name, state="S", started=1, resident=megabytes << 20)


def test_memory_within_the_limit_is_nobodys_affair() -> None:
    assert too_much_memory(1, [a_process(1, "python", megabytes=100)], limit_mb=100) is None


def test_memory_that_is_only_shared_is_not_counted_twice() -> None:
    together = [a_process(pid, "chromium", megabytes=80) for pid in (2, 3)]
    assert too_much_memory(1, together, limit_mb=100, share=lambda _: 45 << 20) is None
    assert too_much_memory(1, together, limit_mb=100, share=lambda _: 55 << 20) is not None


@pytest.mark.parametrize(
    ("eater", "status", "blame", "words"),
    [
        (a_process(1, "python", megabytes=900), Status.FAILED, Blame.JOURNEY, "the journey's own code used more"),
        (
            a_process(4, "node-MainThread", megabytes=900),
            Status.ERRORED,
            Blame.RUNNER,
            "the browser's driver used more",
        ),
        (a_process(5, "chromium", megabytes=900), Status.FAILED, Blame.SITE, "the page used more"),
    ],
)
def test_the_greatest_eater_says_whose_doing_it_is(eater: Process, status: Status, blame: Blame, words: str) -> None:
    others = [a_process(pid, "chromium", megabytes=100) for pid in (2, 3)]
    found = too_much_memory(1, [*others, eater], limit_mb=1000, share=lambda p: p.resident)
    assert found is not None
    assert (found.status, found.blame) == (status, blame)
    assert found.cause == f"{words} than 1000 MB of memory ({eater.name} alone held 900 MB)"


def test_a_process_that_shares_with_nobody_holds_what_is_resident() -> None:
    own = process(os.getpid())
    assert own is not None
    assert 0 < own_share(own) <= own.resident * 1.1


@pytest.mark.parametrize(
    ("file", "blame", "words"),
    [
        ("playwright-artifacts-x/download", Blame.SITE, "the page put more than 1 MB"),
        ("playwright_chromiumdev_profile-x/Default/Cache/data", Blame.SITE, "the page put more than 1 MB"),
        ("playwright-artifacts-x/traces/one", Blame.RUNNER, "the trace took more than 1 MB"),
        ("trace.zip", Blame.RUNNER, "the trace took more than 1 MB"),
        (
            "dump.csv",
            Blame.JOURNEY,
            "the journey's own code put more than 1 MB of disk into temporary files (dump.csv)",
        ),
    ],
)
def test_whose_files_fill_the_disk_is_told_by_where_they_are(
    tmp_path: Path, file: str, blame: Blame, words: str
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_bytes(os.urandom(2 << 20))
    (tmp_path / "screenshot.jpg").write_bytes(b"small")
    found = too_much_disk(tmp_path, limit_mb=1)
    assert found is not None
    assert found.blame is blame
    assert found.cause.startswith(words)
    assert too_much_disk(tmp_path, limit_mb=3) is None
