"""Provides transactions for the runner's own SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def transaction(connection: sqlite3.Connection, lock: AbstractContextManager[Any]) -> Iterator[sqlite3.Connection]:
    """Run the block in one transaction, exclusively among the threads that share `lock`.

    The block is committed as a whole, or rolled back if it raises. The connection must be in autocommit mode
    (`isolation_level=None`).

    Raises:
        sqlite3.Error: the database is locked, full or damaged.
    """
    with lock:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite ends some transactions itself when the disk is full
                connection.execute("ROLLBACK")
            raise
