"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells twice."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert(connection: Connection, table: Table) -> Any:
    """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return _INSERTS[connection.dialect.name](table)


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]], *, newer_by: str | None = None) -> None:
    """Insert rows, or overwrite those with the same primary key; with `newer_by` only those that are not newer by that column."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table, tuple(rows[0]), newer_by), rows)


@cache
def _upsert(dialect: str, table: Table, names: tuple[str, ...], newer_by: str | None) -> Any:
    statement = _INSERTS[dialect](table)
    keys = [column.name for column in table.primary_key]
    changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys and c.name in names}
    where = None if newer_by is None else table.c[newer_by] <= statement.excluded[newer_by]
    return statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where)
