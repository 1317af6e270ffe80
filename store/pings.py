"""Stores the pings of other people's jobs: the last ones of each, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from facts import Ping, PingState, from_wire, to_wire
from store.tables import ping_states, pings
from store.upsert import insert, upsert

KEPT = 100
"""How many pings of a check are kept, as healthchecks.io does for free."""


def add(connection: Connection, uuid: str, ping: Ping) -> PingState:
    """Save a ping, and let go of those before the last `KEPT`; return what the pings of its check add up to now."""
    first = {"uuid": uuid, "state": to_wire(PingState())}
    connection.execute(insert(connection, ping_states).values(first).on_conflict_do_nothing())
    # Locked: pings of one job may come to two hubs at once.
    locked = select(ping_states.c.state).where(ping_states.c.uuid == uuid).with_for_update()
    before = from_wire(PingState, connection.execute(locked).scalar_one())
    state, ping = before.after(ping)
    upsert(connection, pings, [{"uuid": uuid, "n": state.pings, "at": ping.at, "ping": to_wire(ping)}])
    connection.execute(delete(pings).where(pings.c.uuid == uuid, pings.c.n <= state.pings - KEPT))
    save_states(connection, {uuid: state})
    return state


def save_states(connection: Connection, states: Mapping[str, PingState]) -> None:
    """Save what the pings of some checks add up to."""
    rows = [{"uuid": uuid, "state": to_wire(state)} for uuid, state in sorted(states.items())]
    upsert(connection, ping_states, rows)


def states(connection: Connection, *, lock: bool = False) -> dict[str, PingState]:
    """Return the current state of each check by its UUID. With `lock` the rows stay locked until the transaction ends."""
    query = select(ping_states).order_by(ping_states.c.uuid)
    found = connection.execute(query.with_for_update() if lock else query)
    return {row.uuid: from_wire(PingState, row.state) for row in found}


def last(connection: Connection, uuid: str, *, limit: int = KEPT) -> list[Ping]:
    """Return the last pings of a check, newest first."""
    query = select(pings.c.ping).where(pings.c.uuid == uuid).order_by(pings.c.n.desc()).limit(limit)
    return [from_wire(Ping, found) for found in connection.execute(query).scalars()]
