"""Stores the events that services sent to the hub's webhooks, so that an event that is delivered twice acts once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from store.tables import inbound_events as table
from store.upsert import insert


def result_of(connection: Connection, provider: str, event_id: str) -> str | None:
    """Return the result of an event; None if it is new."""
    query = select(table.c.result).where(table.c.provider == provider, table.c.id == event_id)
    return connection.execute(query).scalar()


def last_occurred(connection: Connection, provider: str, incident: str) -> datetime | None:
    """Return when the newest event of a provider about an incident occurred, by the provider's clock; None if there is none."""
    query = select(func.max(table.c.occurred_at)).where(table.c.provider == provider, table.c.incident == incident)
    return connection.execute(query).scalar()


def add(
    connection: Connection,
    provider: str,
    event_id: str,
    *,
    received_at: datetime,
    result: str,
    incident: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Add an event with its result; an event that is stored already stays unchanged."""
    values = {
        "provider": provider,
        "id": event_id,
        "received_at": received_at,
        "occurred_at": occurred_at,
        "incident": incident,
        "result": result,
    }
    connection.execute(insert(connection, table).values(values).on_conflict_do_nothing())
