"""Identifies the database, so that nothing is written to one that was deleted, replaced, emptied or moved while the hub runs."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from store import meta
from store.errors import StoreReplacedError
from store.upsert import insert

KEY = "database"
"""The key in the table `meta` under which a database stores its own random name."""
_FILES = ("", "-wal", "-shm")
_MEASURED = ("", "-wal")
_RESTART = "put it back, or restart the hub to go on with what is there now"


def name_of(connection: Connection) -> str:
    """Return the database's own name, which is created at the first call."""
    from store.tables import meta as table

    row = {"key": KEY, "value": secrets.token_hex(16)}
    connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())
    name: str = meta.get(connection, KEY)
    return name


def check_name(connection: Connection, expected: str, where: str) -> None:
    """Check inside a transaction that the database has the expected name. Raises StoreReplacedError."""
    try:
        name = meta.get(connection, KEY)
    except SQLAlchemyError as error:
        # A missing table means that the history was dropped. Other errors are raised unchanged.
        if not _says_no_table(error):
            raise
        name = None
    if name != expected:
        raise StoreReplacedError(
            f"the database {where} was emptied or is another one than this hub began with; {_RESTART}",
            public=f"the database was emptied or is another one than this hub began with; {_RESTART}",
        )


def _says_no_table(error: SQLAlchemyError) -> bool:
    cause: Any = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) == "42P01" or "no such table" in str(cause)


class FileIdentity:
    """Identifies an SQLite database's files by device and inode, through a connection that keeps them open.

    Only SQLite opens these files: closing another descriptor would drop every lock that this process holds on them
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """

    def __init__(self, file: Path) -> None:
        self.file = file.absolute()
        # SQLite follows a symbolic link, and keeps its log beside the link's target.
        self._real = self.file.resolve()
        self._lock = threading.Lock()
        # While this connection is open, the write-ahead log is not deleted when its last other user closes.
        self._anchor = sqlite3.connect(f"{self.file.as_uri()}?mode=rw", uri=True, timeout=10.0, check_same_thread=False)
        self._anchor.isolation_level = None
        self._anchor.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._known = {ending: found for ending in _FILES if (found := _look(self._path(ending))) is not None}
        self._sizes = {ending: known.st_size for ending, known in self._known.items() if ending in _MEASURED}
        self._damaged: str | None = None

    def check(self) -> None:
        """Check that the paths still lead to the open files. Takes a few microseconds. Raises StoreReplacedError."""
        for ending, known in self._known.items():
            now = _look(self._path(ending))
            if now is None:
                self._refuse(ending, "was deleted or moved", _RESTART)
            elif (now.st_dev, now.st_ino) != (known.st_dev, known.st_ino):
                self._refuse(ending, "was replaced by another file", _RESTART)
            elif ending in _MEASURED and now.st_size != self._sizes[ending]:
                self._look_at_size(ending)
        if self._damaged is not None:
            self._refuse("", self._damaged, "stop the hub and put a backup back (`sixfb db restore`)")

    def check_content(self, expected: str) -> None:
        """Check that the content on disk is still this database, bypassing SQLite's cache. Raises StoreReplacedError."""
        with self._lock:
            try:
                self._anchor.execute("PRAGMA shrink_memory")
                row = self._anchor.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchone()
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    return  # locked, or a failing disk: the next write reports it
                row = None
            except sqlite3.DatabaseError:
                row = None
        if row is None or row[0].strip('"') != expected:
            self._damaged = self._damaged or "was overwritten"
        self.check()

    def _look_at_size(self, ending: str) -> None:
        """Check a file whose size has changed.

        Growth is normal. A file that shrank was vacuumed, checkpointed or truncated, which only a full check can tell
        apart.
        """
        with self._lock:
            now = _look(self._path(ending))
            if now is None:
                return
            is_empty = not ending and now.st_size == 0
            if now.st_size < self._sizes[ending] and self._damaged is None and (is_empty or not self._is_whole()):
                self._damaged = f"{'or its log ' if ending else ''}was cut off or overwritten"
            self._sizes[ending] = now.st_size

    def _is_whole(self) -> bool:
        try:
            (said,) = self._anchor.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError:
            return False
        return bool(said == "ok")

    def _path(self, ending: str) -> Path:
        return self._real.with_name(self._real.name + ending) if ending else self.file

    def _refuse(self, ending: str, what: str, hint: str) -> None:
        path = self._path(ending)
        raise StoreReplacedError(
            f"the database file {path} {what}; nothing is taken until that is mended: {hint}",
            public=f"the database file {path.name} {what}; {hint}",
        )

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._anchor.close()


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def cluster_of(dbapi_connection: Any) -> tuple[str | None, int]:
    """Return the system identifier of a PostgreSQL cluster (None if this user may not read it) and the database's oid."""
    with dbapi_connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        oid: int = cursor.fetchone()[0]
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
        system = None
        if cursor.fetchone()[0]:
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            system = cursor.fetchone()[0]
    dbapi_connection.rollback()
    return system, oid
