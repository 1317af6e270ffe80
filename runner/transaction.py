"""A change of one of the runner's own SQLite files: the whole of it, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def transaction(connection: sqlite3.Connection, lock: AbstractContextManager[Any]) -> Iterator[sqlite3.Connection]:
    """Alone among the threads that share the lock. The connection is one that leaves BEGIN to us. Raises sqlite3.Error."""
    with lock:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk ends some by itself
                connection.execute("ROLLBACK")
            raise
