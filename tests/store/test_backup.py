"""A backup is of one moment, whoever writes; what is restored judges as before and sends nothing it should not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from facts import Notification, NotificationState, Run, Status
from store import Store, StoreError, lease, open_store, outbox, rollups, runs, tables
from store.backup import backup, restore
from tests.builders import A_MOMENT, a_run
from tests.store.test_outbox import a_notification

DAY = timedelta(days=1)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    store = open_store(None, folder=tmp_path / "hub")
    store.migrate()
    yield store
    store.close()


def database(tmp_path: Path) -> Path:
    return tmp_path / "hub" / "sixfb.db"


def a_slot_run(number: int) -> Run:
    slot = A_MOMENT + timedelta(seconds=10 * number)
    return a_run(id=f"r{number}", slot=slot, status=Status.PASSED, started_at=slot, finished_at=slot)


def save(store: Store, *records: Run) -> None:
    with store.write() as connection:
        for run in records:
            runs.save(connection, run, received_at=A_MOMENT)


def owe(store: Store, *notifications: Notification) -> None:
    with store.write() as connection:
        outbox.owe(connection, notifications)


def whole(folder: Path) -> dict[str, list[Any]]:
    """Every table of a database, but who leases it."""
    store = open_store(None, folder=folder)
    with store.read() as connection:
        found = {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in tables.metadata.sorted_tables
            if table.name != "leases"
        }
    store.close()
    return found


def test_a_backup_made_under_writes_is_of_one_moment(sqlite: Store, tmp_path: Path) -> None:
    ended, number = threading.Event(), 0

    def write() -> None:
        nonlocal number
        while not ended.is_set():
            save(sqlite, a_slot_run(number))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counted = []
        for n in range(3):
            while number < 20 * (n + 1):
                ended.wait(0.01)
            counted.append(backup(database(tmp_path), tmp_path / f"backup-{n}").runs)
    finally:
        ended.set()
        writer.join()
    assert counted == sorted(counted)
    for n, runs_then in enumerate(counted):
        copy = open_store(f"sqlite:///{tmp_path}/backup-{n}", folder=tmp_path)
        with copy.read() as connection:
            ids = set(connection.execute(select(tables.runs.c.id)).scalars())
            days = rollups.read(connection, width_s=86_400, since=A_MOMENT - DAY)
        copy.close()
        assert ids == {f"r{i}" for i in range(runs_then)}
        assert sum(day.counts["passed"] for day in days) == runs_then
    assert number >= 60


def test_what_is_restored_is_what_was_backed_up(sqlite: Store, tmp_path: Path) -> None:
    save(sqlite, *(a_slot_run(n) for n in range(5)))
    owe(sqlite, a_notification())
    before = whole(tmp_path / "hub")
    made = backup(database(tmp_path), tmp_path / "backup")
    assert (made.runs, made.owed) == (5, 1)
    restored = restore(tmp_path / "backup", tmp_path / "new" / "sixfb.db", now=A_MOMENT)
    assert (restored.runs, restored.owed, restored.moved) == (5, 1, None)
    assert whole(tmp_path / "new") == before


def test_a_message_that_was_being_sent_is_owed_again_at_once(sqlite: Store, tmp_path: Path) -> None:
    owe(sqlite, a_notification())
    with sqlite.write() as connection:
        outbox.claim(connection, holder="hub-1", now=A_MOMENT, lease_s=3600, limit=1)
    backup(database(tmp_path), tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new" / "sixfb.db", now=A_MOMENT)
    store = open_store(None, folder=tmp_path / "new")
    with store.write() as connection:
        again = outbox.claim(connection, holder="hub-2", now=A_MOMENT, lease_s=60, limit=10)
    store.close()
    assert [n.id for n in again] == ["n1"]


def test_what_was_owed_can_be_withheld_and_what_was_delivered_is_never_sent_again(
    sqlite: Store, tmp_path: Path
) -> None:
    owe(sqlite, a_notification("n1"), a_notification("n2", thread="inc-2"))
    with sqlite.write() as connection:
        outbox.claim(connection, holder="hub-1", now=A_MOMENT, lease_s=60, limit=1)
        outbox.delivered(connection, "n1", holder="hub-1", at=A_MOMENT, detail="ok")
    backup(database(tmp_path), tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new" / "sixfb.db", now=A_MOMENT, send_owed=False)
    store = open_store(None, folder=tmp_path / "new")
    with store.write() as connection:
        assert outbox.claim(connection, holder="hub-2", now=A_MOMENT + DAY, lease_s=60, limit=10) == []
        kept = {n.id: n for n in outbox.of_threads(connection, ["inc-1", "inc-2"])}
    store.close()
    assert kept["n1"].state is NotificationState.DELIVERED
    assert kept["n2"].state is NotificationState.SUPPRESSED
    assert "backup" in (kept["n2"].reason or "")


def test_a_hub_may_judge_at_once_what_was_restored(sqlite: Store, tmp_path: Path) -> None:
    with sqlite.write() as connection:
        lease.take(connection, name="evaluator", holder="hub-1", ttl_s=3600)
    backup(database(tmp_path), tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new" / "sixfb.db", now=A_MOMENT)
    store = open_store(None, folder=tmp_path / "new")
    with store.write() as connection:
        assert lease.take(connection, name="evaluator", holder="hub-2", ttl_s=30) == 2
    store.close()


def test_a_running_hub_is_never_pulled_the_floor_from_under(sqlite: Store, tmp_path: Path) -> None:
    backup(database(tmp_path), tmp_path / "backup")
    with sqlite.write() as connection:
        lease.take(connection, name="evaluator", holder="hub-1", ttl_s=3600)
    with pytest.raises(StoreError, match="hub-1 uses"):
        restore(tmp_path / "backup", database(tmp_path), now=A_MOMENT, force=True)


def test_a_database_that_is_there_is_moved_aside_and_only_when_asked(sqlite: Store, tmp_path: Path) -> None:
    backup(database(tmp_path), tmp_path / "backup")
    save(sqlite, a_slot_run(1))
    with pytest.raises(StoreError, match="--force"):
        restore(tmp_path / "backup", database(tmp_path), now=A_MOMENT)
    restored = restore(tmp_path / "backup", database(tmp_path), now=A_MOMENT, force=True)
    assert restored.moved is not None
    assert restored.runs == 0
    moved = open_store(f"sqlite:///{restored.moved}", folder=tmp_path)
    with moved.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.runs)).scalar_one() == 1
    moved.close()


def test_a_backup_never_replaces_a_file_unasked_and_nobody_else_can_read_it(sqlite: Store, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    backup(database(tmp_path), file)
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(StoreError, match="there already"):
        backup(database(tmp_path), file)
    save(sqlite, a_slot_run(1))
    assert backup(database(tmp_path), file, force=True).runs == 1
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "no database of a hub"), (b"not a database at all" * 100, "cannot be restored")]
)
def test_a_file_that_is_no_backup_is_refused_and_nothing_is_touched(
    sqlite: Store, tmp_path: Path, content: bytes, says: str
) -> None:
    save(sqlite, a_slot_run(1))
    (tmp_path / "backup").write_bytes(content)
    with pytest.raises(StoreError, match=says):
        restore(tmp_path / "backup", database(tmp_path), now=A_MOMENT, force=True)
    with sqlite.read() as connection:
        assert runs.count(connection) == 1
    assert [file.name for file in (tmp_path / "hub").glob("*.part*")] == []


def test_a_backup_of_a_newer_program_is_refused(sqlite: Store, tmp_path: Path) -> None:
    with sqlite.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    backup(database(tmp_path), tmp_path / "backup")
    with pytest.raises(StoreError, match="newer"):
        restore(tmp_path / "backup", tmp_path / "new" / "sixfb.db", now=datetime.now(UTC))
