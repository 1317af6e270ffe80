"""Reads rows by their primary keys: as many as are asked for in one statement, whose text is always the same."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, String, Table

from store.columns import DIALECTS, Maker, maker_of
from store.json_text import from_json_text, json_text

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
    asked = json_text(sorted(by_told) if for_update else list(by_told))
    rows = connection.exec_driver_sql(how.statement, (asked,)).all()
    n = len(how.makers)
    return {by_told[row[:n]]: dict(zip(names, map(from_json_text, row[n:]), strict=True)) for row in map(tuple, rows)}


class _Statement(NamedTuple):
    """`makers` make each value of a key ready for the statement."""

    statement: str
    makers: list[Maker | None]


@cache
def _how(dialect_name: str, table: Table, names: tuple[str, ...], for_update: bool) -> _Statement:
    """How rows are read: the keys come in one array of JSON, which costs less than an IN that SQLAlchemy writes out (docs/cost.md)."""
    dialect = DIALECTS[dialect_name]
    quoted = dialect.identifier_preparer.quote
    name = quoted(table.name)
    keys = [f"{name}.{quoted(column.name)}" for column in table.primary_key]
    # As text: SQLite keeps JSON that is a number as one, and psycopg would read JSON by itself.
    wanted = [*keys, *(f"CAST({name}.{quoted(column)} AS TEXT)" for column in names)]
    makers = [maker_of(column, dialect) for column in table.primary_key]
    if dialect_name == "sqlite":
        told = [f"json_extract(told.value, '$[{n}]')" for n in range(len(keys))]
        # CROSS JOIN: first the keys, then each one's row by the index.
        return _Statement(
            f"SELECT {', '.join(wanted)} FROM json_each(?) AS told CROSS JOIN {name} ON {_same(keys, told)}", makers
        )
    # A text of a length would cut a longer one, and find another row with it.
    types = ["TEXT" if isinstance(c.type, String) else c.type.compile(dialect) for c in table.primary_key]
    told = [f"(told.value ->> {n})::{kind}" for n, kind in enumerate(types)]
    # LIMIT, for the same: PostgreSQL would as soon read the whole table as long as it has no statistics of it.
    row = f"SELECT {', '.join(wanted)} FROM {name} WHERE {_same(keys, told)} LIMIT 1{' FOR UPDATE' * for_update}"
    return _Statement(
        f"SELECT its.* FROM json_array_elements(%s::json) AS told CROSS JOIN LATERAL ({row}) AS its", makers
    )


def _same(keys: list[str], told: list[str]) -> str:
    return " AND ".join(f"{mine} = {its}" for mine, its in zip(keys, told, strict=True))
