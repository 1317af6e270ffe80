"""Runs that are saved together come to the same as those saved one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from facts import Blame, Run, Status
from store import Store, rollups, runs
from store.rows import Arrival, RunRow, row_of
from tests.builders import A_MOMENT, a_run


def a_slot_run(run_id: str, minutes: float | None = 0, status: Status = Status.PASSED) -> Run:
    slot = None if minutes is None else A_MOMENT + timedelta(minutes=minutes)
    blame = Blame.SITE if status is Status.FAILED else None
    return a_run(id=run_id, slot=slot, status=status, blame=blame, location="us-east")


MISSED, FAILED = Status.MISSED, Status.FAILED
BATCHES = {
    "all new": [a_slot_run("a"), a_slot_run("b", 5), a_slot_run("c", 60), a_slot_run("d", 5, FAILED)],
    "nothing": [],
    "missed, then measured": [a_slot_run("a", 0, MISSED), a_slot_run("b", 0), a_slot_run("c", 5)],
    "measured, then missed": [a_slot_run("a", 0), a_slot_run("b", 0, MISSED)],
    "one slot measured twice": [a_slot_run("a", 0, FAILED), a_slot_run("b", 0)],
    "one run sent twice": [a_slot_run("a", 0), a_slot_run("a", 0)],
    "one id for two slots": [a_slot_run("a", 0), a_slot_run("a", 5)],
    "ad-hoc runs": [a_slot_run("a", None), a_slot_run("b", None), a_slot_run("a", None)],
    "a slot that was missed before": [a_slot_run("b", 10), a_slot_run("c", 15)],
    "the id of a missed run, after its slot was measured": [a_slot_run("b", 10), a_slot_run("before", 15)],
    "the id of a missed run, before its slot is measured": [a_slot_run("before", 15), a_slot_run("b", 10)],
}


def a_row(run: Run) -> RunRow:
    return row_of(Arrival(run), received_at=A_MOMENT)


def at(place: str, run: Run) -> Run:
    return replace(run, id=f"{run.id}-{place}", location=place)


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
def test_a_batch_comes_to_the_same_as_one_run_after_the_other(store: Store, batch: list[Run]) -> None:
    before = a_slot_run("before", 10, MISSED)
    with store.write() as connection:
        for place in ("us-east", "us-west"):
            runs.save(connection, at(place, before), received_at=A_MOMENT)
        one_by_one = [runs.save(connection, at("us-east", run), received_at=A_MOMENT) for run in batch]
        together = runs.save_all(connection, [a_row(at("us-west", run)) for run in batch])
    assert together == one_by_one
    since = A_MOMENT - timedelta(days=2)
    with store.read() as connection:
        kept = {
            place: [
                (o.run_id.removesuffix(f"-{place}"), o.slot, o.status)
                for o in runs.latest(connection, location=place, limit=99)
            ]
            for place in ("us-east", "us-west")
        }
        counted = {
            place: [
                replace(r, location="", steps={})
                for width in rollups.WIDTHS_S
                for r in rollups.read(connection, width_s=width, since=since, location=place)
            ]
            for place in ("us-east", "us-west")
        }
    assert sorted(kept["us-east"], key=str) == sorted(kept["us-west"], key=str)
    assert counted["us-east"] == counted["us-west"]
    assert counted["us-east"]


def test_the_rollups_of_a_batch_have_the_steps_of_its_passed_runs_alone(store: Store) -> None:
    batch = [a_slot_run("a"), a_slot_run("b", 5), a_slot_run("c", 60), a_slot_run("d", 65, FAILED)]
    with store.write() as connection:
        runs.save_all(connection, [a_row(run) for run in batch])
        day = rollups.read(connection, width_s=86_400, since=A_MOMENT - timedelta(days=2))
        hours = rollups.read(connection, width_s=3600, since=A_MOMENT - timedelta(days=2))
    assert [sum(one.steps["choose_city"].values()) for one in day] == [3]
    assert [sum(one.steps["choose_city"].values()) for one in hours] == [2, 1]
    assert [one.counts["failed"] for one in day] == [1]


def kept(store: Store) -> list[rollups.Rollup]:
    since = A_MOMENT - timedelta(days=2)
    with store.read() as connection:
        return [one for width in rollups.WIDTHS_S for one in rollups.read(connection, width_s=width, since=since)]


def test_runs_that_were_added_come_to_the_same_as_those_that_are_counted_anew(store: Store) -> None:
    odd = replace(a_slot_run("d", 3), slow=True, flaky=True, duration_ms=31_000.0)
    batches = [
        [a_slot_run("a"), a_slot_run("b", 2, FAILED), a_slot_run("c", 5, MISSED), a_slot_run("ad-hoc", None)],
        [odd, a_slot_run("e", 60), a_slot_run("a"), a_slot_run("f", 600)],
    ]
    for batch in batches:
        with store.write() as connection:
            runs.save_all(connection, [a_row(run) for run in batch])
    added = kept(store)
    with store.write() as connection:
        rollups.touch(connection, [run for batch in batches for run in batch])
    assert added == kept(store)
    assert sum(sum(one.steps["choose_city"].values()) for one in added if one.width_s == 86_400) == 4


def test_two_that_save_at_once_at_one_place_lose_nothing_of_one_another(store: Store) -> None:
    def save(run: Run) -> None:
        with store.write() as connection:
            runs.save(connection, run, received_at=A_MOMENT)

    save(a_slot_run("before"))
    with ThreadPoolExecutor(1) as other:
        with store.write() as connection:
            runs.save(connection, a_slot_run("a", 2), received_at=A_MOMENT)
            later = other.submit(save, a_slot_run("b", 3))
            with pytest.raises(TimeoutError):  # it waits for us
                later.result(timeout=0.5)
        later.result(timeout=20)
    assert [one.counts["passed"] for one in kept(store)] == [3, 3, 3]


def test_places_that_bring_different_hours_at_once_are_added_to_what_was_there(store: Store) -> None:
    """Each place has other times, so that what was there is asked for place by place."""
    batches = [
        [
            replace(run, location=f"place-{n}", id=f"{run.id}-{n}")
            for n in range(6)
            for run in (a_slot_run(f"{minute}", 75 * n + minute) for minute in minutes)
        ]
        for minutes in ((0, 10, 20), (5, 12, 25))
    ]
    for batch in batches:
        with store.write() as connection:
            runs.save_all(connection, [a_row(run) for run in batch])
    added = kept(store)
    assert sum(one.counts["passed"] for one in added if one.width_s == 86_400) == 36
    with store.write() as connection:
        rollups.touch(connection, [run for batch in batches for run in batch])
    assert added == kept(store)
