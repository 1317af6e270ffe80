"""Converts the errors of the database drivers to sentences for people; no other file does this."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from process.sqlite_errors import sqlite_sentence

# Keys are SQLSTATE codes, or classes of two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {
    "57014": "took too long over a statement; look for long transactions (`pg_stat_activity`) and at its load",
    "55P03": "did not get a lock in time; look for long transactions (`pg_stat_activity`)",
    "40001": "had to undo a transaction because of another one; try again",
    "40P01": "had to undo a transaction because of another one; try again",
    "25006": "takes no writes: it is a standby or set to read-only. Set DATABASE_URL to the primary",
    "3D000": "has no database of that name; check DATABASE_URL, or create it and restore a backup",
    "42P01": "has not the tables that this version needs; `sixfb db upgrade` brings an older database to this version's form",
    "42703": "has not the columns that this version needs; `sixfb db upgrade` brings an older database to this version's form",
    "42501": "does not let this user read or write the tables; grant the rights, or check the user in DATABASE_URL",
    "53100": "has no room on its disk; make room there",
    "28": "refuses the login; check user and password in DATABASE_URL, and pg_hba.conf",
    "53": "has no resources left (connections, memory); raise its limits or end other clients",
    "58": "has trouble with its own disk; look at its log",
    "XX": "reports a damaged database; look at its log, and restore a backup",
}
_SHUTDOWN = ("57P01", "57P02", "57P03", "57P05")
_LOGIN_WORDS = ("authentication failed", "no pg_hba.conf entry", "no password supplied")
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist')
_SILENT = "does not answer; check that it runs, that it is not overloaded, and that this machine reaches it"


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


class StoreUnavailableError(StoreError):
    """The database cannot be used now; the same request may succeed later.

    `public` is the sentence without the address, for untrusted readers. `silent` means that any other use would wait
    equally long and fail. `may_be_the_address` means that the setting may be wrong if this happens while opening.
    """

    def __init__(
        self, message: str, *, public: str | None = None, silent: bool = False, may_be_the_address: bool = False
    ) -> None:
        super().__init__(message)
        self.public = public or message
        self.silent = silent
        self.may_be_the_address = may_be_the_address


class StoreReplacedError(StoreUnavailableError):
    """The database is not the one that this program started with: it was deleted, moved, emptied or replaced."""

    def __init__(self, message: str, *, public: str | None = None) -> None:
        super().__init__(message, public=public, silent=True)


def explained(error: SQLAlchemyError, url: URL) -> StoreUnavailableError | None:
    """Return the problem of the database at `url`; None if the error is in one of our statements."""
    if isinstance(error, PoolTimeout):
        return StoreUnavailableError("every connection to the database is in use; try again")
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    if isinstance(error.orig, sqlite3.Error):
        file = url.database or "in memory"
        told, public = (sqlite_sentence(error.orig, name) for name in (file, Path(file).name))
        if told is None:
            return None
        cannot = "cannot be opened" in told or "not an SQLite database" in told
        return StoreUnavailableError(told, public=public, may_be_the_address=cannot)
    return _of_postgres(error, error.orig, url)


def _of_postgres(error: DBAPIError, cause: Any, url: URL) -> StoreUnavailableError | None:
    state: str = getattr(cause, "sqlstate", None) or ""
    text = " ".join(str(cause).split())[:300]
    # The server's errors during connecting have no SQLSTATE code.
    if not state and any(words in text for words in _LOGIN_WORDS):
        state = "28000"
    elif not state and _NO_DATABASE.search(text):
        state = "3D000"
    silent = state[:2] == "08" or state in _SHUTDOWN or (not state and _is_of_the_connection(error, cause))
    said = _SILENT if silent else _POSTGRES.get(state) or _POSTGRES.get(state[:2])
    if said is None:
        return None
    where = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    return StoreUnavailableError(
        f"PostgreSQL at {where} {said} ({text})",
        public=f"PostgreSQL {said}",
        silent=silent,
        may_be_the_address=silent or state[:2] in ("28", "3D"),
    )


def _is_of_the_connection(error: DBAPIError, cause: Any) -> bool:
    """Return whether the error concerns the connection, and was not the server's answer to a statement."""
    return error.connection_invalidated or type(cause).__name__ in (
        "OperationalError",
        "ConnectionTimeout",
        "InterfaceError",
    )
