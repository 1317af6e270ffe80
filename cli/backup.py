"""`sixfb db backup` and `sixfb db restore`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import hub_config, settings
from cli.command_error import CommandError, without_store
from cli.output import say

_DUMP = 'pg_dump --format=custom --file={file} "$DATABASE_URL"'
_LOAD = 'pg_restore --clean --if-exists --no-owner --single-transaction --exit-on-error --dbname "$DATABASE_URL" {file}'


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Copy the database as it is at one moment, also while the hub runs. Evidence is a folder of its own, to be copied after it."""
    from store import StoreError
    from store.backup import backup as back_up

    database = _sqlite_file(_DUMP.format(file=file))
    try:
        made = back_up(database, file, force=force)
    except StoreError as error:
        raise without_store(error) from None
    say(f"{made.file}: {made.runs:,} runs, {made.owed} messages owed, {made.bytes / 1e6:.1f} MB")
    say(f"copy {hub_config.hub_folder() / 'evidence'} too, after this: its files never change")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `sixfb db backup` made.")],
    force: Annotated[bool, typer.Option("--force", help="Move a database that is there aside.")] = False,
    hold_owed: Annotated[
        bool, typer.Option("--hold-owed", help="Do not send what was owed then: it may have been sent since.")
    ] = False,
) -> None:
    """Put a copy in the database's place. Stop the hub first; the database that was there is kept beside it."""
    from store import StoreError
    from store.backup import restore as put_back

    database = _sqlite_file(_LOAD.format(file=file))
    try:
        done = put_back(file, database, now=datetime.now(UTC), force=force, send_owed=not hold_owed)
    except StoreError as error:
        raise without_store(error) from None
    if done.moved:
        say(f"what was there is {done.moved} now")
    sent = "withheld" if hold_owed else f"{done.owed} of them to be sent"
    say(f"{done.file}: {done.runs:,} runs; messages that were owed then: {sent}; start the hub")


def _sqlite_file(instead: str) -> Path:
    """Return the database's file. For PostgreSQL it raises CommandError with the equivalent command."""
    from store import StoreError
    from store.backup import sqlite_file

    try:
        return sqlite_file(settings.database_url(), folder=hub_config.hub_folder())
    except StoreError:
        raise CommandError(f"DATABASE_URL is no SQLite file; for PostgreSQL this does it: {instead}") from None
