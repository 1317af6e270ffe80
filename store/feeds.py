"""Stores the state of each polled source."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, select

from facts import FeedState
from store.tables import feeds as table
from store.upsert import insert, upsert


def note_configured(connection: Connection, source: str) -> None:
    """Record a source before its first result; an existing row stays unchanged."""
    connection.execute(insert(connection, table).values(source=source).on_conflict_do_nothing())


def keep_only(connection: Connection, sources: Collection[str]) -> None:
    """Delete the sources that are no longer configured: they are not polled, so their errors would never end."""
    connection.execute(delete(table).where(table.c.source.not_in(sources)))


def forget(connection: Connection, source: str) -> None:
    """Delete a source that the site does not have."""
    connection.execute(delete(table).where(table.c.source == source))


def note_good(connection: Connection, source: str, at: datetime) -> None:
    """Record that a source returned numbers."""
    upsert(connection, table, [{"source": source, "last_good_at": at}])


def note_error(connection: Connection, source: str, at: datetime, error: str) -> None:
    """Record that a source returned none, with the reason."""
    upsert(connection, table, [{"source": source, "last_error": error, "last_error_at": at}])


def states(connection: Connection) -> dict[str, FeedState]:
    """Return the state of every source, by name."""
    return {
        row.source: FeedState(
            source=row.source,
            configured=True,
            last_good_at=row.last_good_at,
            last_error=row.last_error,
            last_error_at=row.last_error_at,
        )
        for row in connection.execute(select(table))
    }
