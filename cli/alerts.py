"""`sixfb alerts`: what fires, what it rests on, and taking it on."""

from __future__ import annotations

import getpass
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config, settings
from cli.command_error import CommandError
from cli.output import say, say_json

if TYPE_CHECKING:
    from facts import Alert

app = typer.Typer(help="Alerts: what fires, why, and who has it.", no_args_is_help=True)
AlertId = Annotated[str, typer.Argument(metavar="ID", help="The alert's id, or a beginning of it that no other has.")]
_STYLES = {"critical": "bold red", "high": "yellow", "medium": "cyan", "low": "dim", "info": "dim"}


@app.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The alerts that are pending or firing; with --all those that are over."""
    from facts import to_wire
    from store import alerts as alert_rows

    with closing(hub_config.existing_database()) as store, store.read() as connection:
        found = alert_rows.listed(connection, limit=200) if everything else alert_rows.standing(connection)
    if as_json:
        say_json(to_wire(found))
        return
    if not found:
        say("there are no alerts" if everything else "no alert is pending or firing")
    _print(found)


def _print(found: list[Alert]) -> None:
    from alerts.message import duration

    for alert in found:
        when = f"since {alert.began_at:%Y-%m-%d %H:%M:%S} UTC"
        if alert.lasted_s is not None:
            when = f"{when}, lasted {duration(alert.lasted_s)}"
        taken = f", acknowledged by {alert.acked_by}" if alert.acked_by else ""
        style = _STYLES[alert.severity]
        say((f"{alert.severity} {alert.state}", style), " ", (alert.id, "bold"), f" {when}{taken}")
        say(f"  {alert.summary}")
        if alert.closed:
            say(f"  {alert.closed}; it did not recover")


@app.command()
def show(
    alert_id: AlertId,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """One alert: what it rests on, what became of it, and every message it owed."""
    from cli import ids
    from facts import to_wire
    from store import alerts as alert_rows
    from store import ladder, outbox

    with closing(hub_config.existing_database()) as store, store.read() as connection:
        alert_id = ids.alert_id(connection, alert_id)
        alert = alert_rows.get(connection, alert_id)
        if alert is None:
            raise CommandError(f"no alert {alert_id!r}; `sixfb alerts list --all` shows those there are")
        changes = alert_rows.changes(connection, alert_id)
        incident = [alert.incident] if alert.incident else []
        owed, calls = outbox.of_threads(connection, incident), ladder.of_incidents(connection, incident)
    if as_json:
        told = {"changes": to_wire(changes), "notifications": to_wire(owed), "escalation": to_wire(calls)}
        say_json({**to_wire(alert), **told})
        return
    _print([alert])
    say(f"  incident {alert.incident or '-'}; counted: {', '.join(alert.counted) or '-'}")
    for left_out in alert.left_out:
        say(f"  left out: {left_out}")
    for run in alert.runs:
        say(f"  run: {run}")
    for one in owed:
        said = one.reason or one.last_error or ""
        say(
            f"  {one.kind} to {one.destination}: {one.state}, {one.tries} {'try' if one.tries == 1 else 'tries'} {said}".rstrip()
        )
    for call in calls:
        when = call.done_at or call.due_at
        roles = ", ".join(recipient.role for recipient in call.recipients) or "nobody"
        again = f", repetition {call.repeat}" if call.repeat else ""
        say(
            f"  tier {call.tier}{again} ({roles}): {call.status} {when:%Y-%m-%d %H:%M:%S} UTC {call.note or ''}".rstrip()
        )


@app.command()
def ack(
    alert_id: AlertId,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who acknowledges it; you, if not said.")
    ] = None,
) -> None:
    """Acknowledge an alert and its incident: everybody who was told of it learns who has it."""
    _take_on(alert_id, by, take=True)


@app.command()
def unack(
    alert_id: AlertId,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who unacknowledges it; you, if not said.")
    ] = None,
) -> None:
    """Unacknowledge an alert and its incident."""
    _take_on(alert_id, by, take=False)


def _take_on(alert_id: str, by: str | None, *, take: bool) -> None:
    from cli import ids
    from hub.acknowledge import take_on
    from hub.errors import HubError

    settings.announce("alerts.yaml")
    routing = hub_config.read_routing()
    policy, who = hub_config.read_policy(routing, base_url=routing.base_url or ""), by or getpass.getuser()
    with closing(hub_config.existing_database()) as store:
        with store.read() as connection:
            alert_id = ids.alert_id(connection, alert_id)
        try:
            alert = take_on(store, policy, alert_id, by=who, now=datetime.now(UTC), take=take)
        except HubError as error:
            raise CommandError(str(error)) from None
    say(f"{alert.id} is acknowledged by {alert.acked_by}" if alert.acked_by else f"{alert.id} is not acknowledged")
