"""Opens the spool's file, upgrades its tables, and restores it if it is deleted or replaced."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from process.private_files import private_file

_TABLES = """
CREATE TABLE IF NOT EXISTS slots (
  journey TEXT NOT NULL, slot TEXT NOT NULL, run_id TEXT NOT NULL, begun_at TEXT NOT NULL, finished INTEGER NOT NULL,
  PRIMARY KEY (journey, slot));
CREATE TABLE IF NOT EXISTS results (
  number INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, kept_at TEXT NOT NULL,
  rejected TEXT);
CREATE TABLE IF NOT EXISTS artifacts (
  sha256 TEXT PRIMARY KEY, run_id TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
  bytes INTEGER NOT NULL DEFAULT 0, passed INTEGER NOT NULL DEFAULT 0, gone TEXT);
CREATE TABLE IF NOT EXISTS handled (journey TEXT PRIMARY KEY, slot TEXT NOT NULL);
"""
_ADDED = {"bytes": "INTEGER NOT NULL DEFAULT 0", "passed": "INTEGER NOT NULL DEFAULT 0", "gone": "TEXT"}
_BESIDE = ("-wal", "-shm")


def opened(file: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """Open a connection that any thread may use and whose commits are durable. Raises sqlite3.OperationalError if the disk is full."""
    private_file(file)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10.0, factory=factory)
    try:
        # synchronous=FULL, because a kept result must survive a power cut.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(_TABLES)
        _add_columns(connection)
    except sqlite3.OperationalError:
        connection.close()
        raise
    return connection


def _add_columns(connection: sqlite3.Connection) -> None:
    there = {row[1] for row in connection.execute("PRAGMA table_info(artifacts)")}
    for name, kind in _ADDED.items():
        if name not in there:
            connection.execute(f"ALTER TABLE artifacts ADD COLUMN {name} {kind}")


class Place:
    """Identifies the file of an open connection, by the device and inode of each of its files."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = self._look()

    def is_ours(self) -> bool:
        """Return whether the path still holds the open file. Takes a few microseconds."""
        now = self._look()
        return all(now[ending] == known for ending, known in self._known.items() if known is not None)

    def put_back(
        self, connection: sqlite3.Connection, factory: type[sqlite3.Connection] = sqlite3.Connection
    ) -> sqlite3.Connection:
        """Write the content of an open connection to a new file at the same path, and return a connection to that.

        A foreign file at that path is renamed. Raises sqlite3.Error or OSError if that fails; then nothing has changed.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_name(f".{self._file.name}.part")
        part.unlink(missing_ok=True)
        # The backup reads the open connection, so it works even if the file itself is deleted.
        copy = sqlite3.connect(part)
        try:
            connection.backup(copy)
        finally:
            copy.close()
        self._move_aside()
        part.replace(self._file)
        again = opened(self._file, factory)
        connection.close()
        self._known = self._look()
        return again

    def _move_aside(self) -> None:
        """Clear the path: our own files have been copied and are deleted, because our log would damage a foreign database."""
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
        for ending in ("", *_BESIDE):
            there, found = self._path(ending), _identity(self._path(ending))
            if found is not None and found == self._known[ending]:
                there.unlink()
            elif found is not None:
                there.rename(there.with_name(f"{self._file.name}.aside-{stamp}{ending}"))

    def _look(self) -> dict[str, tuple[int, int] | None]:
        return {ending: _identity(self._path(ending)) for ending in ("", *_BESIDE)}

    def _path(self, ending: str) -> Path:
        return self._file.with_name(self._file.name + ending)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
