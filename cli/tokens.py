"""`sixfb token`: manages the tokens with which runners and sources authenticate at the hub."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import access, settings
from cli.command_error import CommandError, complain
from cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from facts import Token, TokenKind

app = typer.Typer(help="The tokens with which runners and sources come to the hub.", no_args_is_help=True)


@app.command()
def create(
    location: Annotated[
        str | None, typer.Option("--location", metavar="NAME", help="For the runner of this location.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="For a program that sends events.")
    ] = None,
) -> None:
    """Make a token and print it, this once. From the first token on the hub asks every runner for one."""
    from hub.errors import HubError
    from hub.tokens import Tokens

    kind, subject = _whose(location, source)
    with closing(access.own_database()) as store:
        try:
            token, text = Tokens(store, access.own_key()).issue(kind, subject, now=datetime.now(UTC))
        except HubError as error:
            raise CommandError(str(error)) from None
    # The token alone on standard output: it can be piped into a secret's file.
    say(text)
    what = "SIXFB_TOKEN of the runner" if location else "the Authorization header: Bearer"
    complain(f"token {token.id} of {subject}: put it into {what}; it is shown only now")


def _whose(location: str | None, source: str | None) -> tuple[TokenKind, str]:
    from facts import TokenKind

    if (location is None) == (source is None):
        raise CommandError("name either --location NAME or --source NAME")
    if location is not None:
        settings.announce("locations.yaml")
        return TokenKind.LOCATION, settings.known_location(location)
    return TokenKind.SOURCE, source or ""


@app.command("list")
def list_tokens(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Every token ever made: whose, since when, last used when, whether it still holds."""
    from facts import to_wire
    from store import tokens

    with closing(access.own_database()) as store, store.read() as connection:
        found = tokens.listed(connection)
    if as_json:
        say_json(to_wire(found))
        return
    say_table(("id", "kind", "of", "made (UTC)", "last used", "state"), map(_row, found))


def _row(token: Token) -> tuple[str, ...]:
    used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
    return (
        token.id,
        token.kind,
        token.subject,
        f"{token.created_at:%Y-%m-%d %H:%M}",
        used,
        f"revoked {token.revoked_at:%Y-%m-%d %H:%M}" if token.revoked_at else "active",
    )


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a token, at once."""
    from store import tokens

    with closing(access.own_database()) as store, store.write() as connection:
        if not tokens.revoke(connection, token_id, at=datetime.now(UTC)):
            raise CommandError(f"no active token {token_id!r}; `sixfb token list` shows those there are")
    say(f"{token_id} is revoked")
