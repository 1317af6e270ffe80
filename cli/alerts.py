"""`sixfb alerts`: what fires, what it rests on, and taking it on."""

from __future__ import annotations

import difflib
import getpass
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config, settings
from cli.command_error import CommandError, complain
from cli.output import say, say_json

if TYPE_CHECKING:
    from alerts.policy import Policy
    from alerts.preview import Preview
    from alerts.reach import Reach
    from alerts.routes import Routing
    from alerts.weekly_trial import TrialResult
    from facts import Alert, Silence

app = typer.Typer(help="Alerts: what fires, why, and who has it.", no_args_is_help=True)
AlertId = Annotated[str, typer.Argument(metavar="ID", help="The alert's id, or a beginning of it that no other has.")]
_Values = Annotated[list[str] | None, typer.Option(metavar="TEXT", help="What an alert has to be, to be silenced.")]
_KIND_WORDS = {"sms": "twilio", "mail": "email"}
"""Other words for the kinds of channels."""
_STYLES = {"critical": "bold red", "high": "yellow", "medium": "cyan", "low": "dim", "info": "dim"}


@app.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The alerts that are pending or firing; with --all those that are over."""
    from facts import to_wire
    from store import alerts as alert_rows
    from store import silences as silence_rows

    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        found = alert_rows.listed(connection, limit=200) if everything else alert_rows.standing(connection)
        active = silence_rows.active(connection, now)
    if as_json:
        say_json(to_wire(found))
        return
    if not found:
        say("there are no alerts" if everything else "no alert is pending or firing")
    _print(found, active, now)


def _print(found: list[Alert], silences: Sequence[Silence] = (), now: datetime | None = None) -> None:
    """Print alerts; for firing ones also who silenced them `now`."""
    from alerts.message import duration
    from alerts.silences import silence_of

    for alert in found:
        when = f"since {alert.began_at:%Y-%m-%d %H:%M:%S} UTC"
        if alert.lasted_s is not None:
            when = f"{when}, lasted {duration(alert.lasted_s)}"
        taken = f", acknowledged by {alert.acked_by}" if alert.acked_by else ""
        taken = f"{taken}, flapping" if alert.flapping and alert.resolved_at is None else taken
        style = _STYLES[alert.severity]
        say((f"{alert.severity} {alert.state}", style), " ", (alert.id, "bold"), f" {when}{taken}")
        say(f"  {alert.summary}")
        if alert.closed:
            say(f"  {alert.closed}; it did not recover")
        silence = silence_of(alert, silences, now) if now is not None and alert.state == "firing" else None
        if silence is not None:
            say(
                f"  silenced by {silence.by} until {silence.ends_at:%Y-%m-%d %H:%M} UTC ({silence.id}): {silence.reason}"
            )


@app.command()
def show(
    alert_id: AlertId,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """One alert: what it rests on, what became of it, and every message it owed."""
    from cli import ids
    from facts import to_wire, trail_of, withheld_thread
    from store import alerts as alert_rows
    from store import ladder, outbox

    with closing(hub_config.existing_database()) as store, store.read() as connection:
        alert_id = ids.alert_id(connection, alert_id)
        alert = alert_rows.get(connection, alert_id)
        if alert is None:
            raise CommandError(f"no alert {alert_id!r}; `sixfb alerts list --all` shows those there are")
        changes = alert_rows.changes(connection, alert_id)
        incident = [alert.incident] if alert.incident else []
        owed, calls = (
            outbox.of_threads(connection, [*incident, withheld_thread(alert_id)]),
            ladder.of_incidents(connection, incident),
        )
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
        tier = f" (tier {one.tier})" if one.tier is not None else ""
        say(f"  {one.kind} to {one.destination}{tier}: {trail_of(one)}")
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
    length: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="LENGTH",
            help="How long it holds: 30m, 2h, 1d; as `unack_after` of alerts.yaml says, if not said.",
        ),
    ] = None,
) -> None:
    """Acknowledge an alert and its incident: everybody who was told of it learns who has it."""
    _take_on(alert_id, by, take=True, length=length)


@app.command()
def incidents(
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too, the newest 50.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The open incidents; with --all those that are over."""
    from alerts.message import duration
    from cli.report import report_settings
    from facts import to_wire
    from hub.incident_data import load_stories
    from reports.periodic.sections.incidents import title_of
    from store import incidents as incident_rows

    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        found = incident_rows.page(connection, is_open=None if everything else True, limit=50)
        stories = load_stories(connection, found, report_settings(), now=now)
    if as_json:
        say_json(to_wire([story.incident for story in stories]))
        return
    if not stories:
        say("there are no incidents" if everything else "no incident is open")
    for story in stories:
        begins, ends = story.span(now)
        severity, over = story.incident.severity, story.incident.resolved_at is not None
        length = f"lasted {duration((ends - begins).total_seconds())}" if over else "open"
        say((severity.value, _STYLES[severity]), " ", (story.incident.id, "bold"), f" {title_of(story)}")
        say(f"  since {begins:%Y-%m-%d %H:%M:%S} UTC, {length}")


