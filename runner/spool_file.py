"""The file of the spool: its tables, also where an earlier version made them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from config.private import private_file

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


def opened(file: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """A connection for any thread; what it commits is on disk. Raises sqlite3.OperationalError where the disk is full."""
    private_file(file)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10.0, factory=factory)
    try:
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
