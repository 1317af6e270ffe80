"""`sixfb share`: links that show one page of the hub to people without an account."""

from __future__ import annotations

import getpass
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import access, hub_config
from cli.command_error import CommandError, complain
from cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from facts import Share
    from hub.shares import Shares
    from store import Store

app = typer.Typer(help="Links that show one page of the hub to people without an account.", no_args_is_help=True)
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who makes or revokes it; you, if not said.")]


@app.command()
def create(
    path: Annotated[str, typer.Argument(metavar="PATH", help="The page, like /executive or /runs/ID, or its address.")],
    lasts: Annotated[
        str, typer.Option("--for", metavar="LENGTH", help="How long it opens the page: 10m to 90d.")
    ] = "7d",
    by: By = None,
) -> None:
    """Make a link that shows one page, read-only, until it expires or is revoked, and print it."""
    from hub.access import prefix_of
    from hub.errors import HubError
    from hub.shares import read_lifetime, read_page, refuse_missing

    routing = hub_config.read_routing()
    now = datetime.now(UTC)
    with closing(access.own_database()) as store:
        try:
            page = read_page(path, prefix_of(routing.base_url))
            length = read_lifetime(lasts)
            # The journeys take a while to read, and no other page needs them.
            journeys = list(hub_config.read_watched().schedules()) if page.startswith("/journeys/") else []
            with store.read() as connection:
                refuse_missing(connection, page, journeys=journeys)
            shares = _shares(store)
            share = shares.make(page, by=by or getpass.getuser(), lasts=length, now=now)
        except HubError as error:
            raise CommandError(str(error)) from None
        # The link alone on standard output, so that it can be piped.
        say(f"{(routing.base_url or '').rstrip('/')}{shares.path_of(share)}")
    complain(f"link {share.id} shows {share.path} until {share.expires_at:%Y-%m-%d %H:%M} UTC")
    if routing.base_url is None:
        complain("alerts.yaml has no base_url, so the link is without the hub's own address; put that before it")


@app.command("list")
def list_links(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Every link: what it shows, who made it, until when, when it was opened last."""
    from facts import to_wire

    now = datetime.now(UTC)
    with closing(access.own_database()) as store:
        found = _shares(store).listed()
    if as_json:
        say_json([{**to_wire(one), "now": one.state(now)} for one in found])
        return
    say_table(("id", "page", "made by", "until (UTC)", "last opened", "state"), [_row(one, now) for one in found])


def _row(share: Share, now: datetime) -> tuple[str, ...]:
    opened = f"{share.last_opened_at:%Y-%m-%d %H:%M}" if share.last_opened_at else "never"
    state = share.state(now) + (f" by {share.revoked_by}" if share.revoked_by else "")
    return share.id, share.path, share.by, f"{share.expires_at:%Y-%m-%d %H:%M}", opened, state


@app.command()
def revoke(share_id: Annotated[str, typer.Argument(metavar="ID")], by: By = None) -> None:
    """Revoke a link, at once."""
    from hub.errors import HubError

    with closing(access.own_database()) as store:
        try:
            _shares(store).revoke(share_id, by=by or getpass.getuser(), now=datetime.now(UTC))
        except HubError as error:
            raise CommandError(str(error)) from None
    say(f"{share_id} is revoked")


def _shares(store: Store) -> Shares:
    from hub.shares import Shares

    return Shares(store, access.own_key())
