"""The command's root: its subcommands, and what becomes of an error.

Exit codes everywhere: 2 is bad usage or configuration, 3 is our own fault; neither prints a traceback.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback

import typer

from cli import alerts, browser, check, db, demo, hub, journeys, ledger, new, run, runner, runs, sla, tokens, users
from cli.failing import OUR_FAULT, Failing, complain
from config import ConfigError
from config.network import spare_this_machine
from config.sqlite_errors import sqlite_sentence
from journeys.browser import our_version

app = typer.Typer(
    name="sixfb",
    help="A synthetic buyer: buys tickets in a real browser, and says what broke.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("browser")(browser.browser)
app.command("hub")(hub.hub)
app.command("runner")(runner.runner)
app.command("sla")(sla.sla)
app.command("ledger")(ledger.ledger)
app.add_typer(runs.app, name="runs")
app.add_typer(alerts.app, name="alerts")
app.add_typer(db.app, name="db")
app.add_typer(tokens.app, name="token")
app.add_typer(users.app, name="user")
app.add_typer(journeys.app, name="journeys")
app.add_typer(new.app, name="new")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sixfb {our_version()}")
        raise typer.Exit


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True)) -> None:
    """Options that hold for every subcommand."""


def main() -> None:
    """The console script. `SIXFB_DEBUG=1` shows where an error of ours came from."""
    spare_this_machine(os.environ)
    try:
        app()
    except ConfigError as error:
        complain(str(error))
        sys.exit(2)
    except Failing as error:
        complain(str(error))
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last one who can turn an error into a sentence
        if os.environ.get("SIXFB_DEBUG"):
            traceback.print_exc()
        fault = f"sixfb failed: {type(error).__name__}: {error} (this is our fault; SIXFB_DEBUG=1 shows where)"
        complain(_of_a_database(error) or fault)
        sys.exit(OUR_FAULT)


def _of_a_database(error: Exception) -> str | None:
    """The sentence of a database that cannot be used now, which is nobody's mistake in here."""
    if isinstance(error, sqlite3.Error):
        return sqlite_sentence(error, "that this command uses")
    # Most commands never load what speaks with the hub's database.
    if "store" not in sys.modules:
        return None
    from store import StoreError

    return str(error) if isinstance(error, StoreError) else None
