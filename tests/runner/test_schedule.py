"""The schedule wakes at every journey's slots, once for all that share one, and loses none that lies close by another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from facts import Plan, PlannedJourney
from runner.slots.schedule import Schedule

NEVER_S = 3600.0


class Looks:
    """The looks at journeys, and when."""

    def __init__(self) -> None:
        self.at: list[tuple[str, datetime]] = []

    def __call__(self, planned: PlannedJourney) -> None:
        self.at.append((planned.journey, datetime.now(UTC)))

    def has(self, count: int) -> bool:
        ends = time.monotonic() + 20
        while len(self.at) < count and time.monotonic() < ends:
            time.sleep(0.01)
        return len(self.at) >= count

    @property
    def journeys(self) -> set[str]:
        return {journey for journey, _ in self.at}


def a_plan(*staggers: float, period_s: int = 2) -> Plan:
    journeys = [PlannedJourney(journey=f"j{n}", period_s=period_s, stagger_s=s) for n, s in enumerate(staggers)]
    return Plan(location="us-east", hash="p", journeys=tuple(journeys))


@contextmanager
def following(plan: Plan, looks: Looks) -> Iterator[Schedule]:
    """A schedule that is woken by its alarms alone."""
    schedule = Schedule(looks, every_s=NEVER_S)
    schedule.start()
    schedule.follow(plan)
    try:
        yield schedule
    finally:
        schedule.stop()


def test_all_journeys_of_a_slot_are_looked_at_after_it_and_at_the_next_again() -> None:
    looks, plan = Looks(), a_plan(*[0.0] * 10)
    with following(plan, looks):
        assert looks.has(20)
    first, second = looks.at[:10], looks.at[10:20]
    grid = plan.journeys[0].grid
    assert {journey for journey, _ in first} == {journey for journey, _ in second} == {p.journey for p in plan.journeys}
    assert all(at >= grid.at_or_before(first[0][1]) for _, at in first)
    assert grid.at_or_before(second[0][1]) > grid.at_or_before(first[-1][1])


def test_slots_that_lie_less_apart_than_the_wait_after_a_slot_are_all_woken_for() -> None:
    looks = Looks()
    with following(a_plan(*[0.0007 * n for n in range(40)]), looks):
        assert looks.has(100)
    looked = [journey for journey, _ in looks.at]
    first = looked.index("j0")
    assert looked[first : first + 40] == [f"j{n}" for n in range(40)]


def test_a_journey_that_the_plan_has_no_more_is_looked_at_no_more() -> None:
    looks = Looks()
    with following(a_plan(0.0, 0.0), looks) as schedule:
        assert looks.has(2)
        schedule.follow(a_plan(0.0))
        looks.at.clear()
        assert looks.has(2)
    assert looks.journeys == {"j0"}


def test_no_two_looks_are_at_once() -> None:
    one_at_a_time, overlapping = threading.Lock(), threading.Event()
    looks = Looks()

    def slow(planned: PlannedJourney) -> None:
        if not one_at_a_time.acquire(blocking=False):
            overlapping.set()
            return
        time.sleep(0.02)
        looks(planned)
        one_at_a_time.release()

    schedule = Schedule(slow, every_s=0.01)
    schedule.start()
    schedule.follow(a_plan(0.0, 0.0, 0.3))
    assert looks.has(40)
    schedule.stop()
    assert not overlapping.is_set()


def test_it_ends_while_a_look_is_under_way_and_the_next_already_waits() -> None:
    looking, may_go_on, looks = threading.Event(), threading.Event(), Looks()

    def slow(planned: PlannedJourney) -> None:
        looking.set()
        assert may_go_on.wait(30)
        looks(planned)

    schedule = Schedule(slow, every_s=NEVER_S)
    schedule.start()
    schedule.follow(a_plan(0.0, 0.1, 0.2))
    assert looking.wait(20)
    time.sleep(0.5)  # the alarm of the next goes off
    stopping = threading.Thread(target=schedule.stop, daemon=True)
    stopping.start()
    assert schedule._ended.wait(10)
    may_go_on.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert len(looks.at) == 1
