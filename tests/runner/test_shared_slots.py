"""Two runners at one location share its slots: restarted one after the other without a gap, none run twice while the hub answers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from facts import Status, late_limit_s
from tests.databases import a_migrated_store
from tests.drills.shared_hub import PLACE, SharedHub, one_journey
from tests.forked import Forked

pytestmark = [pytest.mark.slow, pytest.mark.drill, pytest.mark.paced]
PERIOD_S = 10


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[SharedHub]:
    with a_migrated_store(None, tmp_path / "hub") as store:
        shared = SharedHub(store, tmp_path / "hub", watched=one_journey(PERIOD_S))
        shared.start()
        yield shared
        shared.stop()


class Runners:
    """Runners of one location in processes of their own, by name."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self._processes: dict[str, Forked] = {}

    def start(self, name: str, *failing: str, run_s: float = 0.1) -> Forked:
        environment = {**os.environ, "DRILL_RUN_S": str(run_s)}
        arguments = (str(self._folder / name), self._url, PLACE, *failing)
        self._processes[name] = Forked("tests.drills.runner", *arguments, env=environment)
        return self._processes[name]

    def stop(self, name: str) -> None:
        process = self._processes.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0

    def stop_all(self) -> None:
        for name in list(self._processes):
            self.stop(name)


@pytest.fixture
def runners(tmp_path: Path, hub: SharedHub) -> Iterator[Runners]:
    started = Runners(tmp_path, hub.url)
    yield started
    started.stop_all()


def has_more_than(hub: SharedHub, records: int) -> bool:
    return len(hub.records()) > records


def hears_both(hub: SharedHub, since: datetime) -> bool:
    return len(hub.heard(since)) == 2


def until(holds: Callable[[], bool], what: str, *, within_s: float = 120) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.1)


def test_one_is_restarted_after_the_other_without_a_gap_and_no_slot_is_run_twice(
    hub: SharedHub, runners: Runners
) -> None:
    runners.start("a", run_s=2)
    runners.start("b", run_s=2)
    until(lambda: len(hub.records()) >= 2, "two slots have records")
    for name in ("a", "b"):
        before = len(hub.records())
        runners.stop(name)
        until(partial(has_more_than, hub, before), "the other one goes on")
        runners.start(name, run_s=2)
        # It is back when it is heard again, not when its process exists.
        until(partial(hears_both, hub, datetime.now(UTC)), "both are at work")
    records = hub.records()
    until(lambda: len(hub.records()) > len(records), "one more")
    runners.stop_all()
    records = hub.records()
    assert sorted(records) == hub.grid_slots, "a slot has no record"
    stopped_in = max(records)
    gaps = {slot: status for slot, status in records.items() if status != Status.PASSED and slot != stopped_in}
    assert gaps == {}
    assert hub.duplicates() == []


def test_without_a_hub_both_run_and_the_second_record_of_a_slot_is_a_duplicate(
    hub: SharedHub, runners: Runners
) -> None:
    runners.start("a")
    runners.start("b")
    until(lambda: len(hub.records()) >= 1 and len(hub.heard()) == 2, "both are at work")
    known = len(hub.records())
    hub.stop()
    time.sleep(2.2 * PERIOD_S)
    hub.start()
    until(lambda: len(hub.records()) >= known + 3 and len(hub.duplicates()) >= 1, "everything has come")
    runners.stop_all()
    records, twice = hub.records(), hub.duplicates()
    assert sorted(records) == hub.grid_slots
    assert set(records.values()) == {Status.PASSED}
    assert len(set(twice)) == len(twice)
    assert set(twice) <= set(records)


def test_the_slot_of_a_runner_that_dies_is_run_late_by_the_other(hub: SharedHub, runners: Runners) -> None:
    runners.start("b")
    dying = runners.start("a", "spool.begun", "1")
    until(lambda: dying.poll() is not None, "it has claimed a slot and dies in it")
    (lost,) = set(hub.claimed()) - set(hub.records())
    until(lambda: lost in hub.records(), "the other one runs it")
    assert hub.records()[lost] == Status.PASSED
    assert PERIOD_S / 9 < hub.late_s(lost) <= late_limit_s(PERIOD_S)
    runners.start("a")
    until(lambda: lost in hub.duplicates(), "what the first tells of it after its restart is kept aside")
    assert hub.records()[lost] == Status.PASSED
