"""Counts wrong passwords for each limited key: a name, a network, a browser. All hubs share the counts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, case, delete, func, select, update

from store.tables import login_failures as table
from store.upsert import insert

MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Holds the number of recent wrong guesses, and the time of the last one."""

    failed: int
    last_at: datetime


def held(connection: Connection, keys: Collection[str], *, now: datetime) -> dict[str, Failures]:
    """Return the failures of each key, and lock their rows for this transaction, so that concurrent guesses are counted one by one."""
    found = {}
    # In a fixed order, so that two transactions that need the same rows wait, but never deadlock.
    for key in sorted(keys):
        new = insert(connection, table).values(key=key, failed=0, last_at=now)
        # This update changes nothing, but it locks a row that exists already.
        kept = new.on_conflict_do_update(index_elements=[table.c.key], set_={"key": new.excluded.key})
        row = connection.execute(kept.returning(table.c.failed, table.c.last_at)).one()
        found[key] = Failures(failed=row.failed, last_at=row.last_at)
    return found


def note(connection: Connection, key: str, *, failed: int, at: datetime) -> None:
    """Set the number of wrong guesses of a key."""
    connection.execute(update(table).where(table.c.key == key).values(failed=failed, last_at=at))


def take_back(connection: Connection, key: str) -> None:
    """Reduce the number of wrong guesses by one."""
    less = case((table.c.failed > 0, table.c.failed - 1), else_=0)
    connection.execute(update(table).where(table.c.key == key).values(failed=less))


def sweep(connection: Connection, *, before: datetime, most: int = MOST) -> None:
    """Delete the keys that have been quiet since `before`, and those with the fewest failures if there are more than `most`.

    An attacker who floods the table with new keys must not displace the key under attack.
    """
    _forget(connection, select(table.c.key).where(table.c.last_at < before))
    over = connection.execute(select(func.count()).select_from(table)).scalar_one() - most
    if over > 0:
        by_guilt = select(table.c.key).order_by(table.c.failed, table.c.last_at)
        _forget(connection, by_guilt.limit(over + most // 10))


def _forget(connection: Connection, keys: Select[tuple[str]]) -> None:
    # A row that another guess has locked is in use; waiting for it is not worthwhile.
    connection.execute(delete(table).where(table.c.key.in_(keys.with_for_update(skip_locked=True))))
