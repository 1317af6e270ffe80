"""Which database this is: one that is deleted, replaced, emptied or moved under a running hub must not be written into."""

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
"""Under this key of the table `meta` a database holds a random name of its own."""
_FILES = ("", "-wal", "-shm")
_MEASURED = ("", "-wal")
_RESTART = "put it back, or restart the hub to go on with what is there now"


def name_of(connection: Connection) -> str:
    """Return the database's own name, which is given to it the first time."""
    from store.tables import meta as table

    row = {"key": KEY, "value": secrets.token_hex(16)}
    connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())
    name: str = meta.get(connection, KEY)
    return name


def check_name(connection: Connection, expected: str, where: str) -> None:
    """Check inside a transaction that the database's name is the expected one. Raises StoreReplacedError."""
    try:
        name = meta.get(connection, KEY)
    except SQLAlchemyError as error:
        # The table itself is gone: whoever dropped it dropped the history. What else failed says so itself.
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
    """An SQLite database's files as they were when this was made: device and inode of each, by a connection that keeps them open.

    The files are never opened here but by SQLite: closing one would drop every lock that this process has on it
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """

    def __init__(self, file: Path) -> None:
        self.file = file.absolute()
        # SQLite follows a symbolic link, and keeps its log beside the file that it leads to.
        self._real = self.file.resolve()
        self._lock = threading.Lock()
        # As long as this one is open, nobody deletes the write-ahead log because its last user is gone.
        self._anchor = sqlite3.connect(f"{self.file.as_uri()}?mode=rw", uri=True, timeout=10.0, check_same_thread=False)
        self._anchor.isolation_level = None
        self._anchor.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._known = {ending: found for ending in _FILES if (found := _look(self._path(ending))) is not None}
        self._sizes = {ending: known.st_size for ending, known in self._known.items() if ending in _MEASURED}
        self._damaged: str | None = None

    def check(self) -> None:
        """Check that the files are those that are open here. Costs a few microseconds. Raises StoreReplacedError."""
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
        """Check that what is on the disk is still this database, past what SQLite remembers of it. Raises StoreReplacedError."""
        with self._lock:
            try:
                self._anchor.execute("PRAGMA shrink_memory")
                row = self._anchor.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchone()
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    return  # locked, or a disk's trouble: whoever writes next says so
                row = None
            except sqlite3.DatabaseError:
                row = None
        if row is None or row[0].strip('"') != expected:
            self._damaged = self._damaged or "was overwritten"
        self.check()

    def _look_at_size(self, ending: str) -> None:
        """A file that grows is at work; one that shrank was vacuumed, written back or cut off, and only a look at all of it tells."""
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
        """Let go of the files."""
        with self._lock:
            self._anchor.close()


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def cluster_of(dbapi_connection: Any) -> tuple[str | None, int]:
    """Return the system identifier of a PostgreSQL cluster (None where this user may not read it) and the database's oid."""
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
