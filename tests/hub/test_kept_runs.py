"""The runs that are kept between cycles are at any time those that a hub would read that knows nothing yet."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from facts import Blame, Outcome, Run, Status
from hub.kept_runs import KeptRuns
from metrics.counting import is_static
from sla.hours import hour_of
from store import Store, retention, runs
from store.retention import Retention
from tests.builders import A_MOMENT, a_run
from tests.sla.builders import changed, schedules, the_targets

PLAN = the_targets().load_plan(schedules())
PLACES = [(journey, place) for journey in ("ga_purchase", "vip_member_discount") for place in ("us-east", "eu-west")]
BLAMES = {Status.FAILED: Blame.SITE, Status.ERRORED: Blame.RUNNER}


def read(store: Store, kept: KeptRuns, now: datetime) -> list[Outcome]:
    """What judging gets, in the order of slots."""
    with store.read() as connection:
        hours = kept.hours(connection, plan=PLAN, now=now)
    return in_order([outcome for hour in hours for outcome in hour.outcomes])


def read_anew(store: Store, now: datetime) -> list[Outcome]:
    """The same, read from the store run by run."""
    detailed_since = hour_of(now - PLAN.details)
    with store.read() as connection:
        detailed = runs.outcomes(connection, since=detailed_since)
        short = runs.outcomes(connection, since=hour_of(now - PLAN.runs), brief=True)
    older = [outcome for outcome in short if outcome.slot is None or outcome.slot < detailed_since]
    return in_order([*older, *(replace(o, requests=judged_requests(o)) for o in detailed)])


def judged_requests(outcome: Outcome) -> tuple[Any, ...]:
    timed = PLAN.endpoints
    return tuple(
        a
        for a in outcome.requests
        if a.party != "first" or (a.status or 0) >= 500 or (a.endpoint, a.method) in timed or not is_static(a.endpoint)
    )


def in_order(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda o: (o.slot or o.started_at, o.run_id))


class World:
    """A store to which things happen, by chance."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chance, self.now = store, random.Random(seed), A_MOMENT
        self.number = 0

    def run(self, slot: datetime, status: Status) -> Run:
        self.number += 1
        journey, place = self.chance.choice(PLACES)
        measured = status not in (Status.MISSED, Status.SKIPPED, Status.ERRORED)
        return a_run(
            id=f"run-{self.number}",
            journey=journey,
            location=place,
            slot=slot,
            status=status,
            started_at=slot,
            finished_at=slot + timedelta(seconds=8),
            **({} if measured else {"attempts": (), "blame": BLAMES.get(status)}),
        )

    def save(self, *found: Run) -> None:
        with self.store.write() as connection:
            for run in found:
                runs.save(connection, run, received_at=self.now)

    def status(self) -> Status:
        return self.chance.choice([Status.PASSED, Status.PASSED, Status.FAILED, Status.MISSED, Status.ERRORED])

    def slot(self, hours: float) -> datetime:
        minutes = 5 * self.chance.randrange(int(hours * 12))
        return self.now.replace(minute=0, second=0, microsecond=0) - timedelta(minutes=minutes)

    def some_run(self) -> str | None:
        with self.store.read() as connection:
            found = runs.latest(connection, limit=50)
        return self.chance.choice(found).run_id if found else None

    # What may happen, each by its name.

    def runs_come(self) -> None:
        self.save(*(self.run(self.slot(2), self.status()) for _ in range(2)))

    def runs_come_late(self) -> None:
        self.save(*(self.run(self.slot(90), self.status()) for _ in range(3)))

    def a_missed_slot_is_measured_after_all(self) -> None:
        slot = self.slot(30)
        missed = self.run(slot, Status.MISSED)
        self.save(missed)
        self.save(replace(self.run(slot, Status.PASSED), journey=missed.journey, location=missed.location))

    def a_duplicate_comes(self) -> None:
        run = self.run(self.slot(2), Status.PASSED)
        self.save(run, run, replace(run, id=f"{run.id}-again"))

    def an_ad_hoc_run_comes(self) -> None:
        self.save(replace(self.run(self.now, Status.FAILED), slot=None))

    def a_person_says_whose_fault_it_was(self) -> None:
        run_id = self.some_run()
        if run_id is not None:
            blame = self.chance.choice([Blame.RUNNER, Blame.SITE, Blame.NETWORK])
            with self.store.write() as connection:
                runs.reclassify(connection, run_id, blame=blame, by="ann", reason="seen", at=self.now)

    def old_runs_are_swept(self) -> None:
        keep = Retention(passed_runs=timedelta(hours=50), failed_runs=timedelta(hours=60))
        retention.sweep(self.store, now=self.now, keep=keep)

    def time_passes(self) -> None:
        self.now += timedelta(minutes=self.chance.choice([1, 7, 60, 600]))

    def the_clock_is_set_back(self) -> None:
        self.now -= timedelta(minutes=self.chance.choice([1, 90]))


EVENTS: list[Callable[[World], None]] = [
    World.runs_come,
    World.runs_come_late,
    World.a_missed_slot_is_measured_after_all,
    World.a_duplicate_comes,
    World.an_ad_hoc_run_comes,
    World.a_person_says_whose_fault_it_was,
    World.old_runs_are_swept,
    World.time_passes,
    World.the_clock_is_set_back,
]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_two_hubs_judge_what_is_in_the_store(store: Store, seed: int) -> None:
    world = World(store, seed)
    hubs = [KeptRuns(), KeptRuns()]
    for step in range(30):
        what = world.chance.choice(EVENTS)
        what(world)
        if step % 10 == 9:
            hubs[1] = KeptRuns()  # one starts anew
        there = read_anew(store, world.now)
        for hub in hubs if step % 3 == 0 else hubs[:1]:  # the other one sees several changes at once
            assert read(store, hub, world.now) == there, f"step {step}: {what.__name__}"


def test_a_run_that_was_read_is_not_read_again(store: Store) -> None:
    world, kept = World(store, 1), KeptRuns()
    for _ in range(5):
        world.runs_come_late()
    read(store, kept, world.now)
    world.save(world.run(world.slot(1), Status.PASSED))
    asked = details_asked(store, lambda: read(store, kept, world.now))
    assert [len(ids) for ids in asked] == [1]
    assert details_asked(store, lambda: read(store, kept, world.now + timedelta(seconds=10))) == []


def details_asked(store: Store, do: Callable[[], object]) -> list[tuple[Any, ...]]:
    """The values of the statements that read runs with their details."""
    found: list[tuple[Any, ...]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if "runs.details" in statement:
            found.append(tuple(values.values()) if isinstance(values, dict) else tuple(values))

    with store.read() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        do()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return found


def test_only_requests_that_a_rule_looks_at_are_kept(store: Store) -> None:
    world = World(store, 1)
    world.save(world.run(world.slot(1), Status.PASSED))
    (outcome,) = read(store, KeptRuns(), world.now)
    assert not any(is_static(a.endpoint) for a in outcome.requests if a.party == "first"), "no rule judges static files"
    off = changed(**{name: {"enabled": False} for name in the_targets().rules() if name not in ("D1", "H3")})
    with store.read() as connection:
        (hour,) = KeptRuns().hours(connection, plan=off.load_plan(schedules()), now=world.now)
    assert [a.endpoint for a in hour.outcomes[0].requests] == ["/v3/", "/api/create-checkout-session"]
