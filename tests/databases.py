"""Both databases for tests: SQLite in a temporary folder, and a throw-away PostgreSQL cluster that lasts one session."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from process.private_files import private_file, private_folder
from store import Store, open_store
from tests.leaving_out import leave_out

BOTH = ("sqlite", "postgresql")


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(on_path).resolve().parent if on_path else found[-1].parent if found else None


@contextmanager
def a_cluster(*, durable: bool = False) -> Iterator[str]:
    """A cluster on a port that the system chose; its URL without a database's name. Only a durable one waits for its disk, as
    PostgreSQL does by itself."""
    programs = postgres_programs()
    if programs is None:
        leave_out("PostgreSQL is not installed; on Debian and Ubuntu: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="sixfb-pg-", dir="/tmp"))
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, "postgres", "postgres")
    run = ["runuser", "-u", "postgres", "--"] if as_root else []
    data, user = folder / "data", "postgres"
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    start = [*run, str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=200"
    if not durable:
        # Nor does it clean up behind a test while others run.
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"
    try:
        _quietly(
            [
                *run,
                str(programs / "initdb"),
                "-D",
                str(data),
                "-U",
                user,
                "-A",
                "trust",
                "--no-sync",
                "--locale=C",
                "-E",
                "UTF8",
            ]
        )
        _quietly([*start, "-o", options, "start"])
        yield f"postgresql://{user}@127.0.0.1:{port}"
    finally:
        subprocess.run([*start, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def _quietly(command: list[str]) -> None:
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


@contextmanager
def a_database(cluster: str) -> Iterator[str]:
    """An empty database of one's own in a cluster; its URL."""
    name = _created(cluster, "template0")
    try:
        yield f"{cluster}/{name}"
    finally:
        _drop(cluster, name)


_FREE: dict[str, list[str]] = {}
"""Databases with the product's tables that no test uses now, by their cluster."""
_LARGEST_BYTES = 40_000_000
"""The size of a database that is not emptied again; a new one has 9 MB."""
_MIGRATED: set[str] = set()
"""The URLs of all databases that began with the product's tables."""


@contextmanager
def a_database_with_tables(cluster: str, *, new: bool = False) -> Iterator[str]:
    """A database with the product's tables and nothing in them that no other test uses now; its URL.

    Emptying one costs a tenth of copying another. One whose tables a test has changed is not used again. What asks for PostgreSQL's
    plans wants a new one: they depend on what was in the tables before.
    """
    free = [] if new else _FREE.setdefault(cluster, [])
    name = free.pop() if free else _created(cluster, _with_tables(cluster))
    _MIGRATED.add(f"{cluster}/{name}")
    try:
        yield f"{cluster}/{name}"
    finally:
        if not new and _emptied(cluster, name):
            free.append(name)
        else:
            _drop(cluster, name)


def _created(cluster: str, template: str) -> str:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {_quickly(connection)}")
    return name


def _drop(cluster: str, name: str) -> None:
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _emptied(cluster: str, name: str) -> bool:
    """Bring a database back to the rows of its template; False where it has other tables than it began with, or is large."""
    shape, rows = _contents(cluster)
    with psycopg.connect(f"{cluster}/{name}") as connection:
        # A killed hub's connections hold its locks until the server has noticed.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        # Rows that are gone are still read over: past some size a new copy is cheaper.
        (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        if size > _LARGEST_BYTES or _shape(connection) != shape:
            return False
        connection.execute("SET session_replication_role = replica")
        connection.execute("; ".join(f'DELETE FROM "{table}"' for table in rows))
        connection.execute("SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences")
        for table, first in rows.items():
            for row in first:
                connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join(["%s"] * len(row))})', row)
    return True


@cache
def _contents(cluster: str) -> tuple[list[tuple[Any, ...]], dict[str, list[tuple[Any, ...]]]]:
    """The shape of a migrated database, and the rows of each of its tables."""
    with psycopg.connect(f"{cluster}/{_with_tables(cluster)}") as connection:
        shape = _shape(connection)
        return shape, {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table, *_ in shape}


def _shape(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """The tables of a database with their columns and types, in order."""
    return connection.execute(
        "SELECT relname, array_agg(attname || ' ' || atttypid || attnotnull ORDER BY attnum)"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY relname ORDER BY relname"
    ).fetchall()


def _quickly(connection: psycopg.Connection[Any]) -> str:
    """How to copy a template's files: since PostgreSQL 15 the usual way writes each page to the log, which takes four times as long."""
    return "STRATEGY file_copy" if connection.info.server_version >= 150000 else ""


@cache
def _with_tables(cluster: str) -> str:
    """The name of a database with the product's tables and nothing in them, from which others are copied; it goes with its cluster."""
    name = "with_tables"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {_quickly(connection)}")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"{cluster}/{name}", folder=Path(folder))
        store.migrate()
        store.close()
    return name


@cache
def _file_with_tables() -> bytes:
    """An SQLite database with the product's tables and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(None, folder=Path(folder))
        store.migrate()
        store.close()
        return Path(folder, "sixfb.db").read_bytes()


@contextmanager
def a_migrated_store(url: str | None, folder: Path) -> Iterator[Store]:
    """A store with its tables. A new one of SQLite begins as a copy of one that was migrated: migrating takes half a second."""
    file = folder / "sixfb.db"
    if url is None and not file.exists():
        private_folder(folder)
        private_file(file)
        file.write_bytes(_file_with_tables())
        store = open_store(None, folder=folder)
    else:
        store = open_store(url, folder=folder)
        if url not in _MIGRATED:
            store.migrate()
    try:
        yield store
    finally:
        store.close()
