"""Stores the runners that have been heard: one row for each instance at each location."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from facts import SKEWS_KEPT, Heartbeat, RunnerState
from store.lookup import lookup
from store.tables import runners as table
from store.upsert import upsert


def note_all(connection: Connection, said: Sequence[tuple[str, Heartbeat, datetime]]) -> list[RunnerState]:
    """Save the heartbeats of some runners, and return the state of each, with its latest clock skews."""
    mine = sorted({(location, beat.id) for location, beat, _ in said})
    if not mine:
        return []
    skews = {place: row["skews"] for place, row in lookup(connection, table, ("skews",), mine).items()}
    states = []
    for location, beat, heard_at in said:
        ahead = [] if beat.sent_at is None else [round((beat.sent_at - heard_at).total_seconds(), 3)]
        skews[location, beat.id] = [*skews.get((location, beat.id), ()), *ahead][-SKEWS_KEPT:]
        states.append(_heard(location, beat, heard_at, skews[location, beat.id]))
    newest = {(state.location, state.id): state for state in states}
    upsert(connection, table, [_row(newest[place]) for place in mine])
    return states


def _heard(location: str, beat: Heartbeat, heard_at: datetime, skews: Iterable[float]) -> RunnerState:
    return RunnerState(
        location=location,
        id=beat.id,
        version=beat.version,
        spool=beat.spool,
        rejected=beat.rejected,
        sent_at=beat.sent_at,
        heard_at=heard_at,
        trouble=beat.trouble,
        sandbox=beat.sandbox,
        refusal=beat.refusal,
        skews=tuple(skews),
    )


def _row(state: RunnerState) -> dict[str, Any]:
    return {c.name: getattr(state, c.name) for c in table.columns if c.name != "skews"} | {"skews": list(state.skews)}


def heard(connection: Connection, *, since: datetime) -> list[RunnerState]:
    """Return the runners that were heard since `since`, by location, most recently heard first."""
    query = (
        select(table).where(table.c.heard_at >= since).order_by(table.c.location, table.c.heard_at.desc(), table.c.id)
    )
    return [_state(row) for row in connection.execute(query)]


def spooled(connection: Connection, *, since: datetime) -> dict[str, int]:
    """Return how many results wait at each location, as its runners last reported; only runners heard since `since` count.

    This is the metric `sixfb_spool_results{location}`.
    """
    waiting: dict[str, int] = defaultdict(int)
    for state in heard(connection, since=since):
        waiting[state.location] += state.spool
    return dict(waiting)


def _state(row: Row[Any]) -> RunnerState:
    return RunnerState(
        **{c.name: getattr(row, c.name) for c in table.columns if c.name != "skews"}, skews=tuple(row.skews)
    )
