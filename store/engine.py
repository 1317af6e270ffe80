"""Opens the database: SQLite with the pragmas that reliable alerts need, or PostgreSQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config.files import UnreadableFileError, must_be_a_file
from process.private_files import private_file, private_folder
from store import identity
from store.errors import StoreError, StoreReplacedError, explained
from store.json_text import from_json_text, json_text

_LOCK_KEY = 0x51_6F_62
"""The key of PostgreSQL's advisory lock that lets one process at a time migrate."""
_LONGEST_LOCK_S = 600
_CONNECT_S, _POOL_S = 5, 3.0
"""The time limits for connecting to PostgreSQL and for a free connection of the pool, in seconds."""


class Store:
    """Accesses the database of a hub. Its transactions are context managers that yield a connection.

    A problem of the database itself (locked, full, missing, unresponsive) is raised as StoreUnavailableError, whichever
    driver reported it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._files: identity.FileIdentity | None = None
        self._name: str | None = None

    @property
    def dialect(self) -> str:
        """The kind of database: `sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction that may write.

        On SQLite it takes the write lock at its start: a deferred transaction that turns from reading to writing fails
        at once if another process wrote meanwhile, whatever the busy timeout. It is committed only if the block ends
        without an error; a pinned database is checked before and after.

        Raises:
            StoreUnavailableError: the database cannot be used now, or is another one.
        """
        return self._writing()

    def write_unlimited(self) -> AbstractContextManager[Connection]:
        """Open a write transaction without time limits, for long work such as a migration."""
        return self._writing(unlimited=True)

    @contextmanager
    def _writing(self, *, unlimited: bool = False) -> Iterator[Connection]:
        with self._explained():
            self._check_files()
            with self._engine.connect() as connection:
                connection = connection.execution_options(sixfb_begin="IMMEDIATE")
                with connection.begin(), self._unlimited(connection) if unlimited else nullcontext():
                    if self._name is not None:
                        identity.check_name(connection, self._name, self._where())
                    yield connection
            # A commit into a file that was deleted meanwhile is lost.
            self._check_files()

    def read(self) -> AbstractContextManager[Connection]:
        """Open a read-only transaction, which reads from one snapshot. Raises StoreUnavailableError like `write`."""
        return self._reading()

    def read_unlimited(self) -> AbstractContextManager[Connection]:
        """Open a read-only transaction without time limits, for long work such as a full copy."""
        return self._reading(unlimited=True)

    @contextmanager
    def _reading(self, *, unlimited: bool = False) -> Iterator[Connection]:
        with self._explained():
            self._check_files()
            with self._engine.connect() as connection:
                if self.dialect == "postgresql":
                    connection = connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                with connection.begin(), self._unlimited(connection) if unlimited else nullcontext():
                    yield connection

    @contextmanager
    def _unlimited(self, connection: Connection) -> Iterator[None]:
        """Lift the time limits of a transaction that has just begun. SQLite has none."""
        if self.dialect != "postgresql":
            yield
            return
        driver: Any = connection.connection.dbapi_connection
        usual, driver.limit_s = driver.limit_s, None
        try:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            yield
        finally:
            driver.limit_s = usual

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            # A deleted file can look like a failing disk; checking the files tells which it is.
            self._check_files()
            told = explained(error, self._engine.url)
            if told is None:
                raise
            raise told from error

    def pin(self) -> None:
        """Bind to this very database: from now on any other database in its place is refused.

        Raises:
            StoreError: it cannot be read or written.
        """
        with self.write() as connection:
            name = identity.name_of(connection)
        file = self._engine.url.database
        if self.dialect == "sqlite":
            if file and file != ":memory:":
                self._files = identity.FileIdentity(Path(file))
                event.listen(self._engine, "do_connect", self._check_before_connecting)
        else:
            self._pin_cluster()
        self._name = name

    def _pin_cluster(self) -> None:
        with self._engine.connect() as connection:
            known = identity.cluster_of(connection.connection.dbapi_connection)

        @event.listens_for(self._engine, "connect")
        def check(connection: Any, _record: Any) -> None:
            if identity.cluster_of(connection) != known:
                connection.close()
                raise StoreReplacedError(
                    f"the database {self._where()} is another one than this hub began with; restart the hub to go on with it",
                    public="the database is another one than this hub began with; restart the hub to go on with it",
                )

    def _check_before_connecting(self, *_: Any) -> None:
        # SQLite would create a new, empty file if the file is missing.
        self._check_files()

    def _check_files(self) -> None:
        if self._files is not None:
            self._files.check()

    def check(self) -> None:
        """Check on disk, bypassing all caches, that the database is still the one the hub started with. Raises StoreReplacedError."""
        if self._files is not None and self._name is not None:
            self._files.check()
            self._files.check_content(self._name)

    def _where(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    def migrate(self) -> None:
        """Migrate the tables to this version. Safe if several hubs start at once.

        Raises:
            StoreError: the database is newer than this program, or cannot be reached.
        """
        from store.migrations import upgrade

        try:
            with self.write_unlimited() as connection:
                if self.dialect == "postgresql":
                    connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCK_KEY)))
                upgrade(connection)
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be migrated: {_short(error)}") from None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        if self._files is not None:
            self._files.close()


def open_store(url: str | None, *, folder: Path) -> Store:
    """Open the database at a SQLAlchemy URL (`postgresql://...`, `sqlite:///...`), or `folder/sixfb.db` without one.

    Raises:
        StoreError: the URL is of another kind, or the database cannot be opened.
    """
    engine = _engine(url, folder)
    try:
        with engine.connect():
            pass
    except SQLAlchemyError as error:
        engine.dispose()
        told = explained(error, engine.url)
        if told is not None and not told.may_be_the_address:
            raise told from error
        where = engine.url.render_as_string(hide_password=True)
        raise StoreError(
            f"the database {where} cannot be opened: {told or _short(error)}; check DATABASE_URL"
        ) from None
    return Store(engine)


def _engine(url: str | None, folder: Path) -> Engine:
    if url is None:
        private_folder(folder)
        must_be_usable(folder / "sixfb.db", key="SIXFB_VAR")
        return _sqlite(URL.create("sqlite", database=str(folder / "sixfb.db")))
    parsed = database_address(url)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed)
    return _postgres(parsed.set(drivername="postgresql+psycopg"))


def database_address(url: str) -> URL:
    """Return the parts of a database URL for SQLite or PostgreSQL, with a supported driver. It does not connect.

    Raises:
        StoreError: it is not a URL, or names another kind of database, or one that keeps nothing.
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
    _lock_wait_s(parsed)
    must_be_usable(Path(str(parsed.database)))
    return parsed.set(drivername="sqlite")


