"""Stores incidents: the alerts with one cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, desc, func, or_, select

from facts import Incident, Severity, from_wire, to_wire
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


def page(
    connection: Connection,
    *,
    before: int | None = None,
    is_open: bool | None = None,
    severity: Severity | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> list[Incident]:
    """Return incidents with numbers below `before`, newest first: those of a state and severity, open during a part of a period."""
    conditions = [table.c.number < before] if before is not None else []
    if is_open is not None:
        conditions.append(table.c.resolved_at.is_(None) if is_open else table.c.resolved_at.isnot(None))
    if severity is not None:
        conditions.append(table.c.incident["severity"].as_string() == severity.value)
    if since is not None:
        conditions.append(or_(table.c.resolved_at.is_(None), table.c.resolved_at >= since))
    if until is not None:
        conditions.append(table.c.opened_at < until)
    query = select(table.c.incident).where(*conditions).order_by(desc(table.c.number)).limit(limit)
    return [from_wire(Incident, row.incident) for row in connection.execute(query)]


def number_of(incident_id: str) -> int | None:
    """Return the number of an incident's id; None if it is no id of an incident."""
    number = incident_id.removeprefix("inc-")
    is_one = incident_id.startswith("inc-") and number.isascii() and number.isdigit() and len(number) <= 12
    return int(number) if is_one else None


def get(connection: Connection, incident_id: str) -> Incident | None:
    """Return one incident; None if it does not exist."""
    found = connection.execute(select(table.c.incident).where(table.c.id == incident_id)).scalar()
    return from_wire(Incident, found) if found else None


def last_number(connection: Connection) -> int:
    """Return the number of the last incident; 0 if there is none."""
    return connection.execute(select(func.max(table.c.number))).scalar() or 0
