"""Stores login sessions. A session is identified by the SHA-256 of its cookie, and has its user's current role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select, update

from facts import Role
from store.tables import sessions as table
from store.tables import users


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Holds one login of one person. `seen_at` is accurate to five minutes."""

    sha256: str
    name: str
    role: Role
    opened_at: datetime
    seen_at: datetime


def begin(connection: Connection, *, sha256: str, name: str, at: datetime, role: Role | None = None) -> None:
    """Add a session; `role` is that of a person whom an identity provider logged in, None for a user."""
    row = {"sha256": sha256, "user_name": name, "opened_at": at, "seen_at": at, "role": role.value if role else None}
    connection.execute(table.insert().values(row))


def find(connection: Connection, sha256: str) -> Session | None:
    """Return a session of any age; None if it does not exist or its user was removed."""
    query = (
        select(table, users.c.role.label("user_role"))
        .join_from(table, users, users.c.name == table.c.user_name, isouter=True)
        .where(table.c.sha256 == sha256)
    )
    row = connection.execute(query).first()
    role = (row.role or row.user_role) if row is not None else None
    if row is None or role is None:
        return None
    return Session(sha256=row.sha256, name=row.user_name, role=Role(role), opened_at=row.opened_at, seen_at=row.seen_at)


def note_seen(connection: Connection, sha256: str, *, at: datetime) -> None:
    """Record that the session's user was active."""
    connection.execute(update(table).where(table.c.sha256 == sha256).values(seen_at=at))


def close(connection: Connection, sha256: str) -> None:
    """Delete one session."""
    connection.execute(delete(table).where(table.c.sha256 == sha256))


def close_all_of(connection: Connection, name: str) -> None:
    """Delete every session of a user."""
    connection.execute(delete(table).where(table.c.user_name == name))


def sweep(connection: Connection, *, seen_before: datetime, opened_before: datetime) -> None:
    """Delete expired sessions."""
    over = or_(table.c.seen_at < seen_before, table.c.opened_at < opened_before)
    connection.execute(delete(table).where(over))
