"""Destinations that refused a message for good, until one is delivered there again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from store import meta
from store.tables import destinations as table
from store.upsert import upsert

_ADDRESSES = "destination_addresses"


def mark(connection: Connection, name: str, *, at: datetime, reason: str) -> None:
    """Note that a destination refuses what it is sent, and why."""
    upsert(connection, table, [{"name": name, "marked_at": at, "reason": reason}])


def clear(connection: Connection, name: str) -> None:
    """It took a message: all is well with it again."""
    connection.execute(delete(table).where(table.c.name == name))


def forget_changed(connection: Connection, addresses: Mapping[str, str]) -> None:
    """Forget the refusals of destinations that are gone or whose address changed, so that they are tried anew.

    `addresses` are digests of the addresses that there are now, by name. A refusal of one that is as it was stands until it takes
    a message: a restart alone mends nothing.
    """
    before = meta.get(connection, _ADDRESSES) or {}
    same = [name for name, address in addresses.items() if before.get(name) == address]
    connection.execute(delete(table).where(table.c.name.not_in(same)))
    meta.put(connection, _ADDRESSES, dict(addresses))


def marked(connection: Connection) -> dict[str, str]:
    """The reason of each destination that is marked, by name."""
    return {row.name: row.reason for row in connection.execute(select(table).order_by(table.c.name))}
