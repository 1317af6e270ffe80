"""`sixfb db`: the hub's database."""

from __future__ import annotations

import typer

from cli import watching
from cli.failing import Failing

app = typer.Typer(help="The hub's database.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Keeps `upgrade` a subcommand while it is the only one."""


@app.command()
def upgrade() -> None:
    """Bring the database to this version's form; doing it twice changes nothing. `sixfb hub` does it at its start."""
    from store import StoreError

    store = watching.open_database()
    try:
        store.migrate()
    except StoreError as error:
        raise Failing(str(error)) from None
    finally:
        store.close()
    typer.echo("the database is up to date")
