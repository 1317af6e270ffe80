"""Explains SQLite's errors in sentences that say what to do, for hub and runner."""

from __future__ import annotations

import sqlite3

_BY_CODE = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_CANTOPEN: "not_opened",
    sqlite3.SQLITE_NOTADB: "no_database",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_IOERR: "disk",
}
# An error without a code, or with the generic code of statement errors, is recognized by its text.
_BY_TEXT = (
    ("is locked", "locked"),
    ("disk is full", "full"),
    ("readonly database", "read_only"),
    ("unable to open", "not_opened"),
    ("not a database", "no_database"),
    ("malformed", "damaged"),
    ("disk I/O error", "disk"),
    ("no such table", "older"),
    ("no such column", "older"),
    ("has no column named", "older"),
)
_SENTENCES = {
    "locked": (
        "the database {file} is locked by another program and stayed so; a second hub, a backup program or a `sqlite3` shell "
        "may hold it (`fuser -v {file}` names the processes). End that program or its transaction, then try again"
    ),
    "full": "the disk that holds the database {file} is full; make room there, then try again",
    "read_only": (
        "the database {file} cannot be written: its disk is mounted read-only, or the file or its folder belongs to another "
        "user. Make both writable for this user, then try again"
    ),
    "not_opened": (
        "the database {file} cannot be opened; check that its folder exists, that this user may write there, and that the "
        "process has file descriptors left"
    ),
    "no_database": (
        "{file} is not an SQLite database: it was overwritten, or the path is wrong. Put the right file back "
        "(`sixfb db restore` for the hub's)"
    ),
    "damaged": (
        "the database {file} is damaged. Stop every program that uses it, keep a copy, and put a backup back "
        "(`sixfb db restore` for the hub's)"
    ),
    "disk": "the disk that holds the database {file} fails ({text}); look at the system's log, then at the disk",
    "older": (
        "the database {file} has not the form that this version needs ({text}); it is of another version or no hub's. "
        "`sixfb db upgrade` brings an older one to this version's form"
    ),
}


def sqlite_sentence(error: sqlite3.Error, file: object) -> str | None:
    """Return what is wrong with a database file and what to do; None for an error in one of our statements."""
    kind = _kind(error)
    return _SENTENCES[kind].format(file=file, text=error) if kind is not None else None


def _kind(error: sqlite3.Error) -> str | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary result code: https://www.sqlite.org/rescode.html
    known = _BY_CODE.get(code & 0xFF) if code is not None else None
    return known or next((kind for part, kind in _BY_TEXT if part in str(error)), None)
