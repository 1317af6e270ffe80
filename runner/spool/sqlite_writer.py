"""Lets many threads change one SQLite file: changes that arrive during a commit share the next transaction."""

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
    """Executes the changes of a file. Thread-safe; no other code may use the connection.

    `checked` is called with the connection before and after each change, under the file's lock. It may return another
    connection, whose file has the same content.
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
        """Open an exclusive transaction; it is on disk when the block is left."""
        with self._lock:
            self._connection = self._checked(self._connection)
            with transaction(self._connection, nullcontext()) as connection:
                yield connection
            # Checked again, because a commit into a file that was deleted meanwhile is on no disk.
            self._connection = self._checked(self._connection)

    def submit(self, make: Callable[[sqlite3.Connection], Result]) -> Result:
        """Execute a change in one transaction with those of other threads; it is on disk when this returns.

        `make` may be called in another thread, and again if the shared transaction fails: then each change gets a
        transaction of its own, and its error is raised in the thread that submitted it.
        """
        result: Result = self._group_commit.submit(make)
        return result

    def _make_all(self, changes: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        with self.transaction() as connection:
            return [make(connection) for make in changes]

    def read(self, query: str, *values: object) -> list[tuple[str, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
