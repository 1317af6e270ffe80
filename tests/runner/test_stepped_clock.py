"""A clock that is set forward or back neither doubles nor loses a slot, and no run ends before it began."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from facts import Plan, PlannedJourney, Run, Status, to_wire
from journeys.site import Site
from runner.clock import ClockSteps
from runner.service import Runner, RunnerSettings
from tests.drills.runner import Stub

PERIOD_S = 60
# Five seconds after a slot, and so far ahead that no scheduler wakes by itself.
NOON = datetime(2036, 11, 23, 12, 0, 5, tzinfo=UTC)


class Clock:
    """The wall's clock and the time itself, both in the test's hands."""

    def __init__(self) -> None:
        self.wall, self.time = NOON, 0.0

    def goes_on(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.time += seconds

    def is_set(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


class Room:
    """A runner whose clock is in the test's hands, and whose hub takes no runs, so that they stay to be looked at."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder, look_every_s=0.02)
        client = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.runner = Runner(
            settings, make=Stub, client=client, clock=lambda: self.clock.wall, steady=lambda: self.clock.time
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        plan = Plan(
            location="us-east",
            hash="p1",
            journeys=(PlannedJourney(journey="ga_purchase", period_s=PERIOD_S),),
            site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
        )
        return httpx.Response(200, json=to_wire(plan)) if request.method == "GET" else httpx.Response(503)

    def runs(self) -> list[Run]:
        return sorted(self.runner.spool.results(), key=lambda run: run.slot or NOON)

    def has_all_until_now(self) -> list[Run]:
        """Every slot from noon to now has its record; waits for the last of them."""
        ends = time.monotonic() + 20
        due = (self.clock.wall - NOON) // timedelta(seconds=PERIOD_S)
        while len(self.runs()) < due and time.monotonic() < ends:
            time.sleep(0.01)
        return self.runs()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    room.runner.start()
    ends = time.monotonic() + 20
    while room.runner.spool.handled("ga_purchase") is None and time.monotonic() < ends:
        time.sleep(0.01)
    time.sleep(0.1)  # the plan is being followed
    yield room
    room.runner.stop()


def assert_each_slot_once(runs: list[Run]) -> None:
    slots = [run.slot for run in runs if run.slot]
    assert max(Counter(slots).values()) == 1
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(slots)} <= {PERIOD_S}, "a slot has no record"
    assert all(run.finished_at >= run.started_at for run in runs)


def test_slots_that_a_clock_jumped_over_are_written_down_with_the_reason(room: Room) -> None:
    room.clock.goes_on(PERIOD_S)
    assert [run.status for run in room.has_all_until_now()] == [Status.PASSED]
    time.sleep(0.1)  # a look at the clock as it is now
    room.clock.is_set(10 * PERIOD_S)
    runs = room.has_all_until_now()
    assert_each_slot_once(runs)
    assert len(runs) == 11
    jumped = [run for run in runs if run.status is Status.MISSED]
    assert len(jumped) >= 9
    assert {run.error for run in jumped} == {"the clock was set forward by 600 s, or the machine slept"}


def test_a_clock_that_is_set_back_makes_no_slot_twice(room: Room) -> None:
    for _ in range(3):
        room.clock.goes_on(PERIOD_S)
        room.has_all_until_now()
    room.clock.is_set(-2 * PERIOD_S)
    for _ in range(4):
        time.sleep(0.3)
        room.clock.goes_on(PERIOD_S)
        room.has_all_until_now()
    runs = room.has_all_until_now()
    assert_each_slot_once(runs)
    assert len(runs) == 5
    assert {run.status for run in runs} == {Status.PASSED}


def test_a_clock_that_was_wrong_and_is_put_right_loses_nothing(room: Room) -> None:
    room.clock.goes_on(PERIOD_S)
    room.has_all_until_now()
    for step in (5 * PERIOD_S, -5 * PERIOD_S):
        time.sleep(0.1)
        room.clock.is_set(step)
        time.sleep(0.1)
    for _ in range(7):
        room.clock.goes_on(PERIOD_S)
        time.sleep(0.2)
    runs = room.has_all_until_now()
    assert_each_slot_once(runs)
    assert len(runs) == 8


def test_a_clock_that_is_kept_right_by_a_little_was_not_set() -> None:
    clock = Clock()
    steps = ClockSteps(lambda: clock.wall, lambda: clock.time)
    told = []
    for moves, by in (
        (clock.goes_on, 5),
        (clock.is_set, 4),
        (clock.is_set, 60),
        (clock.is_set, -60),
        (clock.goes_on, 60),
    ):
        moves(by)
        told.append(steps.since_s("ga_purchase"))
    assert told == [0, 0, 60, 0, 0]
