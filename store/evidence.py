"""What evidence there is; the bytes are files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from store.tables import evidence as table
from store.upsert import insert


def save(connection: Connection, *, sha256: str, size: int, kind: str, at: datetime) -> None:
    """Note an artifact; one that is noted already stays as it is."""
    row = {"sha256": sha256, "bytes": size, "kind": kind, "stored_at": at}
    connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())


def kind_of(connection: Connection, sha256: str) -> str | None:
    """The kind of an artifact, or None where there is none."""
    return connection.execute(select(table.c.kind).where(table.c.sha256 == sha256)).scalar()
