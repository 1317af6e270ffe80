"""`sixfb pings`: the shop's own jobs that report their runs to the hub."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config
from cli.command_error import CommandError
from cli.output import say, say_json, say_table
from config.durations import words

if TYPE_CHECKING:
    from facts import Ping, PingCheckShown

app = typer.Typer(help="The shop's own jobs, which ping the hub when they run.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
_STYLES = {"down": "red", "late": "yellow", "new": "dim", "started": "cyan", "up": "green"}
_SHOWN = 20


@app.command("list")
def list_pings(as_json: AsJson = False) -> None:
    """Every job of `pings` in site.yaml: whether it has done its work, and when it is expected again.

    Exit code: 0 no job is down; 1 one is.
    """
    from facts import to_wire

    found = _checks()
    if as_json:
        say_json({"pings": to_wire(found)})
    elif not found:
        say("no job is watched: site.yaml has no `pings`")
    else:
        rows = [
            (
                one.name,
                (one.state, _STYLES[one.state]),
                one.schedule,
                f"{one.last_ping_at:%Y-%m-%d %H:%M:%S}" if one.last_ping_at else "",
                words(one.last_duration_s) if one.last_duration_s is not None else "",
                one.why,
            )
            for one in found
        ]
        say_table(("job", "state", "schedule", "last ping (UTC)", "took", "why"), rows)
    if any(one.state == "down" for one in found):
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job; `sixfb pings list` shows them.")],
    as_json: AsJson = False,
) -> None:
    """One job: what is expected of it, its address, its last pings, and what it said last."""
    from facts import to_wire
    from hub.ping_checks import checks_of
    from store import pings

    found = next((one for one in _checks() if one.name == name), None)
    checks = {check.name: check for check in checks_of(hub_config.read_watched().site)}
    if found is None:
        raise CommandError(f"no job {name!r:.80}; there are: {', '.join(checks) or 'none'}")
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        last = pings.last(connection, checks[name].uuid)
    path = f"/ping/{checks[name].uuid}"
    if as_json:
        say_json({**to_wire(found), "path": path, "last": to_wire(last)})
        return
    say((found.name, "bold"), "  ", (found.state, _STYLES[found.state]), f"  {found.why}")
    schedule = f"{found.schedule} ({found.timezone})" if found.cron else found.schedule
    say(f"  {schedule}, {words(found.grace_s)} of grace; it pings {path} of the hub")
    for one in last[:_SHOWN]:
        say(f"  {one.at:%Y-%m-%d %H:%M:%S} UTC  {_said(one)}")
    if found.last_body:
        say("  its last output:")
        for line in found.last_body.splitlines():
            say(f"    {line}")


def _said(ping: Ping) -> str:
    code = f", exit code {ping.exit_status}" if ping.exit_status is not None else ""
    took = f", took {words(ping.duration_s)}" if ping.duration_s is not None else ""
    run = f", run {ping.run_id}" if ping.run_id is not None else ""
    return f"{ping.kind}{code}{took}{run}"


def _checks() -> list[PingCheckShown]:
    from hub.ping_checks import shown_checks, watched_checks

    site = hub_config.read_watched().site
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        return shown_checks(watched_checks(connection, site), datetime.now(UTC))
