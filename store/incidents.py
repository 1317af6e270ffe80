"""Stores incidents: the alerts with one cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, desc, func, or_, select

from facts import Incident, from_wire, to_wire
from store.tables import incidents as table
from store.upsert import upsert


def save(connection: Connection, incidents: Sequence[Incident]) -> None:
    """Save incidents in their current state."""
    rows = [
        {
            "number": int(incident.id.rpartition("-")[2]),
            "id": incident.id,
            "opened_at": incident.opened_at,
            "resolved_at": incident.resolved_at,
            "incident": to_wire(incident),
        }
        for incident in incidents
    ]
    upsert(connection, table, rows)


def open_ones(connection: Connection) -> list[Incident]:
    """Return the unresolved incidents, oldest first."""
    rows = connection.execute(select(table.c.incident).where(table.c.resolved_at.is_(None)).order_by(table.c.number))
    return [from_wire(Incident, row.incident) for row in rows]


def of_period(connection: Connection, *, since: datetime, until: datetime, limit: int = 100) -> list[Incident]:
    """Return the incidents that were open during any part of a period, newest first."""
    still_open = or_(table.c.resolved_at.is_(None), table.c.resolved_at >= since)
    query = select(table.c.incident).where(table.c.opened_at < until, still_open).order_by(desc(table.c.number))
    return [from_wire(Incident, row.incident) for row in connection.execute(query.limit(limit))]


def get(connection: Connection, incident_id: str) -> Incident | None:
    """Return one incident; None if it does not exist."""
    found = connection.execute(select(table.c.incident).where(table.c.id == incident_id)).scalar()
    return from_wire(Incident, found) if found else None


def last_number(connection: Connection) -> int:
    """Return the number of the last incident; 0 if there is none."""
    return connection.execute(select(func.max(table.c.number))).scalar() or 0
