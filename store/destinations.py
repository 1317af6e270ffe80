"""Stores the destinations that permanently refused a message, until one is delivered there again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from store import meta
from store.tables import destinations as table
from store.upsert import upsert

_ADDRESSES = "destination_addresses"


def mark(connection: Connection, name: str, *, at: datetime, reason: str) -> None:
    """Mark a destination as refusing messages, with the reason."""
    upsert(connection, table, [{"name": name, "marked_at": at, "reason": reason}])


def clear(connection: Connection, name: str) -> None:
    """Clear the mark of a destination that accepted a message."""
    connection.execute(delete(table).where(table.c.name == name))


def forget_changed(connection: Connection, addresses: Mapping[str, str]) -> None:
    """Clear the marks of destinations that were removed or whose address changed, so that they are tried again.

    `addresses` holds a digest of each current address, by name. A destination with an unchanged address keeps its mark
    until it accepts a message, because a restart alone repairs nothing.
    """
    before = meta.get(connection, _ADDRESSES) or {}
    same = [name for name, address in addresses.items() if before.get(name) == address]
    connection.execute(delete(table).where(table.c.name.not_in(same)))
    meta.put(connection, _ADDRESSES, dict(addresses))


def marked(connection: Connection) -> dict[str, str]:
    """Return the reason of each marked destination, by name."""
    return {row.name: row.reason for row in connection.execute(select(table).order_by(table.c.name))}
