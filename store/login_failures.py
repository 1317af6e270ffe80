"""How often a password was wrong, by whatever is limited: a name, a network, a browser. All hubs count together."""

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
    """How often a guess was wrong lately, and when the last one was made."""

    failed: int
    last_at: datetime


def held(connection: Connection, keys: Collection[str], *, now: datetime) -> dict[str, Failures]:
    """Return the failures of each key, and keep their rows for this transaction: guesses at once count one after the other."""
    found = {}
    # In one order, so that two who want the same rows wait and never lock each other.
    for key in sorted(keys):
        new = insert(connection, table).values(key=key, failed=0, last_at=now)
        # It changes nothing: a row that is there already is only ours by an update.
        kept = new.on_conflict_do_update(index_elements=[table.c.key], set_={"key": new.excluded.key})
        row = connection.execute(kept.returning(table.c.failed, table.c.last_at)).one()
        found[key] = Failures(failed=row.failed, last_at=row.last_at)
    return found


def note(connection: Connection, key: str, *, failed: int, at: datetime) -> None:
    """Set how often guesses of a key were wrong."""
    connection.execute(update(table).where(table.c.key == key).values(failed=failed, last_at=at))


def take_back(connection: Connection, key: str) -> None:
    """Count one wrong guess less."""
    less = case((table.c.failed > 0, table.c.failed - 1), else_=0)
    connection.execute(update(table).where(table.c.key == key).values(failed=less))


def sweep(connection: Connection, *, before: datetime, most: int = MOST) -> None:
    """Forget the keys that have been quiet since a moment, and the least guilty where there are too many: whoever floods the
    table with new keys must not wash out the one that is under attack."""
    _forget(connection, select(table.c.key).where(table.c.last_at < before))
    over = connection.execute(select(func.count()).select_from(table)).scalar_one() - most
    if over > 0:
        by_guilt = select(table.c.key).order_by(table.c.failed, table.c.last_at)
        _forget(connection, by_guilt.limit(over + most // 10))


def _forget(connection: Connection, keys: Select[tuple[str]]) -> None:
    # A row that another guess holds is in use, and not to be waited for.
    connection.execute(delete(table).where(table.c.key.in_(keys.with_for_update(skip_locked=True))))