@app.command()
def postmortem(
    incident_id: Annotated[
        str, typer.Argument(metavar="ID", help="The incident's id, like inc-41; `sixfb alerts incidents` lists them.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The file that it is written to; printed, if not said.")
    ] = None,
) -> None:
    """Draft a post-mortem of an incident in Markdown: its time line, who was told, what it cost, and the questions to answer."""
    from cli.report import report_settings
    from hub.incident_data import load_incident
    from reports.postmortem import postmortem as draft

    settings.announce("site.yaml", "locations.yaml", "sla.yaml", "alerts.yaml")
    routing, told = hub_config.read_routing(), report_settings()
    policy = hub_config.read_policy(routing, base_url=told.base_url)
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        data = load_incident(connection, incident_id, told, policy, now=datetime.now(UTC))
    if data is None:
        raise CommandError(f"no incident {incident_id!r:.80}; `sixfb alerts incidents --all` shows the latest")
    text = draft(data, base_url=told.base_url)
    if out is None:
        for text_line in text.rstrip("\n").split("\n"):
            say(text_line)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"--out: {out} cannot be written: {error.strerror}") from None
    say(f"post-mortem: {out}")


@app.command()
def unack(
    alert_id: AlertId,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who unacknowledges it; you, if not said.")
    ] = None,
) -> None:
    """Unacknowledge an alert and its incident."""
    _take_on(alert_id, by, take=False)


@app.command()
def resolve(
    alert_id: AlertId,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; everybody who was told of the alert reads it.")
    ] = "",
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who resolves it; you, if not said.")] = None,
) -> None:
    """End an alert that cannot end by itself, because what it is about is gone: `sixfb alerts resolve ID --reason "..."`.

    Everybody who was told of it learns who ended it and why. It fires again if its rule is still breached.
    """
    from cli import ids
    from hub.errors import HubError
    from hub.resolve import read_reason
    from hub.resolve import resolve as end

    try:
        why = read_reason(reason)
    except ValueError as error:
        raise CommandError(f"--{error}") from None
    settings.announce("alerts.yaml")
    routing = hub_config.read_routing()
    policy, who = hub_config.read_policy(routing, base_url=routing.base_url or ""), by or getpass.getuser()
    with closing(hub_config.existing_database()) as store:
        with store.read() as connection:
            alert_id = ids.alert_id(connection, alert_id)
        try:
            alert = end(store, policy, alert_id, by=who, reason=why, now=datetime.now(UTC))
        except HubError as error:
            raise CommandError(str(error)) from None
    say(f"{alert.id} is {alert.closed}; it fires again if {alert.rule} is breached at the next tick")


@app.command()
def escalate(
    incident_id: Annotated[
        str, typer.Argument(metavar="ID", help="The incident's id, like inc-41; `sixfb alerts incidents` lists them.")
    ],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who asks for it; you, if not said.")] = None,
) -> None:
    """Call the next escalation tier of an incident now, at any hour; an acknowledgement is taken back."""
    from hub.errors import HubError
    from hub.escalate import escalate as call_next_tier

    settings.announce("alerts.yaml", "site.yaml")
    routing, site = hub_config.read_routing(), hub_config.read_watched().site
    policy = hub_config.read_policy(routing, base_url=routing.base_url or "")
    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store:
        try:
            called = call_next_tier(store, policy, incident_id, by=by or getpass.getuser(), now=now, site=site)
        except HubError as error:
            raise CommandError(str(error)) from None
    for row in called:
        roles = ", ".join(recipient.role for recipient in row.recipients) or "nobody"
        outcome = f"called by {', '.join(row.destinations)}" if row.destinations else row.note or "reached nobody"
        say(f"tier {row.tier} of {row.incident} ({roles}): {outcome}")


