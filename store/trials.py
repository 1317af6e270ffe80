"""Stores the results of trials: what each destination answered to a marked test message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, desc, func, select

from store.tables import trials as table
from store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrial:
    """Holds what one destination answered to one trial: whether it took the message, and its answer as a sentence."""

    trial: str
    destination: str
    at: datetime
    ok: bool
    detail: str
    by: str


def add(connection: Connection, results: Sequence[StoredTrial]) -> None:
    """Add results; a result that is stored already stays as it is."""
    for one in results:
        values = {c.name: getattr(one, c.name) for c in table.columns}
        connection.execute(insert(connection, table).values(values).on_conflict_do_nothing())


def last_taken(connection: Connection) -> dict[str, datetime]:
    """Return when each destination last took a trial message, by its name; one that never did is left out."""
    query = (
        select(table.c.destination, func.max(table.c.at).label("at")).where(table.c.ok).group_by(table.c.destination)
    )
    return {row.destination: row.at for row in connection.execute(query)}


def latest(connection: Connection) -> list[StoredTrial]:
    """Return the newest result of each destination, by name."""
    newest = select(table.c.destination, func.max(table.c.at).label("at")).group_by(table.c.destination).subquery()
    query = (
        select(table)
        .join(newest, (table.c.destination == newest.c.destination) & (table.c.at == newest.c.at))
        .order_by(table.c.destination, desc(table.c.trial))
    )
    found: dict[str, StoredTrial] = {}
    for row in connection.execute(query):
        values = {c.name: getattr(row, c.name) for c in table.columns}
        found.setdefault(row.destination, StoredTrial(**values))
    return list(found.values())
