"""Stores single values, such as when the hub first watched and the verdicts of the last tick."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Text, cast, select

from store.tables import meta as table
from store.upsert import upsert


def put(connection: Connection, key: str, value: Any) -> None:
    """Store a value that JSON can represent."""
    upsert(connection, table, [{"key": key, "value": value}])


def get(connection: Connection, key: str) -> Any:
    """Return the value; None if there is none."""
    return connection.execute(select(table.c.value).where(table.c.key == key)).scalar()


def get_text(connection: Connection, key: str) -> str | None:
    """Return the value as the JSON text that is stored; None if there is none."""
    return connection.execute(select(cast(table.c.value, Text)).where(table.c.key == key)).scalar()
