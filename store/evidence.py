"""What evidence there is; the bytes are files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, func, select, update

from facts import Status
from store.tables import evidence as table
from store.tables import runs
from store.upsert import insert

_BATCH = 500


def save(connection: Connection, *, sha256: str, size: int, kind: str, run_id: str | None = None, at: datetime) -> None:
    """Note an artifact; one that is noted already stays as it is, except that it is here now if it was not."""
    row = {"sha256": sha256, "bytes": size, "kind": kind, "run_id": run_id, "stored_at": at}
    here = {"bytes": size, "gone": None}
    statement = insert(connection, table).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=[table.c.sha256], set_=here))


def note_gone(
    connection: Connection, *, sha256: str, kind: str, why: str, run_id: str | None = None, at: datetime
) -> None:
    """Note an artifact that will never come, and why."""
    row = {"sha256": sha256, "bytes": 0, "kind": kind, "run_id": run_id, "stored_at": at, "gone": why}
    connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())


def let_go(connection: Connection, *, most_bytes: int, why: str) -> list[str]:
    """Mark artifacts as gone until the others are within a limit; their hashes.

    The oldest evidence of passed runs goes first, then the oldest of all others: what failed is what is looked at.
    """
    here = table.c.gone.is_(None)
    over = (
        int(connection.execute(select(func.coalesce(func.sum(table.c.bytes), 0)).where(here)).scalar_one()) - most_bytes
    )
    if over <= 0:
        return []
    precious = case((runs.c.status == Status.PASSED, 0), else_=1)
    by_age = (
        select(table.c.sha256, table.c.bytes)
        .join_from(table, runs, runs.c.id == table.c.run_id, isouter=True)
        .where(here)
        .order_by(precious, table.c.stored_at, table.c.sha256)
    )
    gone: list[str] = []
    for sha256, size in connection.execute(by_age):
        if over <= 0:
            break
        gone.append(sha256)
        over -= size
    for begin in range(0, len(gone), _BATCH):
        batch = gone[begin : begin + _BATCH]
        connection.execute(update(table).where(table.c.sha256.in_(batch)).values(gone=why))
    return gone


def why_gone(connection: Connection, hashes: Sequence[str]) -> dict[str, str]:
    """Of some artifacts those that are gone, and why."""
    asked = select(table.c.sha256, table.c.gone).where(table.c.sha256.in_(hashes), table.c.gone.is_not(None))
    return {row.sha256: row.gone for row in connection.execute(asked)}


def kind_of(connection: Connection, sha256: str) -> str | None:
    """The kind of an artifact, or None where there is none."""
    return connection.execute(select(table.c.kind).where(table.c.sha256 == sha256)).scalar()
