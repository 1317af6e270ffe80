"""A runner that is killed with -9 at any of its failpoints loses nothing: every slot ends in one record at the hub."""

from __future__ import annotations

import itertools
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.drills.counting_hub import CountingHub, a_counting_hub
from tests.forked import Forked

pytestmark = pytest.mark.slow
PERIOD_S = 2
FAILPOINTS = ("spool.begun", "run.made", "spool.keeping", "spool.kept", "send.before", "send.answered", "spool.sent")


@pytest.fixture
def hub() -> Iterator[tuple[CountingHub, str]]:
    with a_counting_hub(period_s=PERIOD_S) as counting:
        yield counting


def start(folder: Path, url: str, *failing: str) -> Forked:
    return Forked("tests.drills.runner", str(folder), url, "us-east", *failing)


def enough(hub: CountingHub) -> bool:
    return len(hub.slots) >= 5 and sum(run["status"] == "passed" for run in list(hub.slots.values())) >= 3


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_no_slot_is_lost_or_doubled(hub: tuple[CountingHub, str], tmp_path: Path, failpoint: str) -> None:
    counting, url = hub
    for nth in ("1", "2"):
        dying = start(tmp_path, url, failpoint, nth)
        assert dying.wait(30) == -signal.SIGKILL
    last = start(tmp_path, url)
    try:
        deadline = time.monotonic() + 120
        while not enough(counting) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        last.send_signal(signal.SIGTERM)
        assert last.wait(20) == 0
    slots = sorted(datetime.fromisoformat(slot) for slot in counting.slots)
    gaps = {(b - a).total_seconds() for a, b in itertools.pairwise(slots)}
    assert gaps == {PERIOD_S}, "a slot has no record"
    assert len(slots) >= 5
    ids = Counter(run["id"] for run in counting.slots.values())
    assert set(ids.values()) == {1}
    assert sum(counting.sent.values()) - len(counting.slots) <= 2, "more than one duplicate a kill"
    words = Counter(run["status"] for run in counting.slots.values())
    assert set(words) <= {"passed", "missed", "errored"}
    assert words["passed"] >= 3


def test_slots_that_were_begun_in_one_write_have_one_record_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journeys = [f"journey_{n}" for n in range(12)]
    monkeypatch.setenv("DRILL_AT_ONCE", "12")
    with a_counting_hub(journeys=journeys, period_s=PERIOD_S) as (counting, url):
        assert start(tmp_path, url, "spool.begun", "3").wait(30) == -signal.SIGKILL
        last = start(tmp_path, url)
        deadline = time.monotonic() + 120
        while len(counting.records) < 5 * len(journeys) and time.monotonic() < deadline:
            time.sleep(0.1)
        last.send_signal(signal.SIGTERM)
        assert last.wait(20) == 0
    slots = sorted({datetime.fromisoformat(slot) for _, slot in counting.records})
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(slots)} == {PERIOD_S}
    assert len(counting.records) == len(slots) * len(journeys), "a slot has no record"
    assert set(counting.sent.values()) == {1}
    assert len(counting.sent) == len(counting.records), "a slot has two"
    errored = [run for run in counting.records.values() if run["status"] == "errored"]
    assert {run["slot"] for run in errored} == {min(slot for _, slot in counting.records)}
