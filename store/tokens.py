"""Stores the tokens of locations and sources as MACs: two active ones each, and none is ever deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from facts import Token, TokenKind
from store.tables import tokens as table
from store.upsert import insert

PLACES = (1, 2)
"""Two active tokens for each subject, so that one can be replaced while the other still works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """Holds a token and the MAC of its text."""

    token: Token
    mac: str


def add(connection: Connection, token: Token, *, mac: str) -> bool:
    """Add a token; return False if its subject has two active ones already."""
    # A unique constraint on the place enforces the limit, even for concurrent calls.
    for place in PLACES:
        row = {
            "id": token.id,
            "kind": token.kind.value,
            "subject": token.subject,
            "place": place,
            "mac": mac,
            "key": token.key,
            "created_at": token.created_at,
        }
        new = insert(connection, table).values(row).on_conflict_do_nothing(index_elements=["kind", "subject", "place"])
        if connection.execute(new.returning(table.c.id)).first():
            return True
    return False


def find(connection: Connection, token_id: str) -> StoredToken | None:
    """Return a token by its id, revoked or not; None if it does not exist."""
    row = connection.execute(select(table).where(table.c.id == token_id)).first()
    return StoredToken(token=_token(row), mac=row.mac) if row else None


def listed(connection: Connection) -> list[Token]:
    """Return every token ever issued, the newest of each subject first."""
    query = select(table).order_by(table.c.kind, table.c.subject, table.c.created_at.desc(), table.c.id)
    return [_token(row) for row in connection.execute(query)]


def any_issued(connection: Connection) -> bool:
    """Return whether any token was ever issued; revoking the last one does not make the hub open again."""
    return connection.execute(select(table.c.id).limit(1)).first() is not None


def note_use(connection: Connection, token_id: str, *, at: datetime) -> None:
    """Record when a token was used."""
    connection.execute(update(table).where(table.c.id == token_id).values(last_used_at=at))


def revoke(connection: Connection, token_id: str, *, at: datetime) -> bool:
    """Revoke a token; return False if no active token has that id."""
    ended = update(table).where(table.c.id == token_id, table.c.revoked_at.is_(None)).values(revoked_at=at, place=None)
    return bool(connection.execute(ended).rowcount)


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        kind=TokenKind(row.kind),
        subject=row.subject,
        key=row.key,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
