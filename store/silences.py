"""Stores silences: which alerts are held back for a time, and by whose request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from facts import Silence, from_wire, to_wire
from store.tables import silences as table
from store.upsert import upsert


def save(connection: Connection, silence: Silence) -> None:
    """Save a silence, a new one or one that was changed."""
    values = {
        "id": silence.id,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "created_at": silence.created_at,
        "silence": to_wire(silence),
    }
    upsert(connection, table, [values])


def get(connection: Connection, silence_id: str) -> Silence | None:
    """Return a silence; None if no silence has that id."""
    found = connection.execute(select(table.c.silence).where(table.c.id == silence_id)).scalar_one_or_none()
    return from_wire(Silence, found) if found is not None else None


def end(connection: Connection, silence_id: str, *, by: str, at: datetime) -> Silence | None:
    """End a silence before its time, and return it; an ended one stays unchanged. None if no silence has that id."""
    silence = get(connection, silence_id)
    if silence is None or silence.ends_at <= at:
        return silence
    ended = replace(silence, starts_at=min(silence.starts_at, at), ends_at=at, ended_by=by)
    save(connection, ended)
    return ended


def active(connection: Connection, now: datetime) -> list[Silence]:
    """Return the silences that hold at a moment."""
    query = select(table.c.silence).where(table.c.starts_at <= now, table.c.ends_at > now).order_by(table.c.id)
    return [from_wire(Silence, found) for found in connection.execute(query).scalars()]


def listed(connection: Connection, *, since: datetime, limit: int = 200) -> list[Silence]:
    """Return the silences that had not ended at a moment, the last to end first."""
    query = select(table.c.silence).where(table.c.ends_at > since).order_by(table.c.ends_at.desc(), table.c.id)
    return [from_wire(Silence, found) for found in connection.execute(query.limit(limit)).scalars()]
