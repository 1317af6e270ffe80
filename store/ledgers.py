"""The last word of each location's ledger."""

from __future__ import annotations

from sqlalchemy import Connection, select

from facts import LedgerState, from_wire, to_wire
from store.tables import ledgers as table
from store.upsert import upsert


def save(connection: Connection, state: LedgerState) -> None:
    """Keep what a ledger says; an older word than the one that is kept changes nothing."""
    kept = connection.execute(select(table.c.at).where(table.c.location == state.location)).scalar()
    if kept is None or kept <= state.at:
        upsert(connection, table, [{"location": state.location, "at": state.at, "state": to_wire(state)}])


def states(connection: Connection) -> dict[str, LedgerState]:
    """By location."""
    return {row.location: from_wire(LedgerState, row.state) for row in connection.execute(select(table))}
