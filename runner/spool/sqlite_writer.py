"""One SQLite file and many threads: changes that come while the disk is waited for go to it together, in the next transaction."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from process.group_commit import GroupCommit
from runner.transaction import transaction

Result = TypeVar("Result")


class SqliteWriter:
    """The file's changes. Safe from any thread; the connection is nobody else's.

    `checked` is asked for the connection before and after each change, under the file's lock: it may give another one, whose file
    holds the same.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        checked: Callable[[sqlite3.Connection], sqlite3.Connection] = lambda connection: connection,
    ) -> None:
        self._connection, self._checked = connection, checked
        self._lock = threading.Lock()
        self._group_commit = GroupCommit(self._make_all)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction of one's own; it is on disk when the block is left."""
        with self._lock:
            self._connection = self._checked(self._connection)
            with transaction(self._connection, nullcontext()) as connection:
                yield connection
            # What was committed into a file that was deleted meanwhile is on no disk.
            self._connection = self._checked(self._connection)

    def submit(self, make: Callable[[sqlite3.Connection], Result]) -> Result:
        """Make a change, in one transaction with those of other threads; it is on disk when this returns.

        `make` may be called in another thread, and again where the first transaction fails: then each change is made in one of its
        own, and what that raises is raised to the thread whose change it is.
        """
        result: Result = self._group_commit.submit(make)
        return result

    def _make_all(self, changes: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        with self.transaction() as connection:
            return [make(connection) for make in changes]

    def read(self, query: str, *values: object) -> list[tuple[str, ...]]:
        """The rows that a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
