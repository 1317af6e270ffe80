"""Provides INSERT … ON CONFLICT, which both databases support but SQLAlchemy spells differently."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import JSON, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from store.columns import DIALECTS, Maker, maker_of
from store.json_text import json_text

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert(connection: Connection, table: Table) -> Any:
    """Return an insert with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return _INSERTS[connection.dialect.name](table)


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]], *, newer_by: str | None = None) -> None:
    """Insert rows, or overwrite those with the same primary key; with `newer_by` only those that are not newer in that column.

    All rows have the columns of the first. Of rows with the same key the last is kept; with `newer_by` all keys must
    differ.
    """
    if not rows:
        return
    dialect = connection.dialect.name
    how = _how(dialect, table, tuple(rows[0]), newer_by)
    told = [tuple([row[name] if made is None else made(row[name]) for name, made in how.columns]) for row in rows]
    if dialect == "sqlite":
        connection.exec_driver_sql(how.statement, told)
        return
    # One statement per row would cost the driver ten times as much, and one statement cannot change a row twice.
    last = {tuple(row[key] for key in how.keys): i for i, row in enumerate(rows)}
    names = [name for name, _ in how.columns]
    objects = [dict(zip(names, told[i], strict=True)) for i in sorted(last.values())]
    connection.exec_driver_sql(how.statement, (json_text(objects),))


class _Statement(NamedTuple):
    """Holds a statement; `columns` pairs each name with the function that converts its values, None if none is needed."""

    statement: str
    columns: list[tuple[str, Maker | None]]
    keys: list[str]


@cache
def _how(dialect_name: str, table: Table, names: tuple[str, ...], newer_by: str | None) -> _Statement:
    """Return the statement for some columns. SQLite gets the rows one by one, PostgreSQL all in one array of JSON."""
    dialect = DIALECTS[dialect_name]
    quoted = dialect.identifier_preparer.quote
    columns = [table.c[name] for name in names]
    keys = [column.name for column in table.primary_key]
    makers = [json_text if isinstance(c.type, JSON) else maker_of(c, dialect) for c in columns]
    if dialect_name == "sqlite":
        source = f"VALUES ({', '.join('?' for _ in columns)})"
    else:
        # Nested JSON is passed as text, so that lone surrogates survive and null stays a JSON value.
        values = [f"{quoted(c.name)}::json" if isinstance(c.type, JSON) else quoted(c.name) for c in columns]
        types = [f"{quoted(c.name)} {'text' if isinstance(c.type, JSON) else c.type.compile(dialect)}" for c in columns]
        source = f"SELECT {', '.join(values)} FROM json_to_recordset(%s::json) AS told({', '.join(types)})"
    name = quoted(table.name)
    changed = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in names if name not in keys)
    statement = (
        f"INSERT INTO {name} ({', '.join(map(quoted, names))}) {source} "
        f"ON CONFLICT ({', '.join(map(quoted, keys))}) DO UPDATE SET {changed}"
    )
    if newer_by is not None:
        statement += f" WHERE {name}.{quoted(newer_by)} <= excluded.{quoted(newer_by)}"
    return _Statement(statement, list(zip(names, makers, strict=True)), keys)
