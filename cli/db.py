"""`sixfb db`: the hub's database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config
from cli.backup import backup, restore
from cli.command_error import CommandError, without_store
from cli.output import say

if TYPE_CHECKING:
    from store import Store

app = typer.Typer(help="The hub's database.", no_args_is_help=True)


app.command()(backup)
app.command()(restore)


@app.command()
def upgrade() -> None:
    """Bring the database to this version's form; doing it twice changes nothing. `sixfb hub` does it at its start."""
    from store import StoreError

    store = hub_config.open_database()
    try:
        store.migrate()
    except StoreError as error:
        raise without_store(error) from None
    finally:
        store.close()
    say("the database is up to date")


@app.command()
def copy(
    from_url: Annotated[
        str, typer.Option("--from", metavar="URL", help="The history: sqlite:////path/sixfb.db or postgresql://…")
    ],
    to_url: Annotated[str, typer.Option("--to", metavar="URL", help="An empty database of either kind.")],
) -> None:
    """Move a whole history to another database: everything or nothing. Stop the hub first."""
    from store import StoreError
    from store.copying import copy as copy_all

    with ExitStack() as opened:
        try:
            source = _open(from_url, "--from", opened, must_exist=True)
            target = _open(to_url, "--to", opened)
            rows = copy_all(source, target)
        except StoreError as error:
            raise without_store(error) from None
    for name, count in rows.items():
        say(f"{name:20} {count:>10,}")
    say(f"{sum(rows.values()):,} rows copied; set DATABASE_URL to the new database and start the hub")


def _open(url: str, option: str, opened: ExitStack, *, must_exist: bool = False) -> Store:
    """Open a database by its address. Raises CommandError, StoreError."""
    from store import StoreError, StoreUnavailableError, open_store

    scheme, _, path = url.partition(":///")
    if must_exist and scheme.startswith("sqlite") and not Path(path).is_file():
        raise CommandError(f"{option}: there is no file {path or '(none is named)'}; an absolute path has four slashes")
    try:
        store = open_store(url, folder=Path())
    except StoreError as error:
        if isinstance(error, StoreUnavailableError):
            raise
        said = str(error)
        for setting, here in (("; check DATABASE_URL", ""), ("DATABASE_URL: ", ""), ("DATABASE_URL", "it")):
            said = said.replace(setting, here)
        raise CommandError(f"{option}: {said}") from None
    opened.callback(store.close)
    return store
