"""Copies a complete history into an empty database of either kind, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Integer, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from store import lease
from store.engine import Store
from store.errors import StoreError, StoreUnavailableError
from store.tables import metadata

_BATCH = 500


def copy(source: Store, target: Store, *, batch: int = _BATCH) -> dict[str, int]:
    """Copy every table, from one snapshot of the source in one transaction of the target; return the number of rows by table.

    The target's tables are created first, and must be empty. An interrupted copy leaves no rows and can be started
    again.

    Raises:
        StoreError: the source is of another version or in use by a hub, the target has rows, or the copied rows do not
            match.
    """
    target.migrate()
    try:
        with source.read_unlimited() as there, target.write_unlimited() as here:
            _check_source(there, here)
            _check_empty(here)
            rows = {table.name: _copy_table(there, here, table, batch) for table in metadata.sorted_tables}
            _check_counts(here, rows)
            return rows
    except StoreUnavailableError as error:
        raise StoreError(f"nothing was copied: {error}") from None
    except SQLAlchemyError as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        raise StoreError(f"nothing was copied: {said}") from None


def _check_source(there: Connection, here: Connection) -> None:
    if not inspect(there).has_table("alembic_version"):
        raise StoreError("the database to copy from is none of a hub's")
    version = text("SELECT version_num FROM alembic_version")
    old, new = there.execute(version).scalar_one(), here.execute(version).scalar_one()
    if old != new:
        hint = "`sixfb db upgrade` there first" if old < new else "copy it with the program that it is of"
        raise StoreError(f"the database to copy from is at version {old}, this program's is {new}: {hint}")
    held = lease.held(there)
    if held is not None:
        holder, until = held
        raise StoreError(
            f"a hub ({holder}) works with the database to copy from: what it writes from now on would be lost; stop "
            f"it, and wait until {until:%H:%M:%S} UTC"
        )


def _check_empty(here: Connection) -> None:
    full = [
        table.name for table in metadata.sorted_tables if here.execute(select(1).select_from(table).limit(1)).first()
    ]
    if full:
        raise StoreError(f"the database to copy to is not empty ({', '.join(full)}); copy into a new one")


def _copy_table(there: Connection, here: Connection, table: Table, batch: int) -> int:
    copied = 0
    for rows in _batches(there, table, batch):
        here.execute(insert(table), rows)
        copied += len(rows)
    _set_sequence(here, table)
    return copied


def _batches(there: Connection, table: Table, batch: int) -> Iterator[list[dict[str, Any]]]:
    found = there.execution_options(yield_per=batch).execute(select(table).order_by(*table.primary_key))
    for rows in found.mappings().partitions(batch):
        yield [dict(row) for row in rows]


def _set_sequence(here: Connection, table: Table) -> None:
    """Set a sequence behind the copied numbers; PostgreSQL continues from the sequence, not from the rows."""
    number = table.autoincrement_column
    if here.dialect.name != "postgresql" or number is None or not isinstance(number.type, Integer):
        return
    sequence = here.execute(select(func.pg_get_serial_sequence(table.name, number.name))).scalar()
    last = here.execute(select(func.max(number))).scalar()
    if sequence is not None and last is not None:
        here.execute(select(func.setval(sequence, last)))


def _check_counts(here: Connection, rows: dict[str, int]) -> None:
    for table in metadata.sorted_tables:
        arrived = here.execute(select(func.count()).select_from(table)).scalar_one()
        if arrived != rows[table.name]:
            raise StoreError(
                f"{table.name}: {rows[table.name]} rows were sent and {arrived} arrived; nothing was copied"
            )
