"""A hub writes nothing to a database that was replaced under it, and says what is wrong."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from store import Store, StoreReplacedError, StoreUnavailableError, meta, open_store
from tests.databases import a_database, a_migrated_store


@pytest.fixture
def pinned(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(None, folder=tmp_path / "hub")) as store:
        store.migrate()  # so that the tables stand in the log and not yet in the file
        store.pin()
        put(store, "before")
        yield store


def put(store: Store, value: str) -> None:
    with store.write() as connection:
        meta.put(connection, "test", value)


def get(store: Store) -> str:
    with store.read() as connection:
        value: str = meta.get(connection, "test")
    return value


def delete(file: Path) -> None:
    file.unlink()


def move(file: Path) -> None:
    file.rename(file.with_suffix(".moved"))


def rename_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def replace_by_a_copy(file: Path) -> None:
    copy = file.with_suffix(".copy")
    shutil.copyfile(file, copy)
    copy.replace(file)


def make_a_new_one(file: Path) -> None:
    file.unlink()
    sqlite3.connect(file).close()
    file.touch()


def empty(file: Path) -> None:
    with file.open("wb"):
        pass


def delete_the_log(file: Path) -> None:
    file.with_name(file.name + "-wal").unlink()


def delete_all(file: Path) -> None:
    for beside in list(file.parent.glob(f"{file.name}*")):
        beside.unlink()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (delete, "sixfb.db was deleted or moved"),
        (move, "sixfb.db was deleted or moved"),
        (rename_folder, "sixfb.db was deleted or moved"),
        (replace_by_a_copy, "sixfb.db was replaced by another file"),
        (make_a_new_one, "sixfb.db was replaced by another file"),
        (empty, "sixfb.db was cut off"),
        (delete_the_log, "sixfb.db-wal was deleted or moved"),
        (delete_all, "sixfb.db was deleted or moved"),
    ],
)
def test_a_file_that_is_gone_takes_nothing(
    pinned: Store, tmp_path: Path, harm: Callable[[Path], None], says: str
) -> None:
    harm(tmp_path / "hub" / "sixfb.db")
    for use in (lambda: put(pinned, "after"), lambda: get(pinned), pinned.check):
        with pytest.raises(StoreReplacedError, match=says):
            use()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (delete, "link.db was deleted or moved"),
        (delete_the_log, "sixfb.db-wal was deleted or moved"),
        (replace_by_a_copy, "link.db was replaced by another file"),
    ],
)
def test_a_file_behind_a_link_that_is_gone_takes_nothing(
    tmp_path: Path, harm: Callable[[Path], None], says: str
) -> None:
    (tmp_path / "data").mkdir()
    file, link = tmp_path / "data" / "sixfb.db", tmp_path / "link.db"
    file.touch()
    link.symlink_to(file)
    with closing(open_store(f"sqlite:///{link}", folder=tmp_path)) as store:
        store.migrate()
        store.pin()
        put(store, "before")
        harm(file)
        with pytest.raises(StoreReplacedError, match=says):
            put(store, "after")


def test_a_log_that_was_cut_off_takes_nothing(pinned: Store, tmp_path: Path) -> None:
    pinned.check()
    os.truncate(tmp_path / "hub" / "sixfb.db-wal", 0)
    with pytest.raises(StoreReplacedError, match="or its log was cut off"):
        put(pinned, "after")


def test_a_log_that_was_written_back_is_shorter_and_nothing_is_lost(pinned: Store, tmp_path: Path) -> None:
    log = tmp_path / "hub" / "sixfb.db-wal"
    pinned.check()
    with closing(sqlite3.connect(tmp_path / "hub" / "sixfb.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert log.stat().st_size == 0
    put(pinned, "after")
    assert get(pinned) == "after"


def test_a_file_that_goes_while_it_is_written_into_did_not_take_it(pinned: Store, tmp_path: Path) -> None:
    def write() -> None:
        with pinned.write() as connection:
            meta.put(connection, "test", "after")
            (tmp_path / "hub" / "sixfb.db").unlink()

    with pytest.raises(StoreReplacedError):
        write()


def test_no_empty_file_takes_the_place_of_one_that_was_deleted(pinned: Store, tmp_path: Path) -> None:
    file = tmp_path / "hub" / "sixfb.db"
    file.unlink()
    pinned._engine.dispose()
    with pytest.raises(StoreReplacedError):
        put(pinned, "after")
    assert not file.exists()


def test_the_same_file_back_in_its_place_works_again(pinned: Store, tmp_path: Path) -> None:
    rename_folder(tmp_path / "hub" / "sixfb.db")
    with pytest.raises(StoreReplacedError):
        put(pinned, "meanwhile")
    (tmp_path / "elsewhere").rename(tmp_path / "hub")
    put(pinned, "after")
    assert get(pinned) == "after"


def test_a_file_whose_bytes_were_overwritten_in_place_is_found_at_the_next_check(pinned: Store, tmp_path: Path) -> None:
    file = tmp_path / "hub" / "sixfb.db"
    with a_migrated_store(None, tmp_path / "other") as other:
        other.pin()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # As `cp` does: the same inode with other content.
    with file.open("r+b") as target:
        target.write((tmp_path / "other" / "sixfb.db").read_bytes())
    with pytest.raises(StoreReplacedError, match="overwritten"):
        pinned.check()
    with pytest.raises(StoreReplacedError):
        put(pinned, "after")


def test_a_file_that_was_vacuumed_is_smaller_and_whole(pinned: Store, tmp_path: Path) -> None:
    file = tmp_path / "hub" / "sixfb.db"
    put(pinned, "x" * 500_000)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pinned.check()
        before = file.stat().st_size
        put(pinned, "after")
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert file.stat().st_size < before
    pinned.check()
    put(pinned, "again")


def test_a_file_that_lost_its_second_half_is_not_whole(pinned: Store, tmp_path: Path) -> None:
    file = tmp_path / "hub" / "sixfb.db"
    put(pinned, "x" * 500_000)
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pinned.check()
    with file.open("r+b") as target:
        target.truncate(file.stat().st_size // 2)
    with pytest.raises(StoreReplacedError, match="cut off"):
        put(pinned, "after")


def test_a_restart_goes_on_with_what_is_there(pinned: Store, tmp_path: Path) -> None:
    file = tmp_path / "hub" / "sixfb.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    replace_by_a_copy(file)
    with pytest.raises(StoreReplacedError, match="restart the hub"):
        put(pinned, "meanwhile")
    pinned.close()
    with a_migrated_store(None, tmp_path / "hub") as again:
        again.pin()
        assert get(again) == "before"
        put(again, "after")


def test_a_database_keeps_its_name(store: Store) -> None:
    store.pin()
    name = store._name
    store.pin()
    assert store._name == name
    put(store, "x")


def test_a_postgres_whose_tables_were_made_anew_is_another_database(postgres: str, tmp_path: Path) -> None:
    with a_database(postgres) as url, a_migrated_store(url, tmp_path) as store:
        store.pin()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("DROP SCHEMA public CASCADE")
            other.execute("CREATE SCHEMA public")
        with pytest.raises(StoreReplacedError, match="emptied or is another one"):
            put(store, "after")
        with a_migrated_store(url, tmp_path):
            pass
        with pytest.raises(StoreReplacedError, match="emptied or is another one"):
            put(store, "after")


def test_a_postgres_of_the_same_name_made_anew_is_another_database(postgres: str, tmp_path: Path) -> None:
    with a_database(postgres) as url, a_migrated_store(url, tmp_path) as store:
        store.pin()
        name = url.rpartition("/")[2]
        with psycopg.connect(f"{postgres}/postgres", autocommit=True) as other:
            other.execute(f"DROP DATABASE {name} WITH (FORCE)")
            with pytest.raises(StoreUnavailableError, match="has no database of that name"):
                put(store, "after")
            other.execute(f"CREATE DATABASE {name}")
        again = open_store(url, folder=tmp_path)
        again.migrate()
        with pytest.raises(StoreReplacedError, match="another one than this hub began with"):
            put(store, "after")
        with pytest.raises(StoreReplacedError):
            get(store)
        again.close()
