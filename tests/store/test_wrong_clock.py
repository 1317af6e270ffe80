"""What a clock that was ahead has written holds nothing up once the clock is right: leases, claims of slots, messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from facts import LedgerState, NotificationState, Status
from store import Store, claims, lease, ledgers, outbox, retention, runs
from store.tables import leases
from tests.builders import a_run
from tests.store.test_outbox import NOW, a_notification, claim, owe, states

HOUR = timedelta(hours=1)


def take(store: Store, holder: str, ttl_s: float = 30.0) -> int | None:
    with store.write() as connection:
        return lease.take(connection, name="evaluator", holder=holder, ttl_s=ttl_s)


def lease_ends(store: Store, at: datetime) -> None:
    with store.write() as connection:
        connection.execute(update(leases).values(expires_at=at))


@pytest.mark.parametrize(("ahead_s", "is_void"), [(20.0, False), (60.0, True), (3600.0, True), (365 * 86_400.0, True)])
def test_a_lease_that_ends_further_ahead_than_its_life_is_void(store: Store, ahead_s: float, *, is_void: bool) -> None:
    assert take(store, "killed") == 1
    lease_ends(store, datetime.now(UTC) + timedelta(seconds=ahead_s))
    assert take(store, "next") == (2 if is_void else None)
    assert take(store, "killed") == (None if is_void else 1)


def test_the_holder_of_a_lease_of_a_wrong_clock_goes_on_with_it(store: Store) -> None:
    take(store, "running")
    lease_ends(store, datetime.now(UTC) + HOUR)
    assert take(store, "running") == 1
    with store.read() as connection:
        found = lease.held(connection)
    assert found is not None
    assert found[1] < datetime.now(UTC) + timedelta(seconds=31)


def test_a_void_lease_is_held_by_nobody(store: Store) -> None:
    take(store, "killed")
    lease_ends(store, datetime.now(UTC) + HOUR)
    with store.read() as connection:
        assert lease.held(connection) is None


@pytest.mark.parametrize(("ahead_s", "granted"), [(10, False), (90, True), (3600, True)])
def test_a_claim_of_a_slot_that_ends_further_ahead_than_its_life_is_void(
    store: Store, ahead_s: float, *, granted: bool
) -> None:
    def ask(runner: str, at: datetime) -> bool:
        until = at + timedelta(seconds=20)
        with store.write() as connection:
            return claims.claim(
                connection, journey="ga_purchase", location="us-east", slot=NOW, runner=runner, now=at, until=until
            ).granted

    assert ask("r1", NOW + timedelta(seconds=ahead_s))
    assert ask("r2", NOW) is granted


def test_a_message_claimed_by_a_clock_that_was_ahead_is_claimed_by_the_next_hub(store: Store) -> None:
    owe(store, a_notification())
    assert claim(store, "killed", at=NOW + HOUR) == ["n1"]
    assert claim(store, "next") == ["n1"]


def test_a_message_that_this_hub_is_sending_while_its_clock_is_set_back_is_not_sent_twice(store: Store) -> None:
    owe(store, a_notification())
    assert claim(store, "hub-1", at=NOW + HOUR) == ["n1"]
    assert claim(store, "hub-1") == []


def test_a_message_that_was_owed_by_a_clock_that_was_ahead_is_due_now(store: Store) -> None:
    owe(store, a_notification(created_at=NOW + HOUR, due_at=NOW + HOUR))
    assert claim(store) == ["n1"]


def test_a_message_that_was_tried_by_a_clock_that_was_ahead_is_due_now(store: Store) -> None:
    owe(store, a_notification())
    claim(store, at=NOW + HOUR)
    with store.write() as connection:
        again = NOW + HOUR + timedelta(seconds=30)
        outbox.try_again(connection, "n1", holder="hub-1", at=NOW + HOUR, next_at=again, error="503")
    assert states(store) == {"n1": NotificationState.OWED.value}
    assert claim(store) == ["n1"]


def test_a_message_that_is_meant_for_later_waits_all_the_same(store: Store) -> None:
    owe(store, a_notification(due_at=NOW + 60 * HOUR))
    assert claim(store) == []


@pytest.mark.parametrize("ahead_days", [2, 60, 365, 3650])
def test_a_clock_that_is_far_ahead_lets_no_history_go(store: Store, ahead_days: int) -> None:
    for days in (0, -10, -20):
        slot = NOW + timedelta(days=days)
        run = a_run(id=f"run{days}", slot=slot, started_at=slot, finished_at=slot, status=Status.PASSED)
        with store.write() as connection:
            runs.save(connection, run, received_at=slot)
    ahead = NOW + timedelta(days=ahead_days)
    with store.write() as connection:
        # What the hub itself writes by such a clock is no second clock that agrees with it.
        missed = a_run(id="missed", slot=ahead, started_at=ahead, finished_at=ahead, status=Status.MISSED, attempts=())
        runs.save(connection, missed, received_at=ahead)
    for _ in range(3):
        retention.sweep(store, now=ahead)
    with store.read() as connection:
        assert runs.count(connection) == 4


def test_a_ledgers_word_of_a_clock_that_was_ahead_gives_way_to_the_next(store: Store) -> None:
    def say(at: datetime) -> LedgerState:
        with store.write() as connection:
            ledgers.save_all(connection, [LedgerState(at=at, location="us-east")])
            return ledgers.states(connection)["us-east"]

    say(NOW + HOUR)
    assert say(NOW).at == NOW + HOUR
    with store.write() as connection:
        ledgers.forget_future(connection, NOW)
    assert say(NOW).at == NOW
