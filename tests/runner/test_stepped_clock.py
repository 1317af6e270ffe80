"""A clock that is set forward or back neither doubles nor loses a slot, and no run ends before it began."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from facts import Plan, PlannedJourney, PlannedMaintenance, Run, Status, to_wire
from journeys.site import Site
from runner.budget import Budget, Window
from runner.clock import ClockSteps
from runner.ledger.entries import Order, State
from runner.ledger.ledger import Ledger
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

    def __init__(self, folder: Path, maintenance: tuple[PlannedMaintenance, ...] = ()) -> None:
        self.clock, self.maintenance = Clock(), maintenance
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
            maintenance=self.maintenance,
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


def maintenance_between(first_slot: int, end_slot: int) -> PlannedMaintenance:
    noon = NOON - timedelta(seconds=5)
    starts, ends = (noon + timedelta(seconds=n * PERIOD_S) for n in (first_slot, end_slot))
    return PlannedMaintenance(starts_at=starts, ends_at=ends, reason="a new version")


@pytest.fixture
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    room = Room(tmp_path, getattr(request, "param", ()))
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


@pytest.mark.parametrize("room", [(maintenance_between(2, 4),)], indirect=True)
def test_slots_in_maintenance_are_skipped_with_the_reason_and_the_others_run(room: Room) -> None:
    for _ in range(5):
        room.clock.goes_on(PERIOD_S)
        room.has_all_until_now()
        time.sleep(0.1)
    runs = room.has_all_until_now()
    assert_each_slot_once(runs)
    passed, skipped = Status.PASSED, Status.SKIPPED
    assert [run.status for run in runs] == [passed, skipped, skipped, passed, passed]
    assert {run.error for run in runs if run.status is skipped} == {
        "maintenance until 2036-11-23 12:04 UTC: a new version"
    }
    assert {run.attempts for run in runs if run.status is skipped} == {()}


@pytest.mark.parametrize("room", [(maintenance_between(3, 8),)], indirect=True)
def test_slots_of_a_maintenance_that_a_clock_jumped_over_are_skipped_not_missed(room: Room) -> None:
    room.clock.goes_on(PERIOD_S)
    room.has_all_until_now()
    time.sleep(0.1)
    room.clock.is_set(10 * PERIOD_S)
    runs = room.has_all_until_now()
    assert_each_slot_once(runs)
    assert [runs.index(run) for run in runs if run.status is Status.SKIPPED] == [2, 3, 4, 5, 6]


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


class RefusingHub:
    """A hub whose clock is right: it refuses what is more than five minutes in its future, keeps the rest, and grants what it has
    no record of."""

    def __init__(self, room: Room) -> None:
        self.room, self.taken, self.made = room, list[dict[str, Any]](), list[str]()
        self.now = NOON

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self.room._answer(request)
        if request.url.path != "/api/runs":
            slot = datetime.fromisoformat(json.loads(request.content)["slot"])
            known = {datetime.fromisoformat(run["slot"]) for run in self.taken if run["slot"]}
            return httpx.Response(
                200, json={"granted": slot not in known, "record": "passed" if slot in known else None}
            )
        results = []
        for run in json.loads(request.content)["runs"]:
            latest = max(datetime.fromisoformat(run[key]) for key in ("slot", "started_at") if run[key])
            refused = latest > self.now + timedelta(minutes=5)
            results.append(
                {"id": run["id"], "result": "rejected" if refused else "accepted", "reason": "set the clock"}
            )
            self.taken += [] if refused else [run]
        return httpx.Response(200, json={"results": results})


class Timed(Stub):
    """A run that is over at once, and dated by the runner's clock."""

    clock: Clock
    made: list[str]

    def wait(self) -> Run:
        self.made.append(self._job.run_id)
        return replace(super()._record(Status.PASSED), started_at=self.clock.wall, finished_at=self.clock.wall)


