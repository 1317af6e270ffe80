"""Errors of both drivers become sentences that say what to do, and a server that never answers is not waited for for ever."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store import StoreUnavailableError, open_store
from store.errors import explained
from store.postgres import LimitedConnection
from tests.databases import a_migrated_store

SQLITE = make_url("sqlite:////var/hub/sixfb.db")
POSTGRES = make_url("postgresql+psycopg://me:secret@db.example:5433/sixfb")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("database is locked", "may hold it (`fuser -v /var/hub/sixfb.db`"),
        ("database table is locked", "locked by another program"),
        ("database or disk is full", "disk that holds the database /var/hub/sixfb.db is full"),
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "cannot be opened"),
        ("file is not a database", "is not an SQLite database"),
        ("database disk image is malformed", "is damaged"),
        ("disk I/O error", "look at the system's log"),
        ("no such table: alerts", "`sixfb db upgrade`"),
        ("no such column: runs.evil", "`sixfb db upgrade`"),
    ],
)
def test_what_sqlite_says_is_explained(text: str, says: str) -> None:
    told = explained(OperationalError("SELECT 1", {}, sqlite3.OperationalError(text)), SQLITE)
    assert told is not None
    assert says in str(told)
    assert "/var/hub" not in told.public
    assert "SELECT" not in str(told)


def test_a_code_of_sqlite_is_believed_before_its_text(tmp_path: Path) -> None:
    file = tmp_path / "sixfb.db"
    file.write_bytes(b"no database, but a text that is longer than any header of one" * 40)
    with closing(sqlite3.connect(file)) as connection, pytest.raises(sqlite3.DatabaseError) as refused:
        connection.execute("SELECT * FROM runs")
    told = explained(ProgrammingError("", {}, refused.value), SQLITE)
    assert "is not an SQLite database" in str(told)


@pytest.mark.parametrize(
    ("error", "says", "silent"),
    [
        (psycopg.errors.QueryCanceled("canceling statement"), "took too long", False),
        (psycopg.errors.AdminShutdown("terminating connection"), "does not answer", True),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), "takes no writes", False),
        (psycopg.errors.TooManyConnections("too many"), "has no resources left", False),
        (psycopg.errors.DiskFull("no space"), "has no room on its disk", False),
        (psycopg.errors.UndefinedTable('relation "runs" does not exist'), "sixfb db upgrade", False),
        (psycopg.errors.InsufficientPrivilege("permission denied"), "does not let this user", False),
        (psycopg.errors.InvalidPassword("password authentication failed"), "refuses the login", False),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "me"'), "refuses the login", False),
        (psycopg.OperationalError('FATAL:  database "sixfb" does not exist'), "has no database of that name", False),
        (psycopg.OperationalError("connection refused"), "does not answer", True),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), "does not answer", True),
    ],
)
def test_what_postgres_says_is_explained(error: psycopg.Error, says: str, silent: bool) -> None:
    told = explained(OperationalError("SELECT 1", {}, error), POSTGRES)
    assert told is not None
    assert says in str(told)
    assert "db.example:5433/sixfb" in str(told)
    assert "secret" not in str(told)
    assert "db.example" not in told.public
    assert told.silent is silent


def test_a_mistake_of_ours_is_not_the_databases() -> None:
    for error in (sqlite3.IntegrityError("UNIQUE constraint failed"), sqlite3.OperationalError('near "FORM"')):
        assert explained(OperationalError("", {}, error), SQLITE) is None
    assert explained(ProgrammingError("", {}, psycopg.errors.SyntaxError("at FORM")), POSTGRES) is None
    assert isinstance(explained(PoolTimeout(), POSTGRES), StoreUnavailableError)


def test_a_server_that_is_frozen_is_not_waited_for_for_ever(postgres: str) -> None:
    connection = LimitedConnection.connect(f"{postgres}/postgres")
    connection.limit_s = 0.2
    process = connection.info.backend_pid
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(psycopg.OperationalError, match=r"no answer within 0\.2 s"):
            connection.execute("SELECT 1")
        assert connection.closed
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_statement_is_cancelled_by_the_server_itself_but_for_what_may_take_its_time(
    postgres: str, tmp_path: Path
) -> None:
    with a_migrated_store(f"{postgres}/postgres", tmp_path) as store:
        with store.read() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "10s"
        with store.read_unlimited() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
        with store.write() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "10s"


def test_a_transaction_says_what_is_wrong_with_the_database(tmp_path: Path) -> None:
    with a_migrated_store(None, tmp_path) as store:

        def ask() -> None:
            with store.read() as connection:
                connection.exec_driver_sql("SELECT * FROM none_such")

        with pytest.raises(StoreUnavailableError, match="no such table: none_such"):
            ask()


def test_a_file_that_is_locked_while_it_is_opened_is_no_wrong_address(tmp_path: Path) -> None:
    file = tmp_path / "sixfb.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("CREATE TABLE x (a)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailableError, match="locked by another program"):
            open_store(f"sqlite:///{file}?timeout=0.1", folder=tmp_path)
