"""Batches that come at once share a transaction, and each is answered as if it had come alone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import LedgerState, Run, Status, to_wire
from hub.errors import HubError
from hub.ingest import Ingest, IngestResult
from store import Store, counters, ledgers, rollups, runners, runs
from tests.builders import A_MOMENT, a_run, an_attempt

PLACES = ("us-east", "us-west", "eu-west")
NOW = A_MOMENT + timedelta(minutes=10)


def a_slot_run(place: str, number: int = 0, **facts: Any) -> Run:
    slot = A_MOMENT + timedelta(minutes=number / 100)
    told = {"status": Status.PASSED, "started_at": slot, "finished_at": slot + timedelta(seconds=20), **facts}
    return a_run(**{"id": f"{place}-{number}", "location": place, "slot": slot, **told})


def a_batch(*told: Any, place: str | None = None, **runner: Any) -> bytes:
    about = {"location": place, "runner": {"id": f"r-{place}"} | runner} if place else {}
    return json.dumps({"runs": to_wire(list(told)), **about}).encode()


class Doors:
    """An ingest whose first transaction lasts until everybody else waits; `transactions` counts those that were committed."""

    def __init__(self, store: Store) -> None:
        self.ingest = Ingest(store, locations=PLACES, periods={"ga_purchase": 300}, at=self._at)
        self.transactions = 0
        self._begun, self._may_end = threading.Event(), threading.Event()

    def _at(self, point: str) -> None:
        if point == "ingest.begun" and not self._begun.is_set():
            self._begun.set()
            assert self._may_end.wait(30)
        self.transactions += point == "ingest.committed"

    def send(self, first: bytes, *others: bytes, only: Sequence[str | None] = ()) -> list[Future[list[IngestResult]]]:
        """Send the first, and while it is written all others at once."""
        with ThreadPoolExecutor(len(others) + 1) as pool:
            futures = [pool.submit(self.ingest.batch, first, now=NOW)]
            assert self._begun.wait(30)
            for body, of in zip(others, only or [None] * len(others), strict=True):
                futures.append(pool.submit(self.ingest.batch, body, now=NOW, only=of))
                time.sleep(0.05)
            self._may_end.set()
        return futures


def results(futures: Sequence[Future[list[IngestResult]]]) -> list[list[str]]:
    return [[one.result for one in future.result(0)] for future in futures]


def test_what_comes_at_once_is_one_transaction_and_counts_as_if_it_had_come_one_after_the_other(store: Store) -> None:
    bodies = [a_batch(a_slot_run(place, number), place=place) for number in range(5) for place in PLACES]
    doors = Doors(store)
    answers = [future.result(0) for future in doors.send(*bodies)]
    assert [[(one.id, one.result) for one in answer] for answer in answers] == [
        [(f"{place}-{number}", "accepted")] for number in range(5) for place in PLACES
    ]
    assert doors.transactions == 2
    with store.read() as connection:
        assert sum(one.statuses["passed"] for one in counters.read(connection)) == 15
        of_day = rollups.read(connection, width_s=86_400, since=A_MOMENT - timedelta(days=2))
        assert [one.counts["passed"] for one in of_day] == [5, 5, 5]
        assert len(runs.latest(connection, limit=99)) == 15
        assert {state.id for state in runners.heard(connection, since=A_MOMENT)} == {f"r-{place}" for place in PLACES}


def test_each_is_refused_for_itself_alone(store: Store) -> None:
    futures = Doors(store).send(
        a_batch(a_slot_run("us-east")),
        b"no json",
        a_batch(a_slot_run("us-west"), {"id": "odd"}, 7, None),
        a_batch(a_slot_run("eu-west"), place="eu-west"),
        a_batch(a_slot_run("us-east", 1)),
        only=[None, None, "us-east", "us-east"],
    )
    for refused, status in ((1, 400), (3, 403)):
        error = futures[refused].exception()
        assert isinstance(error, HubError)
        assert error.status == status
    assert results([futures[n] for n in (0, 2, 4)]) == [
        ["accepted"],
        ["accepted", "rejected", "rejected", "rejected"],
        ["accepted"],
    ]
    with store.read() as connection:
        assert {one.run_id for one in runs.latest(connection, limit=9)} == {"us-east-0", "us-west-0", "us-east-1"}


def test_one_that_the_database_will_not_have_takes_no_other_along(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_all = ledgers.save_all

    def fail(connection: Any, said: Sequence[LedgerState]) -> None:
        save_all(connection, said)
        if any(state.location == "us-west" for state in said):
            raise OSError("not this one")

    monkeypatch.setattr(ledgers, "save_all", fail)
    bodies = [
        a_batch(a_slot_run(place, n), place=place, ledger=to_wire(LedgerState(location=place, at=NOW)))
        for n, place in enumerate(("us-east", "eu-west", "us-west", "us-east"))
    ]
    futures = Doors(store).send(*bodies)
    assert results([futures[n] for n in (0, 1, 3)]) == [["accepted"]] * 3
    assert str(futures[2].exception()) == "not this one"
    with store.read() as connection:
        assert {one.run_id for one in runs.latest(connection, limit=9)} == {"us-east-0", "eu-west-1", "us-east-3"}
        assert set(ledgers.states(connection)) == {"us-east", "eu-west"}


def test_of_two_that_bring_one_slot_the_first_holds(store: Store) -> None:
    mine, other = a_slot_run("us-east"), a_slot_run("us-east", id="other")
    futures = Doors(store).send(a_batch(a_slot_run("us-west")), a_batch(mine), a_batch(other), a_batch(mine))
    assert results(futures) == [["accepted"], ["accepted"], ["duplicate"], ["duplicate"]]


def test_only_the_times_of_the_clock_that_is_off_are_set_right(store: Store) -> None:
    ahead = timedelta(seconds=60)
    told = {place: to_wire(NOW + (ahead if place == "us-west" else timedelta())) for place in PLACES}
    sent = {
        place: a_slot_run(place, attempts=(replace(an_attempt(), started_at=A_MOMENT),))
        for place in ("us-west", "eu-west")
    }
    for _ in range(4):
        for place in sent:
            Ingest(store, locations=PLACES, periods={}).batch(a_batch(place=place, sent_at=told[place]), now=NOW)
    Doors(store).send(
        a_batch(place="us-east"), *(a_batch(run, place=place, sent_at=told[place]) for place, run in sent.items())
    )
    with store.read() as connection:
        kept = {place: runs.get(connection, run.id) for place, run in sent.items()}
    started = {place: one.run.started_at for place, one in kept.items() if one}
    assert started == {"us-west": A_MOMENT - ahead, "eu-west": A_MOMENT}


def test_two_hubs_that_take_from_the_same_runners_at_once_never_lock_each_other(store: Store) -> None:
    hubs = [Ingest(store, locations=PLACES, periods={}) for _ in range(2)]

    def send(sender: int) -> list[str]:
        said: list[str] = []
        for number in range(10):
            place = PLACES[(sender + number) % len(PLACES)]
            told = to_wire(LedgerState(location=place, at=NOW))
            of_place = [a_slot_run(place, 100 * sender + 10 * number + n) for n in range(3)]
            body = a_batch(*of_place, place=place, id="the same", ledger=told)
            said += [one.result for one in hubs[sender % 2].batch(body, now=NOW)]
        return said

    with ThreadPoolExecutor(8) as pool:
        said = [result for results_of in pool.map(send, range(8)) for result in results_of]
    assert said == ["accepted"] * 240
    with store.read() as connection:
        assert sum(one.statuses["passed"] for one in counters.read(connection)) == 240
