"""Opens the database: SQLite with the pragmas that alerts depend on, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config.private import private_file, private_folder
from store.json_text import from_json_text, json_text

_LOCK_KEY = 0x51_6F_62
"""PostgreSQL's advisory lock under which one process at a time migrates."""


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


class Store:
    """The database of a hub. Its transactions are context managers that give a connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write. On SQLite it takes the write lock at its beginning: a deferred transaction that
        turns from reading to writing fails at once when another wrote meanwhile, whatever the busy timeout."""
        with self._engine.connect() as connection:
            connection = connection.execution_options(sixfb_begin="IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees one moment throughout."""
        with self._engine.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def migrate(self) -> None:
        """Bring the tables to this version's form. Safe when several hubs start at once.

        Raises:
            StoreError: the database is newer than this program, or cannot be reached.
        """
        from store.migrations import upgrade

        try:
            with self.write() as connection:
                if self.dialect == "postgresql":
                    connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCK_KEY)))
                upgrade(connection)
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be migrated: {_short(error)}") from None

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_store(url: str | None, *, folder: Path) -> Store:
    """The store at a SQLAlchemy URL (`postgresql://...`, `sqlite:///...`), or in `folder/sixfb.db` without one.

    Raises:
        StoreError: the URL is of another kind, or nothing answers there.
    """
    engine = _engine(url, folder)
    try:
        with engine.connect():
            pass
    except SQLAlchemyError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise StoreError(f"the database {where} cannot be opened: {_short(error)}; check DATABASE_URL") from None
    return Store(engine)


def _engine(url: str | None, folder: Path) -> Engine:
    if url is None:
        private_folder(folder)
        return _sqlite(URL.create("sqlite", database=str(folder / "sixfb.db")))
    parsed = database_address(url)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed)
    return sqlalchemy.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        json_serializer=json_text,
        json_deserializer=from_json_text,
        pool_size=10,
        connect_args={"client_encoding": "utf8", "connect_timeout": 10},
    )


def database_address(url: str) -> URL:
    """The parts of a database's address, of SQLite or PostgreSQL, with a driver that is here. Nothing is asked there.

    Raises:
        StoreError: it is no address, or that of another kind of database, or of one that keeps nothing.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise StoreError(
            "DATABASE_URL is not a database's address; write it like postgresql://user@host/name"
        ) from None
    kind, _, driver = parsed.drivername.partition("+")
    if kind in ("postgres", "postgresql"):
        if driver not in ("", "psycopg"):
            raise StoreError(f"DATABASE_URL: the driver {driver!r:.40} is not here; write postgresql:// alone")
        return parsed.set(drivername="postgresql")
    if kind != "sqlite":
        raise StoreError(f"DATABASE_URL: {kind:.40} is not supported; use postgresql:// or sqlite:///")
    if driver not in ("", "pysqlite"):
        raise StoreError(f"DATABASE_URL: the driver {driver!r:.40} is not here; write sqlite:/// alone")
    if parsed.host:
        raise StoreError(
            "DATABASE_URL: SQLite is a file: write sqlite:///folder/file.db, or four slashes before an absolute path"
        )
    if parsed.database in (None, "", ":memory:"):
        raise StoreError(
            "DATABASE_URL: names no file, so everything would be forgotten at the end; write sqlite:///sixfb.db"
        )
    return parsed.set(drivername="sqlite")


def _sqlite(url: URL) -> Engine:
    file = url.database
    if file and file != ":memory:" and not file.startswith("file:") and Path(file).parent.is_dir():
        with suppress(OSError):  # SQLite itself says best why a file cannot be opened
            private_file(Path(file))
    connect_args = {"timeout": 10.0, "check_same_thread": False}
    engine = sqlalchemy.create_engine(
        url, connect_args=connect_args, json_serializer=json_text, json_deserializer=from_json_text
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # pysqlite must not begin transactions by itself: it would begin deferred ones.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("sixfb_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {how}")

    return engine


def _short(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())[:300]
