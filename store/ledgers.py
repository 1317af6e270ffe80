"""The last word of each location's ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from facts import LedgerState, from_wire, to_wire
from store.tables import ledgers as table
from store.upsert import upsert


def save_all(connection: Connection, said: Iterable[LedgerState]) -> None:
    """Keep what ledgers say; an older word than the one that is kept changes nothing."""
    newest = {state.location: state for state in sorted(said, key=lambda state: state.at)}
    rows = [{"location": at, "at": state.at, "state": to_wire(state)} for at, state in sorted(newest.items())]
    upsert(connection, table, rows, newer_by="at")


def forget_future(connection: Connection, now: datetime) -> None:
    """Forget what a clock that was ahead has dated: no later word could take its place for as long as it was ahead."""
    connection.execute(delete(table).where(table.c.at > now))


def states(connection: Connection) -> dict[str, LedgerState]:
    """By location."""
    return {row.location: from_wire(LedgerState, row.state) for row in connection.execute(select(table))}
