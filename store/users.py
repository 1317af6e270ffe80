"""Stores the users; removing a user's access deletes their sessions in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, inspect, select, update

from facts import Role, User
from store import sessions
from store.tables import users as table
from store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """Holds a user and the hash of the password."""

    user: User
    password: str


def add(connection: Connection, user: User, *, password: str) -> bool:
    """Add a user with the hash of a password; return False if the name is taken."""
    row = {
        "name": user.name,
        "role": user.role.value,
        "password": password,
        "created_at": user.created_at,
        "changed_at": user.changed_at,
    }
    new = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.name)
    return connection.execute(new).first() is not None


def find(connection: Connection, name: str, *, hold: bool = False) -> StoredUser | None:
    """Return a user by name; with `hold` the row is locked until this transaction ends."""
    query = select(table).where(table.c.name == name)
    row = connection.execute(query.with_for_update() if hold else query).first()
    return StoredUser(user=_user(row), password=row.password) if row else None


def listed(connection: Connection) -> list[User]:
    """Return all users, by name."""
    return [_user(row) for row in connection.execute(select(table).order_by(table.c.name))]


def are_kept(connection: Connection) -> bool:
    """Return whether the table exists; a database that no hub has used yet lacks it."""
    return inspect(connection).has_table(table.name)


def count(connection: Connection) -> int:
    """Return the number of users."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def set_password(connection: Connection, name: str, *, password: str, at: datetime) -> bool:
    """Set a user's password and delete every session; return False if there is no such user."""
    changed = connection.execute(update(table).where(table.c.name == name).values(password=password, changed_at=at))
    # After the row is locked: a login that held the lock has its session by now, and a waiting one sees the new password.
    sessions.close_all_of(connection, name)
    return bool(changed.rowcount)


def remove(connection: Connection, name: str) -> bool:
    """Remove a user and delete every session; return False if there is no such user."""
    gone = connection.execute(delete(table).where(table.c.name == name))
    sessions.close_all_of(connection, name)
    return bool(gone.rowcount)


def _user(row: Row[Any]) -> User:
    return User(name=row.name, role=Role(row.role), created_at=row.created_at, changed_at=row.changed_at)