def _lock_wait_s(url: URL) -> float:
    """Return how long to wait for a lock, in seconds; the URL may override it (`?timeout=60`). Raises StoreError."""
    text = url.query.get("timeout", "10")
    if (
        not isinstance(text, str)
        or not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text)
        or float(text) > _LONGEST_LOCK_S
    ):
        raise StoreError(
            f"DATABASE_URL: timeout: {text!r:.40} is no number of seconds up to {_LONGEST_LOCK_S}; write it like ?timeout=60"
        )
    return float(text)


def must_be_usable(file: Path, *, key: str = "DATABASE_URL") -> None:
    """Refuse a path that SQLite could not open as a database, or that would block forever. Raises StoreError."""
    try:
        must_be_a_file(file)
    except UnreadableFileError as error:
        # A missing file will be created, and for an unreadable one SQLite's own error is better.
        if os.path.lexists(file) and not file.is_file():
            raise StoreError(f"{key}: {file} {error.what}; name another place, or move that away") from None


def _postgres(url: URL) -> Engine:
    from store.postgres import STATEMENT_S, LimitedConnection

    engine = sqlalchemy.create_engine(
        url,
        pool_pre_ping=True,
        json_serializer=json_text,
        json_deserializer=from_json_text,
        pool_size=10,
        pool_timeout=_POOL_S,
        connect_args={"client_encoding": "utf8", "connect_timeout": _CONNECT_S},
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> Any:
        return LimitedConnection.connect(*arguments, **named)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # A separate statement instead of a connection option, because poolers like PgBouncer refuse such options.
        connection.execute(f"SET statement_timeout = {round(STATEMENT_S * 1000)}")
        connection.commit()

    return engine


def _sqlite(url: URL) -> Engine:
    file = url.database
    if file and file != ":memory:" and not file.startswith("file:") and Path(file).parent.is_dir():
        with suppress(OSError):  # SQLite itself explains best why it cannot open a file
            private_file(Path(file))
    connect_args = {"timeout": _lock_wait_s(url), "check_same_thread": False}
    engine = sqlalchemy.create_engine(
        url, connect_args=connect_args, json_serializer=json_text, json_deserializer=from_json_text
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # Prevents pysqlite from starting transactions by itself, which would be deferred ones.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("sixfb_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {how}")

    return engine


def _short(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())[:300]
