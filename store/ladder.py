"""Stores the ladders of incidents: who is called when, until somebody acknowledges."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from facts import LadderRow, from_wire, to_wire
from store.tables import ladder as table
from store.upsert import upsert


def save(connection: Connection, rows: Sequence[LadderRow]) -> None:
    """Save rows in their current state."""
    values = [
        {
            "id": row.id,
            "incident": row.incident,
            "status": row.status.value,
            "due_at": row.due_at,
            "created_at": row.created_at,
            "row": to_wire(row),
        }
        for row in rows
    ]
    upsert(connection, table, values)


def of_incidents(connection: Connection, incidents: Sequence[str]) -> list[LadderRow]:
    """Return every row of some incidents, in the order in which they are due."""
    if not incidents:
        return []
    query = select(table.c.row).where(table.c.incident.in_(incidents)).order_by(table.c.due_at, table.c.id)
    return [from_wire(LadderRow, row.row) for row in connection.execute(query)]
