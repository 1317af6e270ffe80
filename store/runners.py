"""The runners that were heard: one row for each instance at each location."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from facts import SKEWS_KEPT, Heartbeat, RunnerState
from store.tables import runners as table
from store.upsert import upsert


def note(connection: Connection, location: str, beat: Heartbeat, *, now: datetime) -> RunnerState:
    """Keep what a runner said of itself; what is known of it now."""
    mine = (table.c.location == location) & (table.c.id == beat.id)
    before = connection.execute(select(table.c.skews).where(mine)).scalar() or []
    ahead = [] if beat.sent_at is None else [round((beat.sent_at - now).total_seconds(), 3)]
    row: dict[str, Any] = {
        "location": location,
        "id": beat.id,
        "version": beat.version,
        "spool": beat.spool,
        "rejected": beat.rejected,
        "sent_at": beat.sent_at,
        "heard_at": now,
        "trouble": beat.trouble,
        "sandbox": beat.sandbox,
        "skews": [*before, *ahead][-SKEWS_KEPT:],
    }
    upsert(connection, table, [row])
    return RunnerState(**{**row, "skews": tuple(row["skews"])})


def heard(connection: Connection, *, since: datetime) -> list[RunnerState]:
    """Those that were heard since a moment, by location, the latest first."""
    query = (
        select(table).where(table.c.heard_at >= since).order_by(table.c.location, table.c.heard_at.desc(), table.c.id)
    )
    return [_state(row) for row in connection.execute(query)]


def spooled(connection: Connection, *, since: datetime) -> dict[str, int]:
    """How many results wait at each location, as its runners last said; of those that were heard since a moment.

    The numbers of `sixfb_spool_results{location}`.
    """
    waiting: dict[str, int] = defaultdict(int)
    for state in heard(connection, since=since):
        waiting[state.location] += state.spool
    return dict(waiting)


def _state(row: Row[Any]) -> RunnerState:
    return RunnerState(
        **{c.name: getattr(row, c.name) for c in table.columns if c.name != "skews"}, skews=tuple(row.skews)
    )