def a_life(room: Room, hub: RefusingHub, folder: Path) -> Runner:
    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder, look_every_s=3600)
    client = httpx.Client(transport=httpx.MockTransport(hub.answer))
    timed = type("TimedHere", (Timed,), {"clock": room.clock, "made": hub.made})
    return Runner(settings, make=timed, client=client, clock=lambda: room.clock.wall, steady=lambda: room.clock.time)


GA = PlannedJourney(journey="ga_purchase", period_s=PERIOD_S)


def look(runner: Runner) -> None:
    """One look at the grid, and the run that comes of it; what is kept is sent."""
    runner._slots.look(GA)
    ends = time.monotonic() + 20
    while runner._slots._under_way and time.monotonic() < ends:
        time.sleep(0.005)
    runner.sender.send_all()


@pytest.mark.parametrize("ahead_s", [5 * PERIOD_S, 120 * PERIOD_S, 3 * 86_400])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_was_ahead_keeps_nothing_from_being_run_once_it_is_right(
    tmp_path: Path, ahead_s: int, *, restarted: bool
) -> None:
    room = Room(tmp_path / "room")
    hub = RefusingHub(room)
    runner = a_life(room, hub, tmp_path / "runner")
    runner._missed_slots._plans.refresh()
    room.clock.is_set(ahead_s)
    runner.spool.start_from(GA.journey, room.clock.wall)
    for _ in range(3):
        room.clock.goes_on(PERIOD_S)
        hub.now += timedelta(seconds=PERIOD_S)
        look(runner)
    room.clock.is_set(-ahead_s)
    if restarted:
        runner.spool.close()
        runner.ledger.close()
        runner = a_life(room, hub, tmp_path / "runner")
        runner._missed_slots._plans.refresh()
        runner._forget_the_future(room.clock.wall)
        runner._slots.start(room.clock.wall)
        runner.spool.try_rejected_again()
    for _ in range(3):
        room.clock.goes_on(PERIOD_S)
        hub.now += timedelta(seconds=PERIOD_S)
        look(runner)
        look(runner)
    assert runner.spool.rejected() == [], "nothing is refused for ever"
    slots = [datetime.fromisoformat(run["slot"]) for run in hub.taken if run["slot"] and run["status"] == "passed"]
    right_now = [slot for slot in slots if NOON + timedelta(seconds=3 * PERIOD_S) < slot <= hub.now]
    assert len(right_now) >= 2, "within two periods it runs again"
    assert max(Counter(slots).values()) == 1
    of_no_slot = [run for run in hub.taken if run["slot"] is None]
    assert all("clock was ahead" in run["notes"][-1] for run in of_no_slot)
    assert sorted(run["id"] for run in hub.taken if run["status"] == "passed") == sorted(hub.made), "each is here, once"
    runner.spool.close()
    runner.ledger.close()


def test_a_window_of_requests_that_a_clock_ahead_has_dated_is_forgotten() -> None:
    window = Window(left=0, resets_at=NOON + timedelta(hours=1), allowed=None, source="site")
    spent = Budget(site=window, as_of=NOON + timedelta(minutes=50))
    assert spent.certain_block("ga_purchase", NOON) is None
    assert spent.certain_block("ga_purchase", NOON + timedelta(minutes=51)) is not None


def test_a_purchase_that_a_clock_ahead_has_dated_is_of_now_and_may_be_undone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ahead = NOON + timedelta(hours=5)
    order = Order(
        run_id="r1",
        attempt=1,
        journey="ga_purchase",
        location="us-east",
        slot=ahead,
        email="a@example.com",
        meant_at=ahead,
    )
    ledger.note("cs_1", order, state=State.OPEN, amount_minor=1, currency="usd", now=ahead, hold=timedelta(minutes=2))
    assert ledger.due(NOON) == []
    assert ledger.set_back(NOON) == 1
    assert [entry.session_id for entry in ledger.due(NOON)] == ["cs_1"]
    assert ledger.purchases(NOON + timedelta(hours=2)) == 0
    ledger.close()