@app.command()
def who(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Who would be told now: the routes and the escalation tiers of each severity, with the destinations behind each name."""
    from alerts.reach import reach
    from facts import to_wire

    settings.announce("alerts.yaml")
    routing = hub_config.read_routing()
    rows = reach(hub_config.read_policy(routing, base_url=routing.base_url or ""), datetime.now(UTC))
    if as_json:
        say_json(to_wire(rows))
    else:
        _say_reach(rows)


def _say_reach(rows: Sequence[Reach]) -> None:
    last = ("", "")
    for row in rows:
        if (row.severity.value, row.when) != last:
            last = (row.severity.value, row.when)
            say((row.severity.value, _STYLES[row.severity]), f" {row.when}")
        people = f" ({', '.join(row.people)})" if row.people else ""
        by = ", ".join(row.destinations) or "nobody: no contact is set"
        say(f"  {row.name}{people}: {by}")


@app.command("test")
def send_test(
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="NAME", help="Only this destination, person or role; may be repeated."),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who tests; you, if not said.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Send a marked message to every destination, and say what each answered and who would be reached.

    Exit code 0 if every destination took the message and every name in routes and tiers reaches somebody, else 1.
    """
    import os

    from alerts.reach import reach, unreached
    from alerts.trial import send_trial
    from facts import to_wire

    settings.announce("alerts.yaml")
    routing = hub_config.read_routing()
    policy = hub_config.read_policy(routing, base_url=routing.base_url or "")
    now = datetime.now(UTC)
    wanted = frozenset(routing.all_destinations())
    if to:
        unknown = [name for name in to if not policy.directory.knows(name)]
        if unknown:
            raise CommandError(f"{unknown[0]!r} is no destination, person, role or alias of alerts.yaml")
        wanted = frozenset(policy.directory.ways_of_receivers(to, now))
    who_tests = by or getpass.getuser()
    results = send_trial(routing, os.environ, wanted, now=now, by=who_tests)
    _keep_results(results, now, who_tests)
    rows = [] if to else reach(policy, now, reached=frozenset(one.destination for one in results if one.ok))
    nobody = unreached(rows)
    if as_json:
        say_json({"results": to_wire(results), "reach": to_wire(rows), "unreached": sorted(nobody)})
    else:
        for one in results:
            say("reached  " if one.ok else ("failed   ", "bold red"), f" {one.destination}: {one.detail}")
        for name, calls in nobody.items():
            say(("nobody    ", "bold red"), f"{name} reaches nobody ({'; '.join(calls)})")
        taken = sum(one.ok for one in results)
        noun = "destination" if len(results) == 1 else "destinations"
        say(f"{taken} of {len(results)} {noun} took the message")
    if nobody or not results or not all(one.ok for one in results):
        raise typer.Exit(1)


def _keep_results(results: Sequence[TrialResult], now: datetime, by: str) -> None:
    """Store the destinations' responses if the hub has a database: `sixfb alerts routes` and the checklist show them."""
    from store import StoreError, trials

    try:
        with closing(hub_config.existing_database()) as store, store.write() as connection:
            trial = f"trial-{now:%Y%m%dT%H%M%S%f}"
            rows = [
                trials.StoredTrial(
                    trial=trial, destination=one.destination, at=now, ok=one.ok, detail=one.detail[:500], by=by[:100]
                )
                for one in results
            ]
            trials.add(connection, rows)
    except (CommandError, StoreError) as error:
        complain(f"the results are not stored: {error}")


@app.command("routes")
def show_routes(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """When each destination was last told of an alert and last tested, and when each rule last fired."""
    from facts import to_wire
    from hub.routes_shown import shown_routes

    settings.announce("alerts.yaml", "sla.yaml")
    routing, targets = hub_config.read_routing(), hub_config.read_targets()
    policy = hub_config.read_policy(routing, base_url=routing.base_url or "")
    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        found = shown_routes(connection, policy, targets, now)
    if as_json:
        say_json(to_wire(found))
        return
    last = ("", "")
    for row in found.routes:
        if (row.severity.value, row.when) != last:
            last = (row.severity.value, row.when)
            say((row.severity.value, _STYLES[row.severity]), f" {row.when}")
        say(f"  {row.name}: last told {_when(row.last_told)}, last tested {_when(row.last_tested)}")
    for rule in found.rules:
        say(f"rule {rule.rule}: last fired {_when(rule.last_fired)}, its route last tested {_when(rule.last_tested)}")


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "never"


@app.command("preview")
def preview_messages(
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="RULE", help="The rule that fires; F0, if not said.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            metavar="NAME",
            help="Only this kind of channel (slack, sms, email, ...), destination, person or role; may be repeated.",
        ),
    ] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="SEVERITY", help="In place of the rule's own severity.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print every message of an example incident as each channel would send it; nothing is sent, and no hub is needed.

    The incident fires, escalates tier by tier, is acknowledged and resolved. Business hours hold nothing back.
    """
    from alerts.preview import chosen, previews
    from facts import Severity, to_wire
    from hub.sample_verdicts import sample_of

    if severity is not None and severity not in set(Severity):
        raise CommandError(f"--severity: {severity!r:.40} is none; write {', '.join(Severity)}")
    settings.announce("alerts.yaml", "sla.yaml")
    routing, targets, watched = hub_config.read_routing(), hub_config.read_targets(), hub_config.read_watched()
    rule = rule or next(iter(targets.rules()))
    if rule not in targets.rules():
        close = difflib.get_close_matches(rule, targets.rules(), n=1)
        hint = f"did you mean {close[0]}?" if close else "`sixfb sla` lists those there are"
        raise CommandError(f"--rule: no rule is named {rule!r:.80}; {hint}")
    policy = hub_config.read_policy(routing, base_url=routing.base_url or "")
    now = datetime.now(UTC)
    sample = sample_of(
        targets,
        rule,
        schedules=watched.schedules(),
        steps={name: journey.steps for name, journey in hub_config.known_journeys().items()},
        now=now,
        severity=Severity(severity) if severity is not None else None,
    )
    found = previews(sample, policy, routing.all_destinations(), now)
    if channel:
        kinds, ways = _wanted_channels(channel, routing, policy, now)
        found = list(chosen(found, kinds, ways))
    if as_json:
        say_json({"rule": rule, "messages": to_wire(found)})
    elif not found:
        fired = sample.breaches[0].severity
        say(f"nobody is told of rule {rule} ({fired}) by this; `sixfb alerts who` shows who is told of what")
    else:
        _say_previews(found)


def _wanted_channels(
    channel: Sequence[str], routing: Routing, policy: Policy, now: datetime
) -> tuple[list[str], list[str]]:
    """Return the kinds and the destinations that the options select. Raises CommandError."""
    from alerts.channels import KINDS

    kinds: list[str] = []
    names: list[str] = []
    for one in channel:
        if (kind := _KIND_WORDS.get(one, one)) in KINDS and one not in routing.destinations:
            kinds.append(kind)
        elif policy.directory.knows(one):
            lends = one in routing.destinations and routing.lends_its_settings(one)
            (kinds if lends else names).append(routing.destinations[one].kind if lends else one)
        else:
            words = ", ".join(sorted({*KINDS, *_KIND_WORDS}))
            raise CommandError(
                f"--channel: {one!r:.80} is no kind of channel ({words}), and no destination, person, role or alias of "
                "alerts.yaml",
            )
    return kinds, list(policy.directory.ways_of_receivers(names, now))


def _say_previews(found: Sequence[Preview]) -> None:
    from alerts.channels.text import GSM_SEGMENT, septets
    from alerts.message import duration

    for one in found:
        when = "at once" if one.after_s < 1 else f"after {duration(one.after_s)}"
        say((f"{one.why}, {when}", "bold"), f" {one.channel} to {', '.join(one.destinations)}")
        text = one.content.text or json.dumps(one.content.data, indent=2, ensure_ascii=False)
        for text_line in text.rstrip("\n").split("\n"):
            say(f"  {text_line}")
        if one.channel == "twilio":
            say((f"  {septets(text)} of {GSM_SEGMENT} characters", "dim"))
        say()


@app.command()
def silence(
    rule: _Values = None,
    severity: _Values = None,
    family: _Values = None,
    journey: _Values = None,
    city: _Values = None,
    location: _Values = None,
    length: Annotated[str, typer.Option("--for", metavar="LENGTH", help="How long: 30m, 2h, 1d.")] = "1h",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever reads it.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Silence nothing; list the alerts of 7 days that it would have held back.")
    ] = False,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who silences; you, if not said.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell nobody of the alerts that match, for a time: `sixfb alerts silence --rule F0 --for 2h --reason deploy`.

    Each option may be given several times; one of its values must match, and so must every option. `*` stands for any text.
    """
    from alerts.silences import SilenceError, read_match
    from facts import to_wire
    from hub import silence_endpoints
    from hub.errors import HubError

    asked = {
        "rule": rule,
        "severity": severity,
        "family": family,
        "journey": journey,
        "city": city,
        "location": location,
    }
    wanted = {key: values for key, values in asked.items() if values}
    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store:
        try:
            if preview:
                with store.read() as connection:
                    found = silence_endpoints.preview(connection, read_match(wanted), now)
                _say_preview(found, as_json=as_json)
                return
            request = {"match": wanted, "for": length, "reason": reason}
            made = silence_endpoints.make_silence(store, request, by=by or getpass.getuser(), now=now)
        except (HubError, SilenceError) as error:
            raise CommandError(str(error)) from None
    if as_json:
        say_json(to_wire(made))
    else:
        say(f"{made.id} silences {made.about} until {made.ends_at:%Y-%m-%d %H:%M:%S} UTC")


def _say_preview(found: list[Alert], *, as_json: bool) -> None:
    from facts import to_wire

    if as_json:
        say_json(to_wire(found))
        return
    critical = sum(alert.severity == "critical" for alert in found)
    noun = "alert" if len(found) == 1 else "alerts"
    say(f"it would have held back {len(found)} {noun} in the last 7 days, {critical} of them critical")
    _print(found)


@app.command()
def unsilence(
    silence_id: Annotated[
        str, typer.Argument(metavar="ID", help="The silence's id; `sixfb alerts silences` lists them.")
    ],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who ends it; you, if not said.")] = None,
) -> None:
    """End a silence now. What still fires is told within seconds."""
    from hub.errors import HubError
    from hub.silence_endpoints import end_silence

    with closing(hub_config.existing_database()) as store:
        try:
            ended = end_silence(store, silence_id, by=by or getpass.getuser(), now=datetime.now(UTC))
        except HubError as error:
            raise CommandError(str(error)) from None
    say(f"{ended.id} ended at {ended.ends_at:%Y-%m-%d %H:%M:%S} UTC")


@app.command()
def silences(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """The silences to come, those that hold, and those that ended in the last 7 days."""
    from facts import to_wire
    from hub.silence_endpoints import shown_silences

    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        found = shown_silences(connection, now)
    if as_json:
        say_json([{**to_wire(one), "now": one.state(now).value} for one in found])
        return
    if not found:
        say("nothing is silenced")
    for one in found:
        ended = f", ended by {one.ended_by}" if one.ended_by else ""
        say(f"{one.state(now)} ", (one.id, "bold"), f" {one.about}")
        say(
            f"  from {one.starts_at:%Y-%m-%d %H:%M} to {one.ends_at:%Y-%m-%d %H:%M} UTC by {one.by}{ended}: {one.reason}"
        )


def _take_on(alert_id: str, by: str | None, *, take: bool, length: str | None = None) -> None:
    from cli import ids
    from hub.acknowledge import read_length, take_on
    from hub.errors import HubError

    try:
        held_for = read_length(length)
    except ValueError as error:
        raise CommandError(f"--{error}") from None
    settings.announce("alerts.yaml")
    routing = hub_config.read_routing()
    policy, who = hub_config.read_policy(routing, base_url=routing.base_url or ""), by or getpass.getuser()
    with closing(hub_config.existing_database()) as store:
        with store.read() as connection:
            alert_id = ids.alert_id(connection, alert_id)
        try:
            alert = take_on(store, policy, alert_id, by=who, now=datetime.now(UTC), take=take, length=held_for)
        except HubError as error:
            raise CommandError(str(error)) from None
    until = f" until {alert.acked_until:%Y-%m-%d %H:%M:%S} UTC" if alert.acked_until else ""
    say(
        f"{alert.id} is acknowledged by {alert.acked_by}{until}"
        if alert.acked_by
        else f"{alert.id} is not acknowledged"
    )
