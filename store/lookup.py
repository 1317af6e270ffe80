"""Reads rows by their primary keys: as many as are asked for in one statement, whose text is always the same."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Table

from store.json_text import from_json_text, json_text
from store.upsert import DIALECTS, Maker, maker_of

Key = TypeVar("Key", bound=tuple[Any, ...])


def lookup(
    connection: Connection, table: Table, names: tuple[str, ...], keys: Collection[Key], *, for_update: bool = False
) -> dict[Key, dict[str, Any]]:
    """What the rows at some primary keys hold in columns of JSON, by key and name; a key that no row has is left out.

    With `for_update` nobody else changes those rows until the transaction ends; they are held in the order of their keys. On
    SQLite a transaction that may write keeps all others from that.
    """
    if not keys:
        return {}
    how = _how(connection.dialect.name, table, names, for_update)
    by_told = {
        tuple([value if made is None else made(value) for value, made in zip(key, how.makers, strict=True)]): key
        for key in keys
    }
    rows = connection.exec_driver_sql(how.statement, (json_text(list(by_told)),)).all()
    n = len(how.makers)
    return {by_told[row[:n]]: dict(zip(names, map(from_json_text, row[n:]), strict=True)) for row in map(tuple, rows)}


class _How(NamedTuple):
    """`makers` make each value of a key ready for the statement."""

    statement: str
    makers: list[Maker | None]


@cache
def _how(dialect_name: str, table: Table, names: tuple[str, ...], for_update: bool) -> _How:
    """How rows are read: the keys come in one array of JSON, which costs a third of an IN that SQLAlchemy writes out."""
    dialect = DIALECTS[dialect_name]
    quoted = dialect.identifier_preparer.quote
    columns = list(table.primary_key)
    keys = [f"{quoted(table.name)}.{quoted(column.name)}" for column in columns]
    # As text: SQLite keeps JSON that is a number as one, and psycopg would read JSON by itself.
    wanted = [f"CAST({quoted(table.name)}.{quoted(name)} AS TEXT)" for name in names]
    if dialect_name == "sqlite":
        # CROSS JOIN: the keys first, then each one's row by the index.
        source = f"json_each(?) AS told CROSS JOIN {quoted(table.name)}"
        told = [f"json_extract(told.value, '$[{n}]')" for n in range(len(columns))]
    else:
        source = f"json_array_elements(%s::json) AS told(value) JOIN {quoted(table.name)}"
        told = [f"(told.value ->> {n})::{column.type.compile(dialect)}" for n, column in enumerate(columns)]
    same = " AND ".join(f"{mine} = {its}" for mine, its in zip(keys, told, strict=True))
    statement = f"SELECT {', '.join([*keys, *wanted])} FROM {source} ON {same}"
    if for_update and dialect_name != "sqlite":
        statement += f" ORDER BY {', '.join(keys)} FOR UPDATE OF {quoted(table.name)}"
    return _How(statement, [maker_of(column, dialect) for column in columns])
