"""Stores the metadata of evidence; its bytes are files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, delete, func, null, or_, select, update

from facts import Status
from store.tables import duplicates, runs
from store.tables import evidence as table
from store.upsert import insert

_BATCH = 500


def save(
    connection: Connection,
    *,
    sha256: str,
    size: int,
    kind: str,
    run_id: str | None = None,
    location: str | None = None,
    at: datetime,
) -> None:
    """Record an artifact.

    Two runs may have the same bytes, such as a page's text. The row then keeps the first location, names no run any
    more, and is kept as long as the last run needs it. An artifact that was deleted belongs to the run that sends it
    again.
    """
    row = {
        "sha256": sha256,
        "bytes": size,
        "kind": kind,
        "run_id": run_id,
        "location": location,
        "stored_at": at,
        "gone": None,
    }
    new = insert(connection, table).values(row)
    # Only a deleted artifact takes the kind and location of the new run; otherwise the first run's stay.
    first = {
        name: case((table.c.gone.is_(None), table.c[name]), else_=new.excluded[name]) for name in ("kind", "location")
    }
    ours = or_(table.c.gone.is_not(None), table.c.run_id == new.excluded.run_id)
    first["run_id"] = case((ours, new.excluded.run_id), else_=null())
    here = {**first, "bytes": size, "gone": None, "stored_at": at}
    connection.execute(new.on_conflict_do_update(index_elements=[table.c.sha256], set_=here))


def note_gone(
    connection: Connection,
    *,
    sha256: str,
    kind: str,
    why: str,
    run_id: str | None = None,
    location: str | None = None,
    at: datetime,
) -> None:
    """Record an artifact that will never arrive, with the reason."""
    row = {
        "sha256": sha256,
        "bytes": 0,
        "kind": kind,
        "run_id": run_id,
        "location": location,
        "stored_at": at,
        "gone": why,
    }
    connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())


def here(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Return which of some artifacts must have a file."""
    asked = select(table.c.sha256).where(table.c.sha256.in_(hashes), table.c.gone.is_(None))
    return set(connection.execute(asked).scalars())


def forget_without_run(connection: Connection, *, stored_before: datetime) -> list[str]:
    """Delete the rows of artifacts stored before `stored_before` whose run never arrived; return their hashes.

    An artifact that names no run is kept.
    """
    # Evidence of a duplicate run is kept as well.
    kept = [select(t.c.id).where(t.c.id == table.c.run_id).exists() for t in (runs, duplicates)]
    lost = [table.c.stored_at < stored_before, table.c.run_id.is_not(None), *(~found for found in kept)]
    return list(connection.execute(delete(table).where(*lost).returning(table.c.sha256)).scalars())


def let_go(connection: Connection, *, most_bytes: int, why: str) -> list[str]:
    """Mark artifacts as deleted until the others are within a limit; return their hashes.

    The oldest evidence of passed runs is deleted first, then the oldest of all other runs, because people look at
    failures.
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


def why_gone(connection: Connection, hashes: Sequence[str], *, location: str | None = None) -> dict[str, str]:
    """Return which of some artifacts are deleted, with the reason; with `location` only reasons given by its own runners or the hub."""
    asked = select(table.c.sha256, table.c.gone).where(table.c.sha256.in_(hashes), table.c.gone.is_not(None))
    if location is not None:
        asked = asked.where(or_(table.c.location.is_(None), table.c.location == location))
    return {row.sha256: row.gone for row in connection.execute(asked)}


def kind_of(connection: Connection, sha256: str) -> str | None:
    """Return the kind of an artifact; None if it does not exist."""
    return connection.execute(select(table.c.kind).where(table.c.sha256 == sha256)).scalar()
