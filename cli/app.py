"""Defines the command's root: its subcommands, and how errors are reported.

Exit codes everywhere: 2 is bad usage or configuration, 3 is our own fault; neither prints a traceback.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module

import typer
from typer import Abort
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from cli.command_error import OUR_FAULT, USAGE, CommandError, complain
from cli.output import prepare_streams, say, say_error
from config import ConfigError
from journeys.browser import our_version
from process.network import spare_this_machine
from process.sqlite_errors import sqlite_sentence

_READER_GONE = 1
"""As click has it for what breaks while a command runs."""

COMMANDS = {
    "run": "cli.run:run",
    "demo": "cli.demo:demo",
    "check": "cli.check:check",
    "browser": "cli.browser:browser",
    "hub": "cli.hub:hub",
    "inbox": "cli.inbox:inbox",
    "runner": "cli.runner:runner",
    "sla": "cli.sla:sla",
    "ledger": "cli.ledger:ledger",
    "pytest": "cli.pytest:pytest",
    "runs": "cli.runs:app",
    "alerts": "cli.alerts:app",
    "db": "cli.db:app",
    "token": "cli.tokens:app",
    "user": "cli.users:app",
    "share": "cli.share:app",
    "journeys": "cli.journeys:app",
    "new": "cli.new:app",
    "metrics": "cli.metrics:app",
    "sources": "cli.sources:app",
    "jobs": "cli.jobs:app",
    "pings": "cli.pings:app",
    "status": "cli.status:app",
    "report": "cli.report:app",
    "checklist": "cli.checklist:checklist",
}
"""Each subcommand, in the order of `--help`: the module, and in it a function, or the app of a group of subcommands."""


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command with these subcommands. A run needs its own alone: importing all of them takes longer than many a step."""
    app = typer.Typer(
        name="sixfb",
        help="A synthetic buyer: buys tickets in a real browser, and says what broke.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        file = import_module(module)
        found = getattr(file, attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name, context_settings=getattr(file, "CONTEXT", None))(found)
    return app


def _asked_for(arguments: Sequence[str]) -> Iterable[str]:
    """Return the subcommand that the arguments name; all if they name none, as for `--help`, or an unknown one."""
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    return (first,) if first in COMMANDS else COMMANDS


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"sixfb {our_version()}")
        raise typer.Exit


def _run() -> int | str | None:
    """Run the command and return its exit code; usage errors are printed like all other messages."""
    try:
        return command_line(_asked_for(sys.argv[1:]))(standalone_mode=False) or 0
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
    except SystemExit as ended:  # what was printed is not out yet
        return ended.code


def _root(version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True)) -> None:
    """Options that hold for every subcommand."""


def main() -> None:
    """Run the console script. `SIXFB_DEBUG=1` shows the traceback of an internal error."""
    _open_standard_streams()
    prepare_streams()
    spare_this_machine(os.environ)
    try:
        _refuse_broken_text()
        code = _run()
        _flush()
    except ConfigError as error:
        complain(str(error))
        code = USAGE
    except CommandError as error:
        complain(str(error))
        code = error.code
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        lost = _output_lost(error)
        code = _our_fault(error) if lost is None else lost
    except Exception as error:  # noqa: BLE001 - the last one who can turn an error into a sentence
        code = _our_fault(error)
    sys.exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _our_fault(error: Exception) -> int:
    if os.environ.get("SIXFB_DEBUG"):
        traceback.print_exc()
    fault = f"sixfb failed: {type(error).__name__}: {error} (this is our fault; SIXFB_DEBUG=1 shows where)"
    complain(_of_a_database(error) or fault)
    return OUR_FAULT


def _output_lost(error: OSError) -> int | None:
    """Return the exit code if the output has no reader any more or its disk is full; None for any other error."""
    if error.errno == errno.EPIPE:
        code = _READER_GONE  # `| head`: who reads no further has what was wanted
    elif error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and error.filename is None:
        complain(f"standard output cannot be written: {error.strerror}")
        code = USAGE
    else:
        return None
    # What is still held back would be tried, and fail, once more at the interpreter's end.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
                continue
            os.dup2(nowhere, stream.fileno())
    return code


def _open_standard_streams() -> None:
    """Where a standard stream is closed, put nothing in its place: else the next file that is opened, the database, would be it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)


def _refuse_broken_text() -> None:
    """Refuse arguments and settings that are not UTF-8: no file, database or terminal could take them. Raises CommandError."""
    for number, argument in enumerate(sys.argv[1:], 1):
        if not _is_text(argument):
            raise CommandError(f"argument {number} is not UTF-8 text: {os.fsencode(argument)!r:.120}")
    for name, value in os.environ.items():
        if name.startswith(("SIXFB_", "STRIPE_", "DATABASE_URL")) and not _is_text(value):
            raise CommandError(f"{name}: is not UTF-8 text")


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _of_a_database(error: Exception) -> str | None:
    """Return the sentence about a database that cannot be used now, which is no internal error."""
    if isinstance(error, sqlite3.Error):
        return sqlite_sentence(error, "that this command uses")
    # Most commands never load what speaks with the hub's database.
    if "store" not in sys.modules:
        return None
    from store import StoreError

    return str(error) if isinstance(error, StoreError) else None
