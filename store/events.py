"""Structured events that sources bring in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, desc, select

from facts import Event
from store.tables import events as table
from store.upsert import insert

_AT_ONCE = 100


def save(connection: Connection, events: Iterable[Event], *, source: str) -> int:
    """Save the events of a source and return how many were new; one whose id is there already changes nothing."""
    rows = [
        {
            "source": source,
            "id": event.id,
            "at": event.at,
            "level": event.level,
            "name": event.name,
            "category": event.category,
            "fields": dict(event.fields),
        }
        for event in events
    ]
    new = 0
    for first in range(0, len(rows), _AT_ONCE):
        statement = insert(connection, table).values(rows[first : first + _AT_ONCE]).on_conflict_do_nothing()
        new += len(connection.execute(statement.returning(table.c.id)).all())
    return new


def at_moments(connection: Connection, source: str, moments: Collection[datetime]) -> list[Event]:
    """Return every event of a source at these moments, in the order of their ids."""
    found: dict[str, Event] = {}
    ordered = sorted(moments)
    for first in range(0, len(ordered), _AT_ONCE):
        query = select(table).where(table.c.source == source, table.c.at.in_(ordered[first : first + _AT_ONCE]))
        found |= {row.id: _event(row) for row in connection.execute(query)}
    return [found[event_id] for event_id in sorted(found)]


def _event(row: Any) -> Event:
    return Event(id=row.id, at=row.at, level=row.level, name=row.name, category=row.category, fields=row.fields)


def read(
    connection: Connection,
    *,
    since: datetime,
    until: datetime | None = None,
    name: str | None = None,
    source: str | None = None,
    limit: int = 10_000,
) -> list[Event]:
    """Return the events from `since` up to `until` (exclusive), oldest first: the newest `limit` of them."""
    conditions = [table.c.at >= since]
    conditions += [table.c.at < until] if until is not None else []
    conditions += [column == v for column, v in ((table.c.name, name), (table.c.source, source)) if v is not None]
    query = select(table).where(*conditions).order_by(desc(table.c.at), desc(table.c.id)).limit(limit)
    found = [_event(row) for row in connection.execute(query)]
    return found[::-1]
