"""Stores the structured events that sources deliver."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, desc, select

from facts import Event
from store.columns import microseconds
from store.json_text import json_text
from store.places import follows
from store.tables import events as table

_AT_ONCE = 500
"""Databases limit how many values a statement may have."""
_COLUMNS = ("source", "id", "at", "level", "name", "category", "fields")


def save(connection: Connection, events: Iterable[Event], *, source: str) -> int:
    """Save the events of a source and return how many were new; an event with a known id changes nothing."""
    return len(save_new(connection, [(source, event) for event in events]))


def save_new(connection: Connection, events: Iterable[tuple[str, Event]]) -> set[tuple[str, str]]:
    """Save events, each with its source, and return the source and id of those that were new.

    Of events with the same source and id the first is kept, and one whose id is there already changes nothing.
    """
    first: dict[tuple[str, str], Event] = {}
    for source, event in events:
        first.setdefault((source, event.id), event)
    if not first:
        return set()
    # In a common order, so that hubs that save the same events at once wait for each other, but never deadlock.
    rows = [
        [source, id_, microseconds(e.at), e.level, e.name, e.category, json_text(dict(e.fields))]
        for (source, id_), e in sorted(first.items())
    ]
    saved = connection.exec_driver_sql(_INSERTS[connection.dialect.name], (json_text(rows),))
    return {(row[0], row[1]) for row in saved.all()}


# All rows in one array of JSON, which costs the drivers a tenth of a statement for each.
_INTO = f"INSERT INTO events ({', '.join(_COLUMNS)}) SELECT "
_NEW = " ON CONFLICT DO NOTHING RETURNING source, id"
_EXTRACTED = ", ".join(f"json_extract(told.value, '$[{n}]')" for n in range(len(_COLUMNS)))
_CASTS = {"at": "bigint", "fields": "json"}
_CAST = ", ".join(f"(told.value ->> {n})::{_CASTS.get(name, 'text')}" for n, name in enumerate(_COLUMNS))
_INSERTS = {
    "sqlite": f"{_INTO}{_EXTRACTED} FROM json_each(?) AS told WHERE true{_NEW}",
    "postgresql": f"{_INTO}{_CAST} FROM json_array_elements(%s::json) AS told{_NEW}",
}


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


_PLACE_NAME = table.c.source + "~" + table.c.id
"""What tells apart the events of one time; a source's name has no `~`."""


def place_name(source: str, event: Event) -> str:
    """Return the name of an event in the order of `page`, which no other event of its time has."""
    return f"{source}~{event.id}"


def page(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    wanted: Mapping[str, str | None],
    after_place: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[tuple[str, Event]]:
    """Return the events from `since` until before `until`, each with its source, newest first.

    `wanted` chooses them by `source`, `name`, `level` and `category`; None chooses all. `after_place` is the time and the
    `place_name` of an event: the events that follow it in this order are returned.
    """
    conditions = [table.c.at >= since, table.c.at < until]
    conditions += [table.c[key] == value for key, value in wanted.items() if value is not None]
    if after_place is not None:
        conditions.append(follows(table.c.at, _PLACE_NAME, after_place))
    query = select(table).where(*conditions).order_by(desc(table.c.at), desc(_PLACE_NAME)).limit(limit)
    return [(row.source, _event(row)) for row in connection.execute(query)]
