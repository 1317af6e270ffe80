"""Single values: when the hub first watched, the verdicts of the last tick."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from store.tables import meta as table
from store.upsert import upsert


def put(connection: Connection, key: str, value: Any) -> None:
    """Keep a value that JSON can hold."""
    upsert(connection, table, [{"key": key, "value": value}])


def get(connection: Connection, key: str) -> Any:
    """The value, or None."""
    return connection.execute(select(table.c.value).where(table.c.key == key)).scalar()
