"""Destinations that refused a message for good, until one is delivered there again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from store.tables import destinations as table
from store.upsert import upsert


def mark(connection: Connection, name: str, *, at: datetime, reason: str) -> None:
    """Note that a destination refuses what it is sent, and why."""
    upsert(connection, table, [{"name": name, "marked_at": at, "reason": reason}])


def clear(connection: Connection, name: str) -> None:
    """It took a message: all is well with it again."""
    connection.execute(delete(table).where(table.c.name == name))


def clear_all(connection: Connection) -> None:
    """Whoever starts a hub may have changed the addresses: each is tried anew."""
    connection.execute(delete(table))


def marked(connection: Connection) -> dict[str, str]:
    """The reason of each destination that is marked, by name."""
    return {row.name: row.reason for row in connection.execute(select(table).order_by(table.c.name))}
