"""Changes of many threads share a transaction while the disk is slow, and yet each fails, or holds, by itself."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.spool.sqlite_writer import SqliteWriter

TABLE = "CREATE TABLE t (n INTEGER PRIMARY KEY)"


class SlowDisk(sqlite3.Connection):
    """Its first COMMIT lasts until the test lets it end; `commits` counts them, and `full` makes them fail."""

    commits = 0
    full = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.works, self.may_end = threading.Event(), threading.Event()

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            self.commits += 1
            self.works.set()
            assert self.may_end.wait(30)
        return super().execute(sql, *values)


class Bench:
    """A file on a slow disk, and threads that change it; `failed` is what each was told."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.disk = sqlite3.connect(file, isolation_level=None, check_same_thread=False, factory=SlowDisk)
        self.disk.execute(TABLE)
        self.commits = SqliteWriter(self.disk)
        self.failed: dict[int, BaseException] = {}
        self._threads: list[threading.Thread] = []

    def add(self, number: int, make: Callable[[sqlite3.Connection], Any] | None = None) -> None:
        """A thread that adds a number, or does what it is told, and waits for the disk."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO t VALUES (?)", (number,))

        def go() -> None:
            try:
                self.commits.submit(make or insert)
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.failed[number] = error

        thread = threading.Thread(target=go, daemon=True)
        self._threads.append(thread)
        thread.start()

    def while_the_disk_works(self, *changes: Callable[[], None]) -> None:
        """The first change keeps the disk busy; the others come meanwhile. Waits for all of them."""
        first, *later = changes
        first()
        assert self.disk.works.wait(30)
        for change in later:
            change()
            time.sleep(0.05)
        time.sleep(0.3)
        self.disk.may_end.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "somebody waits for ever"

    def numbers(self) -> list[int]:
        """What another program finds in the file."""
        other = sqlite3.connect(self.file)
        try:
            return [row[0] for row in other.execute("SELECT n FROM t ORDER BY n")]
        finally:
            other.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    standing = Bench(tmp_path / "file.db")
    yield standing
    standing.commits.close()


def test_a_change_is_in_the_file_when_its_thread_goes_on(bench: Bench) -> None:
    bench.disk.may_end.set()
    assert bench.commits.submit(lambda connection: connection.execute("INSERT INTO t VALUES (1)").rowcount) == 1
    assert bench.numbers() == [1]


def test_what_comes_while_the_disk_works_is_written_at_once(bench: Bench) -> None:
    bench.while_the_disk_works(*(lambda n=n: bench.add(n) for n in range(20)))
    assert bench.numbers() == list(range(20))
    assert bench.disk.commits == 2


def test_one_that_fails_takes_no_other_along_and_is_told_alone(bench: Bench) -> None:
    bench.while_the_disk_works(
        lambda: bench.add(1),
        lambda: bench.add(2),
        lambda: bench.add(-1, lambda connection: connection.execute("INSERT INTO t VALUES (1)")),
        lambda: bench.add(3),
    )
    assert bench.numbers() == [1, 2, 3]
    assert {n: type(error) for n, error in bench.failed.items()} == {-1: sqlite3.IntegrityError}


def test_a_disk_that_is_full_is_told_to_everybody_and_takes_them_again_later(bench: Bench) -> None:
    def fill() -> None:
        bench.disk.full = True

    bench.while_the_disk_works(lambda: bench.add(1), lambda: bench.add(2), lambda: bench.add(3), fill)
    assert bench.numbers() == [1]
    assert {n: str(error) for n, error in bench.failed.items()} == dict.fromkeys((2, 3), "database or disk is full")
    bench.disk.full = False
    bench.commits.submit(lambda connection: connection.execute("INSERT INTO t VALUES (2)"))
    assert bench.numbers() == [1, 2]


def test_a_thread_that_is_ended_while_it_writes_for_all_leaves_nobody_waiting(bench: Bench) -> None:
    def ended(_connection: sqlite3.Connection) -> None:
        raise SystemExit

    bench.while_the_disk_works(lambda: bench.add(1), lambda: bench.add(-1, ended), lambda: bench.add(2))
    assert bench.numbers() == [1, 2]
    assert {n: type(error) for n, error in bench.failed.items()} == {-1: SystemExit}
