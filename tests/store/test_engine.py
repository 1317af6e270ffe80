"""Transactions: a writer waits for a writer, and a stale evaluator writes nothing."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from store import Store, feeds, lease, meta
from tests.builders import A_MOMENT
from tests.databases import a_migrated_store


def test_sqlite_keeps_what_alerts_depend_on(tmp_path: Path) -> None:
    with a_migrated_store(None, tmp_path) as store, store.read() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_writer_that_read_first_waits_for_another_instead_of_failing(tmp_path: Path) -> None:
    """A deferred transaction would fail here at once: "database is locked"."""
    with a_migrated_store(None, tmp_path) as store:

        def count() -> None:
            with store.write() as connection:
                seen = meta.get(connection, "n") or 0
                time.sleep(0.02)
                meta.put(connection, "n", seen + 1)

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.read() as connection:
            assert meta.get(connection, "n") == 8


def test_a_reader_sees_one_moment_throughout(store: Store) -> None:
    with store.read() as reading:
        assert meta.get(reading, "n") is None
        with store.write() as writing:
            meta.put(writing, "n", 1)
        assert meta.get(reading, "n") is None


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            meta.put(connection, "n", 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.read() as connection:
        assert meta.get(connection, "n") is None


def take(store: Store, holder: str, ttl_s: float = 30) -> int | None:
    with store.write() as connection:
        return lease.take(connection, name="evaluator", holder=holder, ttl_s=ttl_s)


def holds(store: Store, holder: str, epoch: int) -> bool:
    with store.write() as connection:
        return lease.holds(connection, name="evaluator", holder=holder, epoch=epoch)


def test_one_holder_at_a_time_and_renewing_keeps_the_epoch(store: Store) -> None:
    assert take(store, "a") == 1
    assert take(store, "b") is None
    assert take(store, "a") == 1
    assert holds(store, "a", 1)
    assert not holds(store, "b", 1)


def test_a_lease_that_ran_out_is_taken_over_and_the_old_holder_can_write_nothing(store: Store) -> None:
    assert take(store, "a", ttl_s=0.05) == 1
    time.sleep(0.1)
    assert not holds(store, "a", 1)
    assert take(store, "b") == 2
    assert not holds(store, "a", 1)
    assert take(store, "a") is None


def test_a_holder_that_overslept_alone_begins_a_new_epoch(store: Store) -> None:
    assert take(store, "a", ttl_s=0.05) == 1
    time.sleep(0.1)
    assert take(store, "a") == 2


def test_a_released_lease_is_free_at_once(store: Store) -> None:
    take(store, "a")
    with store.write() as connection:
        lease.release(connection, name="evaluator", holder="a")
    assert take(store, "b") == 2


def test_a_feed_keeps_its_last_good_moment_when_it_fails(store: Store) -> None:
    with store.write() as connection:
        feeds.note_configured(connection, "inventory")
        assert feeds.states(connection)["inventory"].last_good_at is None
        feeds.note_good(connection, "inventory", A_MOMENT)
        feeds.note_error(connection, "inventory", A_MOMENT + timedelta(minutes=1), "503")
        feeds.note_configured(connection, "inventory")
        state = feeds.states(connection)["inventory"]
    assert (state.last_good_at, state.last_error) == (A_MOMENT, "503")
