"""One SQLite file and many threads: changes that come while the disk is waited for go to it together, in the next transaction."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from runner.transaction import transaction

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Change:
    """One thread's change. Its `turn` comes when it is over, or when it is this thread that writes for all who wait."""

    make: Callable[[sqlite3.Connection], Any]
    turn: threading.Event = field(default_factory=threading.Event)
    is_over: bool = False
    result: Any = None
    error: Exception | None = None


class GroupCommit:
    """The file's changes. Safe from any thread; the connection is nobody else's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._door = threading.Lock()
        self._waiting: list[_Change] = []
        """Whoever stands first writes for all; guarded by the door, never by the lock that is held while the disk works."""

    def alone(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction of one's own; it is on disk when the block is left."""
        return transaction(self._connection, self._lock)

    def together(self, make: Callable[[sqlite3.Connection], Result]) -> Result:
        """Make a change, in one transaction with those of other threads; it is on disk when this returns.

        `make` may be called in another thread, and again where the first transaction fails: then each change is made in one of its
        own, and what that raises is raised to the thread whose change it is.
        """
        mine = _Change(make)
        with self._door:
            self._waiting.append(mine)
            self._waiting[0].turn.set()
        try:
            mine.turn.wait()
            if not mine.is_over:
                self._make_all()
        except BaseException:
            self._leave([mine])
            raise
        if mine.error is not None:
            raise mine.error
        result: Result = mine.result
        return result

    def _make_all(self) -> None:
        with self._door:
            changes = list(self._waiting)
        try:
            self._make(changes)
        finally:
            self._leave([one for one in changes if one.is_over])

    def _leave(self, changes: list[_Change]) -> None:
        with self._door:
            self._waiting = [one for one in self._waiting if one not in changes]
            for one in (*changes, *self._waiting[:1]):
                one.turn.set()

    def _make(self, changes: list[_Change]) -> None:
        try:
            with self.alone() as connection:
                for one in changes:
                    one.result = one.make(connection)
        except Exception as error:  # noqa: BLE001 - it is raised to the thread whose change it is
            if len(changes) > 1:
                for one in changes:
                    self._make([one])
                return
            changes[0].error = error
        for one in changes:
            one.is_over = True

    def read(self, query: str, *values: object) -> list[tuple[str, ...]]:
        """The rows that a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
