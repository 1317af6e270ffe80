"""What the store holds, as judging wants it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from facts import Outcome
from hub.watched import Watched
from sla.history import History, Schedule
from sla.targets import Targets
from store import destinations, feeds, ledgers, runners, runs, stock

_STOCK_WINDOW = timedelta(hours=1)
_RUNNERS_WINDOW = timedelta(hours=24)


def load_history(
    connection: Connection,
    *,
    watched: Watched,
    targets: Targets,
    now: datetime,
    watching_since: datetime,
) -> History:
    """Everything the rules may look at: short rows over the longest window, whole ones over that which needs details."""
    detailed = runs.outcomes(connection, since=now - targets.detail_window)
    known = {outcome.run_id for outcome in detailed}
    older = runs.outcomes(connection, since=now - targets.longest_window, brief=True)
    outcomes = [outcome for outcome in older if outcome.run_id not in known] + detailed
    schedules = watched.schedules()
    return History(
        outcomes=[outcome for outcome in outcomes if _planned(outcome, schedules)],
        schedules=schedules,
        stocks=stock.recent(connection, since=now - _STOCK_WINDOW),
        feeds=feeds.states(connection),
        watching_since=watching_since,
        last_received=runs.last_received(connection),
        pays=watched.site.payment == "test",
        ledgers=ledgers.states(connection),
        runners=runners.heard(connection, since=now - _RUNNERS_WINDOW),
        undeliverable=destinations.marked(connection),
    )


def _planned(outcome: Outcome, schedules: Mapping[str, Schedule]) -> bool:
    """A journey or a location that was taken off the plan is no longer judged; its history stays."""
    schedule = schedules.get(outcome.journey)
    return schedule is not None and outcome.location in schedule.grids
