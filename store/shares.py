"""Stores the links that show one page to people without an account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from facts import Share
from store.tables import shares as table


def add(connection: Connection, share: Share) -> None:
    """Save a new link."""
    row = {column.name: getattr(share, column.name) for column in table.columns}
    connection.execute(insert(table).values(row))


def find(connection: Connection, share_id: str) -> Share | None:
    """Return a link by its id, whether it still opens its page or not; None if it does not exist."""
    row = connection.execute(select(table).where(table.c.id == share_id)).first()
    return _share(row) if row else None


def listed(connection: Connection, *, limit: int = 500) -> list[Share]:
    """Return the links, the newest first."""
    query = select(table).order_by(table.c.created_at.desc(), table.c.id).limit(limit)
    return [_share(row) for row in connection.execute(query)]


def note_opened(connection: Connection, share_id: str, *, at: datetime) -> None:
    """Record when a link was opened."""
    connection.execute(update(table).where(table.c.id == share_id).values(last_opened_at=at))


def revoke(connection: Connection, share_id: str, *, by: str, at: datetime) -> bool:
    """Revoke a link; return False if there is none with this id that was not revoked before."""
    ended = update(table).where(table.c.id == share_id, table.c.revoked_at.is_(None))
    return bool(connection.execute(ended.values(revoked_at=at, revoked_by=by)).rowcount)


def _share(row: Row[Any]) -> Share:
    return Share(**row._mapping)
