"""The spool's file is deleted or replaced while the runner works: what was measured goes back to the disk."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from runner.spool.spool import Spool
from tests.builders import A_MOMENT, a_run


def delete(file: Path) -> None:
    file.unlink()


def delete_everything(file: Path) -> None:
    shutil.rmtree(file.parent)


def delete_the_log(file: Path) -> None:
    file.with_name("spool.db-wal").unlink()


def move(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def replace(file: Path) -> None:
    with closing(sqlite3.connect(file.with_name("other.db"))) as other:
        other.execute("CREATE TABLE x (a)")
    file.with_name("other.db").replace(file)


@pytest.mark.parametrize("harm", [delete, delete_everything, delete_the_log, move, replace])
def test_a_file_that_is_taken_away_is_put_back_with_all_that_was_in_it(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "runner")
    spool.keep(a_run(id="before", slot=A_MOMENT, evidence=()))
    spool.begin("ga_purchase", A_MOMENT + timedelta(minutes=5), "under-way", A_MOMENT)
    harm(tmp_path / "runner" / "spool.db")
    spool.keep(a_run(id="after", slot=A_MOMENT + timedelta(minutes=1), evidence=()))
    # As after `kill -9`: another life reads what is on the disk.
    again = Spool(tmp_path / "runner")
    assert [kept.run_id for kept in again.waiting()] == ["before", "after"]
    assert [one.run_id for one in again.unfinished()] == ["under-way"]
    again.close()
    spool.close()


def test_what_was_in_its_place_is_moved_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "runner")
    replace(tmp_path / "runner" / "spool.db")
    spool.keep(a_run(id="after", slot=A_MOMENT, evidence=()))
    (aside,) = (path for path in (tmp_path / "runner").glob("spool.db.aside-*") if path.name.endswith("Z"))
    with closing(sqlite3.connect(aside)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("x",)]
    spool.close()


def test_where_it_cannot_be_put_back_what_is_open_is_still_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "runner")
    move(tmp_path / "runner" / "spool.db")
    (tmp_path / "runner").write_bytes(b"no folder any more")
    spool.keep(a_run(id="after", slot=A_MOMENT, evidence=()))
    assert [kept.run_id for kept in spool.waiting()] == ["after"]
    spool.close()
