"""`sixfb checklist`: the guide's checklist, ticked by what this installation knows of itself."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config, settings
from cli.command_error import CommandError, complain, writable_folder
from cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from reports.checklist import ChecklistFacts

_ERRORS = "app_errors"
"""The metric by which the site's errors are judged."""
_STYLES = {"done": "green", "open": "yellow", "tick it yourself": "dim"}


def checklist(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write it as checklist.html into this folder as well.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The guide's three lists: what is done, what is open and what to do, and what only a person can tick. Exit code: 0."""
    from facts import to_wire
    from reports.checklist import checklist as judged
    from reports.checklist import render_checklist, summed_up
    from reports.pages import write

    settings.announce("site.yaml", "locations.yaml", "sla.yaml", "alerts.yaml")
    folder = writable_folder(out, option="--out") if out is not None else None
    facts = _facts()
    items = judged(facts)
    if as_json:
        say_json(to_wire(items))
    else:
        rows = [(one.list, (one.tick.value, _STYLES[one.tick]), one.text, one.found, one.todo) for one in items]
        say_table(("list", "state", "item", "what is known", "what to do"), rows)
        say(summed_up(items))
    if folder is not None:
        page = write(folder / "checklist.html", render_checklist(items, now=facts.now, zone=facts.zone))
        if not as_json:
            say(f"checklist: {page}")


def _facts() -> ChecklistFacts:
    """Return what the configuration says, and the database where a hub has run. Raises ConfigError, CommandError."""
    from cli.report import report_settings
    from facts import Severity
    from hub.checklist import configured_facts, stored_facts

    told, routing, now = report_settings(), hub_config.read_routing(), datetime.now(UTC)
    facts = replace(
        configured_facts(told.watched, now=now, zone=told.zone),
        errors_are_judged=any(
            rule.enabled and getattr(rule, "metric", None) == _ERRORS for rule in told.targets.rules().values()
        ),
        has_escalation=routing.escalation is not None,
        unreached=tuple(routing.critical_unreached(os.environ, now=now)),
        untold=tuple(severity.value for severity in Severity if severity in routing.untold(os.environ)),
        own_rules=hub_config.own_rules(),
        recipients=len(routing.reports.recipients) if routing.reports else 0,
    )
    reachable = routing.reachable(os.environ)
    try:
        store = hub_config.existing_database()
    except CommandError as error:
        complain(f"the database is not looked at: {error}")
        return replace(facts, reached=dict.fromkeys(sorted(reachable)))
    with closing(store), store.read() as connection:
        return stored_facts(connection, facts, told, destinations=sorted(reachable))
