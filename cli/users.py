"""`sixfb user`: manages the people who log in to the hub."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cli import access
from cli.command_error import CommandError
from cli.output import say, say_json, say_table
from config.secrets import read_secret_file
from facts import Role

app = typer.Typer(help="The people who log in to the hub.", no_args_is_help=True)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="Read the password there, not from the terminal.")
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[Role, typer.Option("--role", help="viewer reads, operator acts on alerts, admin everything.")],
    password_file: PasswordFile = None,
) -> None:
    """Add a person. From the first one on the hub asks everybody to log in."""
    from hub.errors import HubError

    if not _NAME.fullmatch(name):
        raise CommandError(f"{name!r}: small letters, digits and . _ @ - only, 64 at most")
    with closing(access.own_database()) as store:
        try:
            access.logins(store).add(name, role, _password(password_file))
        except HubError as error:
            raise CommandError(str(error)) from None
    say(f"{name} may log in, as {role}")


@app.command("list")
def list_users(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Everybody who may log in."""
    from facts import to_wire
    from store import users

    with closing(access.own_database()) as store, store.read() as connection:
        found = users.listed(connection)
    if as_json:
        say_json(to_wire(found))
        return
    rows = [(u.name, u.role, f"{u.created_at:%Y-%m-%d %H:%M}", f"{u.changed_at:%Y-%m-%d %H:%M}") for u in found]
    say_table(("name", "role", "added (UTC)", "password set"), rows)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    even_the_last: Annotated[
        bool, typer.Option("--even-the-last", help="Though nobody need log in to a hub at 127.0.0.1 then.")
    ] = False,
) -> None:
    """Remove a person, and end their sessions at once."""
    from store import users

    with closing(access.own_database()) as store, store.write() as connection:
        known = [user.name for user in users.listed(connection)]
        if name in known and len(known) == 1 and not even_the_last:
            raise CommandError(
                f"{name} is the last user: without one everybody on this machine may do everything; "
                "if that is meant, say --even-the-last"
            )
        if not users.remove(connection, name):
            raise _nobody(name)
    say(f"{name} is removed, and logged out")


@app.command()
def passwd(name: Annotated[str, typer.Argument(metavar="NAME")], password_file: PasswordFile = None) -> None:
    """Set another password, and end that person's sessions at once."""
    from hub.errors import HubError

    with closing(access.own_database()) as store:
        try:
            changed = access.logins(store).set_password(name, _password(password_file))
        except HubError as error:
            raise CommandError(str(error)) from None
    if not changed:
        raise _nobody(name)
    say(f"{name} has another password, and is logged out everywhere")


def _nobody(name: str) -> CommandError:
    return CommandError(f"no user {name!r}; `sixfb user list` shows those there are")


def _password(file: Path | None) -> str:
    """Return the password: from the file, else typed twice at a terminal, else the first line of standard input."""
    if file is not None:
        return read_secret_file(file, key="--password-file")
    if sys.stdin.isatty():
        password: str = typer.prompt("password", hide_input=True, confirmation_prompt=True)
        return password
    return sys.stdin.readline().rstrip("\r\n")
