"""A slot has one record, whoever sends what, in whatever order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from facts import NOT_CONFIRMED, Blame, Evidence, Run, Status
from store import Store, runs
from store.tables import duplicates
from tests.builders import A_MOMENT, a_run, a_step, an_attempt

SLOT = A_MOMENT


def a_slot_run(name: str = "one", **facts: Any) -> Run:
    return a_run(**{"id": name, "slot": SLOT, "location": "us-east", **facts})


def missed(name: str = "missed", **facts: Any) -> Run:
    return a_slot_run(name, status=Status.MISSED, blame=None, attempts=(), error="the runner was not running", **facts)


def save(store: Store, *records: Run, late: bool = False) -> list[str]:
    with store.write() as connection:
        return [runs.save(connection, run, received_at=A_MOMENT, late=late) for run in records]


def whole(store: Store, run_id: str) -> Run | None:
    with store.read() as connection:
        stored = runs.get(connection, run_id)
    return stored.run if stored else None


def test_a_run_comes_back_as_it_went_in(store: Store) -> None:
    run = a_slot_run()
    assert save(store, run) == ["accepted"]
    assert whole(store, "one") == run


@pytest.mark.parametrize(
    ("sent", "said", "holds"),
    [
        ([a_slot_run("a"), a_slot_run("a")], ["accepted", "duplicate"], "a"),
        ([a_slot_run("a"), a_slot_run("b")], ["accepted", "duplicate"], "a"),
        ([missed("m"), a_slot_run("a")], ["accepted", "replaced"], "a"),
        ([a_slot_run("a"), missed("m")], ["accepted", "duplicate"], "a"),
        ([missed("m"), missed("n")], ["accepted", "duplicate"], "m"),
        (
            [missed("m"), a_slot_run("a"), missed("n"), a_slot_run("b")],
            ["accepted", "replaced", "duplicate", "duplicate"],
            "a",
        ),
    ],
)
def test_the_first_measured_record_of_a_slot_holds(
    store: Store, sent: Sequence[Run], said: Sequence[str], holds: str
) -> None:
    assert save(store, *sent) == said
    with store.read() as connection:
        assert [o.run_id for o in runs.outcomes(connection, since=SLOT - timedelta(hours=1))] == [holds]


def test_a_later_measured_record_is_kept_as_a_duplicate(store: Store) -> None:
    save(store, a_slot_run("a"), a_slot_run("b"), a_slot_run("b"), a_slot_run("a"))
    with store.read() as connection:
        assert list(connection.execute(select(duplicates.c.id)).scalars()) == ["b"]


def test_ad_hoc_runs_stand_beside_one_another_and_never_count(store: Store) -> None:
    save(store, a_slot_run("a", slot=None), a_slot_run("b", slot=None))
    with store.read() as connection:
        assert runs.outcomes(connection, since=SLOT - timedelta(days=1)) == []
        assert {o.run_id for o in runs.latest(connection)} == {"a", "b"}


def test_many_writers_of_one_slot_leave_one_record(store: Store) -> None:
    start = threading.Barrier(6)
    said: list[str] = []

    def send(number: int) -> None:
        start.wait()
        said.extend(save(store, a_slot_run(f"run-{number}") if number % 2 else missed(f"missed-{number}")))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        found = runs.outcomes(connection, since=SLOT - timedelta(hours=1))
    assert [o.status is Status.MISSED for o in found] == [False]
    assert said.count("accepted") == 1
    assert said.count("replaced") <= 1


def test_a_short_outcome_is_the_long_one_without_its_details(store: Store) -> None:
    save(store, a_slot_run())
    with store.read() as connection:
        long = runs.outcomes(connection, since=SLOT)[0]
        short = runs.outcomes(connection, since=SLOT, brief=True)[0]
    assert long.requests
    assert long.steps
    assert short == replace(long, steps={}, requests=(), vitals=())


def test_a_failure_without_a_second_attempt_is_known_as_such(store: Store) -> None:
    save(store, a_slot_run("a", notes=(f"{NOT_CONFIRMED} (3 requests are left)",)), a_slot_run("b", location="us-west"))
    with store.read() as connection:
        found = runs.outcomes(connection, since=SLOT)
    assert {outcome.run_id: outcome.unconfirmed for outcome in found} == {"a": True, "b": False}


def test_outcomes_come_in_the_order_of_their_slots(store: Store) -> None:
    save(store, *(a_slot_run(f"{n}", slot=SLOT + timedelta(minutes=n)) for n in (3, 1, 2)))
    with store.read() as connection:
        assert [o.run_id for o in runs.outcomes(connection, since=SLOT)] == ["1", "2", "3"]
        assert [o.run_id for o in runs.outcomes(connection, since=SLOT + timedelta(minutes=2))] == ["2", "3"]


def test_a_persons_word_changes_whose_fault_it_was_and_keeps_the_first(store: Store) -> None:
    save(store, a_slot_run(status=Status.FAILED, blame=Blame.SITE))
    with store.write() as connection:
        assert runs.reclassify(connection, "one", blame=Blame.RUNNER, by="ann", reason="our proxy", at=A_MOMENT)
        stored = runs.get(connection, "one")
        outcome = runs.outcomes(connection, since=SLOT)[0]
    assert stored is not None
    assert (stored.run.status, stored.run.blame, stored.was) == (Status.ERRORED, Blame.RUNNER, Blame.SITE)
    assert (stored.reclassified_by, stored.reclassified_why) == ("ann", "our proxy")
    assert (outcome.status, outcome.blame) == (Status.ERRORED, Blame.RUNNER)


def test_nobody_can_be_blamed_for_a_run_that_is_not_there(store: Store) -> None:
    with store.write() as connection:
        assert not runs.reclassify(connection, "x", blame=Blame.SITE, by="ann", reason="", at=A_MOMENT)


def test_the_last_good_run_is_of_the_same_place_and_before(store: Store) -> None:
    good = {"status": Status.PASSED, "blame": None, "flaky": False}
    several: list[dict[str, Any]] = [
        {**good, "started_at": SLOT - timedelta(minutes=10)},
        {**good, "started_at": SLOT - timedelta(minutes=5)},
        {**good, "started_at": SLOT - timedelta(minutes=4), "location": "eu-west"},
        {**good, "started_at": SLOT - timedelta(minutes=3), "flaky": True},
        {**good, "started_at": SLOT},
    ]
    for n, facts in enumerate(several):
        save(store, a_slot_run(f"{n}", slot=SLOT + timedelta(minutes=n), **facts))
    with store.read() as connection:
        found = runs.last_good(connection, journey="ga_purchase", location="us-east", before=SLOT)
    assert found is not None
    assert found.id == "1"


def test_a_missed_slot_is_no_word_from_its_location(store: Store) -> None:
    save(store, missed(), a_slot_run("adhoc", slot=None))
    with store.read() as connection:
        assert runs.last_received(connection) == {}
    save(store, a_slot_run())
    with store.read() as connection:
        assert runs.last_received(connection) == {"us-east": A_MOMENT}


def test_first_attempts_are_counted_as_a_person_corrected_them(store: Store) -> None:
    place = ("ga_purchase", "us-east")
    kinds: list[dict[str, Any]] = [
        {"status": Status.PASSED},
        {"status": Status.PASSED, "attempts": (an_attempt(status=Status.FAILED), an_attempt(status=Status.PASSED))},
        {"status": Status.FAILED},
        {"status": Status.FAILED},
        {"status": Status.ERRORED},
        {"status": Status.MISSED},
        {"status": Status.SKIPPED},
        {"status": Status.PASSED, "location": "eu-west"},
    ]
    save(store, *(a_slot_run(f"{n}", slot=SLOT + timedelta(minutes=n), **facts) for n, facts in enumerate(kinds)))
    with store.write() as connection:
        assert runs.first_attempts(connection, [place], since=SLOT) == {place: (1, 4)}
        assert runs.first_attempts(connection, [place], since=SLOT + timedelta(minutes=1)) == {place: (0, 3)}
        runs.reclassify(connection, "2", blame=Blame.RUNNER, by="ann", reason="our proxy", at=A_MOMENT)
        assert runs.first_attempts(connection, [place], since=SLOT) == {place: (1, 3)}


def test_of_many_slots_charts_get_a_few_of_the_grid_and_the_newest(store: Store) -> None:
    save(
        store,
        *(
            a_slot_run(f"{n}", slot=SLOT + timedelta(minutes=n), finished_at=SLOT + timedelta(minutes=n))
            for n in range(10)
        ),
    )

    def ids(most: int, since_minute: int = 0) -> list[str]:
        since = SLOT + timedelta(minutes=since_minute)
        with store.read() as connection:
            return runs.sample_ids(
                connection, journey="ga_purchase", location="us-east", since=since, period_s=60, most=most
            )

    assert ids(10) == [str(n) for n in range(10)]
    some = ids(4)
    assert (len(some) <= 5, some[-1]) == (True, "9")
    gaps = {int(b) - int(a) for a, b in pairwise(some[:-1])}
    assert gaps == {3}
    # The same ones, whenever it is asked: what was read once is read no more.
    assert set(ids(3, since_minute=1)) <= {"9", *some}


def test_what_charts_are_drawn_from_is_what_the_first_attempt_measured(store: Store) -> None:
    save(store, a_slot_run("one"))
    with store.read() as connection:
        found = runs.samples(connection, ["one", "deleted meanwhile"])
        whole = runs.outcomes(connection, since=SLOT)[-1]
    assert list(found) == ["one"]
    assert found["one"].steps == whole.steps
    assert [(v.page, v.name, v.value, v.cut) for v in found["one"].vitals] == [
        (v.page, v.name, v.value, v.cut) for v in whole.vitals
    ]


def test_the_last_slots_of_a_place_come_oldest_first(store: Store) -> None:
    save(store, *(a_slot_run(f"{n}", slot=SLOT + timedelta(minutes=n)) for n in range(4)))
    with store.read() as connection:
        found = runs.last_of_slots(connection, journey="ga_purchase", location="us-east", since=SLOT, limit=2)
    assert [o.run_id for o in found] == ["2", "3"]


def test_runs_that_did_not_pass_are_found_by_their_place(store: Store) -> None:
    save(
        store,
        *(
            a_slot_run(f"{n}", slot=SLOT + timedelta(minutes=n), location=place)
            for n, place in enumerate(("us-east", "eu-west"))
        ),
    )
    with store.read() as connection:
        assert [o.run_id for o in runs.latest(connection, location="eu-west", status=Status.FAILED)] == ["1"]
        assert [o.run_id for o in runs.latest(connection, journey="ga_purchase", status=Status.FAILED)] == ["1", "0"]
        assert runs.latest(connection, journey="other", status=Status.FAILED) == []


def test_the_last_good_run_with_a_picture_of_a_step_is_found_behind_those_without(store: Store) -> None:
    def good(minutes_ago: int, *steps: str) -> Run:
        at = SLOT - timedelta(minutes=minutes_ago)
        shots = tuple(Evidence(kind="screenshot", sha256="a", path="a", attempt=1, step=step) for step in steps)
        return a_slot_run(f"good-{minutes_ago}", status=Status.PASSED, slot=at, started_at=at, evidence=shots)

    save(store, *(good(n) for n in range(1, 20)), good(20, "choose_city"), good(30, "choose_city", "pay"))
    with store.read() as connection:
        found = {
            (step, limit): runs.last_pictured(
                connection, journey="ga_purchase", location="us-east", before=SLOT, step=step, limit=limit
            )
            for step, limit in (("choose_city", 90), ("pay", 90), ("other", 90), ("choose_city", 15))
        }
    assert {key: run.id if run else None for key, run in found.items()} == {
        ("choose_city", 90): "good-20",
        ("pay", 90): "good-30",
        ("other", 90): None,
        ("choose_city", 15): None,
    }


def test_failures_are_counted_by_place_step_and_error_in_each_period(store: Store) -> None:
    def bad(name: str, minutes_ago: int, location: str = "us-east", error: str = "broken") -> Run:
        at = SLOT - timedelta(minutes=minutes_ago)
        return a_slot_run(name, location=location, slot=at, started_at=at, error=error, failed_step="pay")

    other = a_slot_run("passed", status=Status.PASSED)
    save(store, bad("a", 5), bad("b", 50), bad("c", 70), bad("d", 5, "eu-west"), bad("e", 6, error="another"), other)
    since = [SLOT - timedelta(hours=1), SLOT - timedelta(days=1)]
    with store.read() as connection:
        groups = runs.failure_groups(connection, status=Status.FAILED, since=since, until=SLOT, limit=10)
        last = runs.id_of_failure(connection, status=Status.FAILED, location="us-east", started_at=groups[0].last_at)
    assert {(g.location, g.error, g.counts) for g in groups} == {
        ("us-east", "broken", (2, 3)),
        ("eu-west", "broken", (1, 1)),
        ("us-east", "another", (1, 1)),
    }
    assert (groups[0].first_at, groups[0].last_at) == (SLOT - timedelta(minutes=70), SLOT - timedelta(minutes=5))
    assert last == "a"


def test_good_runs_tell_how_long_their_steps_took_the_latest_first(store: Store) -> None:
    times = []
    for n in range(3):
        at = SLOT - timedelta(minutes=5 * n)
        steps = (a_step("choose_city", duration_ms=100.0 + n),)
        attempt = an_attempt(number=1, status=Status.PASSED, steps=steps)
        save(store, a_slot_run(f"r{n}", status=Status.PASSED, slot=at, started_at=at, attempts=(attempt,)))
        times.append({"choose_city": 100.0 + n})
    save(store, a_slot_run("bad", slot=SLOT - timedelta(minutes=99), started_at=SLOT - timedelta(minutes=99)))
    with store.read() as connection:
        found = runs.good_step_times(
            connection, journey="ga_purchase", location="us-east", before=SLOT + timedelta(minutes=1), limit=2
        )
    assert found == times[:2]


LISTED = {"p1": Status.PASSED, "f1": Status.FAILED, "m": Status.MISSED, "p2": Status.PASSED, "t": Status.TIMED_OUT}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, ["t", "f1", "p2", "m", "p1"]),
        ({"offset": 1, "limit": 2}, ["f1", "p2"]),
        ({"offset": 2, "limit": 2}, ["p2", "m"]),
        ({"offset": 4, "limit": 2}, ["p1"]),
        ({"offset": 5}, []),
        ({"status": Status.PASSED}, ["p2", "p1"]),
        ({"status": Status.PASSED, "offset": 1}, ["p1"]),
        ({"status": Status.FAILED}, ["f1"]),
        ({"status": Status.FAILED, "offset": 1}, []),
        ({"status": Status.MISSED}, ["m"]),
        ({"location": "us-east"}, ["t", "f1", "p2", "m", "p1"]),
        ({"location": "us-west"}, []),
        ({"journey": "vip_member_discount"}, []),
        ({"since": SLOT + timedelta(minutes=10)}, ["t", "p2", "m"]),
        ({"until": SLOT + timedelta(minutes=10)}, ["f1", "p1"]),
    ],
)
def test_the_runs_of_a_journey_are_listed_failed_first(store: Store, asked: dict[str, Any], ids: list[str]) -> None:
    made = []
    for number, (name, status) in enumerate(LISTED.items()):
        at = SLOT + timedelta(minutes=5 * number)
        made.append(a_slot_run(name, slot=at, started_at=at, status=status))
    save(store, *made)
    usual: dict[str, Any] = {"journey": made[0].journey, "since": SLOT, "until": SLOT + timedelta(hours=1)}
    with store.read() as connection:
        found = runs.failing_first(connection, **{**usual, **asked})
    assert [one.run_id for one in found] == ids


@pytest.mark.parametrize(
    ("status", "blame", "now"),
    [
        (Status.FAILED, Blame.RUNNER, Status.ERRORED),
        (Status.TIMED_OUT, Blame.RUNNER, Status.ERRORED),
        (Status.ERRORED, Blame.SITE, Status.FAILED),
        (Status.TIMED_OUT, Blame.SITE, Status.TIMED_OUT),
        (Status.PASSED, Blame.SITE, Status.PASSED),
    ],
)
def test_a_reclassified_run_is_listed_by_the_status_that_it_has_now(
    store: Store, status: Status, blame: Blame, now: Status
) -> None:
    run = a_slot_run(status=status, started_at=SLOT)
    save(store, run)
    with store.write() as connection:
        runs.reclassify(connection, run.id, blame=blame, by="ann", reason="seen", at=SLOT)
    period: dict[str, Any] = {"journey": run.journey, "since": SLOT, "until": SLOT + timedelta(hours=1)}
    with store.read() as connection:
        by_status = {one: len(runs.failing_first(connection, status=one, **period)) for one in Status}
        (found,) = runs.failing_first(connection, **period)
    assert found.status is now
    assert by_status == {one: int(one is now) for one in Status}


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ((Status.PASSED, Status.PASSED), "run-1"),
        ((Status.FAILED, Status.PASSED), "run-0"),
        ((Status.FAILED, Status.TIMED_OUT, Status.PASSED), "run-1"),
        ((Status.ERRORED, Status.MISSED), "run-1"),
        ((), None),
    ],
)
def test_the_worst_run_of_some_slots_is_the_newest_that_failed(
    store: Store, statuses: tuple[Status, ...], found: str | None
) -> None:
    made = [
        a_slot_run(f"run-{number}", slot=SLOT + timedelta(minutes=5 * number), status=status)
        for number, status in enumerate(statuses)
    ]
    # The end does not belong to the stretch, nor do other locations.
    end = SLOT + timedelta(minutes=15)
    outside = [a_slot_run("after", slot=end, status=Status.FAILED), a_slot_run("there", location="us-west")]
    save(store, *made, *outside)
    with store.read() as connection:
        its = runs.worst_of_slots(connection, journey=outside[0].journey, location="us-east", since=SLOT, until=end)
    assert its == found
