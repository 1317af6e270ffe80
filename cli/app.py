"""The command's root: its subcommands, and what becomes of an error.

Exit codes everywhere: 2 is bad usage or configuration, 3 is our own fault; neither prints a traceback.
"""

from __future__ import annotations

import os
import sys
import traceback

import typer
from typer import Abort
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from cli import alerts, browser, check, db, demo, hub, journeys, ledger, new, run, runner, runs, sla, tokens, users
from cli.failing import Failing, complain
from cli.output import discard_output, prepare_streams, say, say_error
from config import ConfigError
from config.network import spare_this_machine
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
        say(f"sixfb {our_version()}")
        raise typer.Exit


def _run() -> int:
    """Run the command and return its exit code; how a command is used is said as everything else is."""
    try:
        return app(standalone_mode=False) or 0
    except ClickException as error:
        context = error.ctx if isinstance(error, UsageError) else None
        if isinstance(error, NoArgsIsHelpError):
            return error.exit_code
        if context is not None:
            say_error(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.")
        complain(error.format_message())
        return error.exit_code
    except Abort:
        complain("aborted")
        return 1


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True)) -> None:
    """Options that hold for every subcommand."""


def main() -> None:
    """The console script. `SIXFB_DEBUG=1` shows where an error of ours came from."""
    prepare_streams()
    spare_this_machine(os.environ)
    try:
        code = _run()
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:
        discard_output()
        sys.exit(1)
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
        complain(f"sixfb failed: {type(error).__name__}: {error} (this is our fault; SIXFB_DEBUG=1 shows where)")
        sys.exit(3)
