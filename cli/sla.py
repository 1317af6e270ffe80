"""`sixfb sla`: the targets against the history."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli import hub_config, settings
from cli.hub import demo_links
from cli.output import say, say_json, say_table

_BAD = ("critical", "no_data", "error")
_STYLES = {"met": "green", "off_target": "yellow", "warning": "yellow", "critical": "bold red", "error": "bold red"}


def sla(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Judge every target as of now.

    Exit code: 0 only if nothing is critical, no_data or error; else 1.
    """
    from facts import to_wire
    from hub.clock_witness import HEARD_WITHIN_S, judged_by_runners
    from hub.loading import load_history, load_watch, watch_now
    from sla.judge import judge
    from store import runners, runs

    settings.announce("site.yaml", "locations.yaml", "sla.yaml")
    watched, targets = hub_config.read_watched(), hub_config.read_targets()
    _, scale = demo_links()
    targets = targets.scaled(scale) if scale != 1 else targets
    now = datetime.now(UTC)
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        since = min(runs.last_received(connection).values(), default=now)
        watch = watch_now(connection, load_watch(connection), watched=watched, now=now, began_at=since)
        # The hub hears the runners' clocks; here stands what it has written down of them.
        heard = runners.heard(connection, since=now - timedelta(seconds=HEARD_WITHIN_S))
        clock = judged_by_runners(heard, now, limit_s=targets.reject_skew_s)
        history = load_history(connection, watched=watched, targets=targets, now=now, watch=watch, hub_clock=clock)
    verdicts = judge(targets, history, now)
    if as_json:
        told = {"at": to_wire(now), "verdicts": to_wire(verdicts), "shipped_rules": hub_config.shipped_rules()}
        say_json(told)
    else:
        rows = [(v.key, (v.verdict.value, _STYLES.get(v.verdict, "dim")), str(v.n), v.summary) for v in verdicts]
        say_table(("rule", "verdict", "n", "what was found"), rows, right=("n",))
        if shipped := hub_config.shipped_rules_line():
            say(f"rules {shipped}")
    if any(verdict.verdict in _BAD for verdict in verdicts):
        raise typer.Exit(1)
