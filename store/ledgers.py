"""Stores the last state of each location's ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from facts import LedgerState, from_wire, to_wire
from store.tables import ledgers as table
from store.upsert import upsert


def save_all(connection: Connection, said: Iterable[LedgerState]) -> None:
    """Save the states of ledgers; a state older than the stored one is ignored."""
    newest = {state.location: state for state in sorted(said, key=lambda state: state.at)}
    rows = [{"location": at, "at": state.at, "state": to_wire(state)} for at, state in sorted(newest.items())]
    upsert(connection, table, rows, newer_by="at")


def forget_future(connection: Connection, now: datetime) -> None:
    """Delete states dated in the future by a clock that was ahead, because no later state could replace them for that long."""
    connection.execute(delete(table).where(table.c.at > now))


def states(connection: Connection) -> dict[str, LedgerState]:
    """Return the state of each location's ledger."""
    return {row.location: from_wire(LedgerState, row.state) for row in connection.execute(select(table))}
