"""Backs up and restores an SQLite database: a consistent copy made while hubs write, restored only while no hub runs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from process.private_files import private_file, private_folder
from process.sqlite_errors import sqlite_sentence
from store.engine import database_address, open_store
from store.errors import StoreError, StoreUnavailableError

_NEW_SUFFIX = ".part"
_OPEN = ("owed", "claimed")
_HELD = (
    "a backup was restored: whether it was delivered after that backup is not known, and it was not to be sent again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """Holds a summary of a backup: the number of runs, and of messages that were owed at its time."""

    file: Path
    bytes: int
    runs: int
    owed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Holds a summary of a restored database; `moved` is the new path of the database that was there before."""

    file: Path
    runs: int
    owed: int
    moved: Path | None = None


def sqlite_file(url: str | None, *, folder: Path) -> Path:
    """Return the file of the SQLite database that `open_store` would open. Raises StoreError if the database is not a file."""
    if url is None:
        return folder / "sixfb.db"
    parsed = database_address(url)
    if parsed.drivername == "sqlite" and parsed.database:
        return Path(parsed.database)
    raise StoreError("the database is not an SQLite file")


def backup(database: Path, file: Path, *, force: bool = False) -> BackedUp:
    """Copy the database as it is at one moment; concurrent writers neither wait nor fail.

    The copy is checked before it gets its name, so that a broken copy never replaces an earlier backup.

    Raises:
        StoreError: there is no database, the file exists already, or the copy cannot be written or is incomplete.
    """
    if not database.is_file():
        raise StoreError(f"there is no database {database}")
    if file.exists() and not force:
        raise StoreError(f"{file} is there already; name another file, or say --force")
    part = file.with_name(file.name + _NEW_SUFFIX)
    with _told(f"{file} cannot be written", database):
        part.unlink(missing_ok=True)
        # Readable by the owner only: it contains page texts, and the hashes of tokens and passwords.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _copy(database, part)
            runs, owed = _look(part)
            _sync(part)
            part.replace(file)
            # The folder is synced too, because the rename must survive a power cut.
            _sync(file.parent)
        finally:
            part.unlink(missing_ok=True)
    return BackedUp(file=file, bytes=file.stat().st_size, runs=runs, owed=owed)


def restore(file: Path, database: Path, *, now: datetime, force: bool = False, send_owed: bool = True) -> Restored:
    """Replace the database by a backup, migrated to this version. The old database is renamed, never deleted.

    With `send_owed`, the messages that were owed at the time of the backup are sent. If they were sent since, they are
    sent again with the same key, by which receivers recognize duplicates. Without it they are suppressed with a reason.

    Raises:
        StoreError: the file is not a complete backup or is of a newer version, a hub is running, or a database exists
            and `force` is not set.
    """
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    if database.exists():
        _refuse_running(database)
        if not force:
            raise StoreError(f"there is a database already, {database}; with --force it is moved aside")
    part = database.with_name(database.name + _NEW_SUFFIX)
    with _told(f"{file} cannot be restored", file):
        private_folder(database.parent)
        part.unlink(missing_ok=True)
        private_file(part)
        try:
            _copy(file, part)
            _look(part)
            _migrate(part)
            _settle(part, now, send_owed=send_owed)
            runs, owed = _look(part)
            _sync(part)
            moved = _move_aside(database, now) if database.exists() else None
            part.replace(database)
            _sync(database.parent)
        finally:
            for left in (part, *_beside(part)):
                left.unlink(missing_ok=True)
    return Restored(file=database, runs=runs, owed=owed, moved=moved)


@contextmanager
def _told(what: str, database: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        _refuse_locked(error, database)
        raise StoreError(f"{what}: {error}") from None


def _refuse_locked(error: Exception, database: Path) -> None:
    if isinstance(error, sqlite3.OperationalError) and "is locked" in str(error):
        raise StoreUnavailableError(sqlite_sentence(error, database) or str(error)) from None


def _copy(source: Path, target: Path) -> None:
    """Copy all pages in one step, as a consistent snapshot. In several steps, each writer's commit would restart the copy."""
    with closing(_opened(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to, pages=-1)
        # Switches to a single file, so that no second file beside it can be forgotten.
        to.execute("PRAGMA journal_mode=DELETE")


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0, isolation_level=None)


def _look(file: Path) -> tuple[int, int]:
    """Return the number of runs and of owed messages. Raises StoreError if the file is damaged or not a hub's database."""
    with closing(_opened(file)) as connection:
        damage = connection.execute("PRAGMA quick_check").fetchone()[0]
        if damage != "ok":
            raise StoreError(f"{file} is damaged: {damage}")
        try:
            runs = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
            owed = connection.execute("SELECT count(*) FROM notifications WHERE state IN (?, ?)", _OPEN).fetchone()[0]
        except sqlite3.OperationalError:
            raise StoreError(f"{file} is no database of a hub") from None
    return runs, owed


def _refuse_running(database: Path) -> None:
    try:
        with closing(_opened(database)) as connection:
            now_us = "(julianday('now') - 2440587.5) * 86400000000"
            found = connection.execute(f"SELECT holder FROM leases WHERE expires_at > {now_us}").fetchone()
    except sqlite3.Error as error:
        _refuse_locked(error, database)
        return  # a damaged or empty database may be the reason for the restore
    if found:
        raise StoreError(
            f"the hub {found[0]} uses {database}: stop it first (one that was killed counts for 30 s more)"
        )


def _migrate(database: Path) -> None:
    store = open_store(f"sqlite:///{database.absolute()}", folder=database.parent)
    try:
        store.migrate()
    finally:
        store.close()


def _settle(database: Path, now: datetime, *, send_owed: bool) -> None:
    """Release all claims and leases, because their hubs no longer exist."""
    with closing(_opened(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE leases SET expires_at = 0")
        values = ("owed", None) if send_owed else ("suppressed", f"{_HELD} ({now:%Y-%m-%d %H:%M} UTC)")
        connection.execute(
            "UPDATE notifications SET state = ?, reason = coalesce(?, reason), claimed_by = NULL, claimed_until = NULL "
            "WHERE state IN (?, ?)",
            (*values, *_OPEN),
        )
        connection.execute("COMMIT")


def _move_aside(database: Path, now: datetime) -> Path:
    """Rename the database together with its journal files, which belong to it and would damage another one."""
    aside = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise StoreError(f"{aside} is there already; try again in a second")
    for left in _beside(database):
        if left.exists():
            left.rename(aside.with_name(aside.name + left.name.removeprefix(database.name)))
    return database.rename(aside)


def _beside(database: Path) -> tuple[Path, ...]:
    return tuple(database.with_name(database.name + ending) for ending in ("-wal", "-shm", "-journal"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
