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
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
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
def a_database(cluster: str, *, migrated: bool = False) -> Iterator[str]:
    """A database of one's own in a cluster, empty or with the product's tables; its URL."""
    name = f"test_{secrets.token_hex(6)}"
    template = _with_tables(cluster) if migrated else "template0"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {_quickly(connection)}")
        try:
            yield f"{cluster}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
        store.migrate()
    try:
        yield store
    finally:
        store.close()
