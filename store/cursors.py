"""Stores where the next reading of each source continues, and when the source may be asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from store.tables import cursors as table
from store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorState:
    """Holds how far a source has been read. `cursor` is its own JSON value, None before the first answer.

    `version` grows with everything that is saved for the source. `failures` counts the failed answers since the last good one,
    `permanent` is whether the last of them can only be mended by other settings, and before `next_try_at` the source is not asked.
    """

    source: str
    version: int = 0
    cursor: Any = None
    failures: int = 0
    permanent: bool = False
    next_try_at: datetime | None = None


def get(connection: Connection, source: str) -> CursorState:
    """Return the state of a source; an empty state if it was never asked."""
    row = connection.execute(select(table).where(table.c.source == source)).first()
    return CursorState(source=source) if row is None else _state(row)


def states(connection: Connection) -> dict[str, CursorState]:
    """Return the state of every source that was ever asked, by name."""
    return {row.source: _state(row) for row in connection.execute(select(table))}


def _state(row: Any) -> CursorState:
    return CursorState(
        source=row.source,
        version=row.version,
        cursor=row.cursor,
        failures=row.failures,
        permanent=row.permanent,
        next_try_at=row.next_try_at,
    )


def lock(connection: Connection, source: str) -> None:
    """Make others wait that save for the source, until the transaction ends; the state stays as it is."""
    _make(connection, source)
    connection.execute(select(table.c.source).where(table.c.source == source).with_for_update())


def _make(connection: Connection, source: str) -> None:
    connection.execute(
        insert(connection, table)
        .values(source=source, version=0, cursor=None, failures=0, permanent=False, next_try_at=None)
        .on_conflict_do_nothing()
    )


def advance(connection: Connection, new: CursorState) -> bool:
    """Replace the state with the version of `new`; return False, without a change, if another hub has replaced it before."""
    _make(connection, new.source)
    changed = connection.execute(
        update(table)
        .where(table.c.source == new.source, table.c.version == new.version)
        .values(
            version=new.version + 1,
            cursor=new.cursor,
            failures=new.failures,
            permanent=new.permanent,
            next_try_at=new.next_try_at,
        )
    )
    return changed.rowcount == 1


def forget_permanent_failures(connection: Connection) -> None:
    """Make every source due that failed because of its settings: a hub that starts may have new ones."""
    connection.execute(update(table).where(table.c.permanent).values(next_try_at=None, permanent=False))
