"""Reads rows by their primary keys, many in one statement whose text is always the same."""

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
    """Return JSON columns of the rows with some primary keys, by key and column name; missing keys are left out.

    With `for_update` the rows are locked until the transaction ends, in the order of their keys. On SQLite a write
    transaction excludes all other writers anyway.
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
    """Holds a statement; `makers` convert each value of a key for it."""

    statement: str
    makers: list[Maker | None]


@cache
def _how(dialect_name: str, table: Table, names: tuple[str, ...], for_update: bool) -> _Statement:
    """Return the statement.

    The keys are passed in one array of JSON, which costs less than SQLAlchemy's IN (docs/cost.md).
    """
    dialect = DIALECTS[dialect_name]
    quoted = dialect.identifier_preparer.quote
    name = quoted(table.name)
    keys = [f"{name}.{quoted(column.name)}" for column in table.primary_key]
    # As text, because SQLite returns JSON numbers as numbers, and psycopg would decode JSON itself.
    wanted = [*keys, *(f"CAST({name}.{quoted(column)} AS TEXT)" for column in names)]
    makers = [maker_of(column, dialect) for column in table.primary_key]
    if dialect_name == "sqlite":
        told = [f"json_extract(told.value, '$[{n}]')" for n in range(len(keys))]
        # CROSS JOIN forces the order: first the keys, then each key's row by the index.
        return _Statement(
            f"SELECT {', '.join(wanted)} FROM json_each(?) AS told CROSS JOIN {name} ON {_same(keys, told)}", makers
        )
    # A length-limited type would truncate a longer text, and find another row with it.
    types = ["TEXT" if isinstance(c.type, String) else c.type.compile(dialect) for c in table.primary_key]
    told = [f"(told.value ->> {n})::{kind}" for n, kind in enumerate(types)]
    # LIMIT has the same purpose: without statistics PostgreSQL might read the whole table.
    row = f"SELECT {', '.join(wanted)} FROM {name} WHERE {_same(keys, told)} LIMIT 1{' FOR UPDATE' * for_update}"
    return _Statement(
        f"SELECT its.* FROM json_array_elements(%s::json) AS told CROSS JOIN LATERAL ({row}) AS its", makers
    )


def _same(keys: list[str], told: list[str]) -> str:
    return " AND ".join(f"{mine} = {its}" for mine, its in zip(keys, told, strict=True))
