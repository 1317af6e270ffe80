"""Provides leases for one evaluator at a time, by the database's clock. A frozen holder loses its lease and can write nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    extract,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from process.logs import get_logger
from store.columns import Moment
from store.tables import leases as table
from store.upsert import insert

LIFE_S = 30.0
"""The duration of a lease in seconds. A lease that ends later than that from now was taken by a clock that was ahead, and is void."""
_ROUNDING_S = 1.0
_log = get_logger("sixfb.store")


def take(connection: Connection, *, name: str, holder: str, ttl_s: float) -> int | None:
    """Take or renew a lease for `ttl_s` seconds; return its epoch, or None while another holder has it.

    The epoch increases with each change of the holder, so that writes of an earlier holder can be recognized and
    refused. Another holder's lease that ends later than `ttl_s` from now is void: the clock was ahead when it was
    taken.
    """
    now = _now(connection)
    until = type_coerce(now + _microseconds(ttl_s), Moment)
    first = {"name": name, "holder": holder, "epoch": 1, "expires_at": until}
    new = insert(connection, table).values(first).on_conflict_do_nothing().returning(table.c.name)
    if connection.execute(new).first():
        return 1
    # A holder's own expired lease is taken anew instead of renewed, so that its epoch increases.
    mine, over = table.c.holder == holder, type_coerce(table.c.expires_at, BigInteger) <= now
    void = _ends_after(now, ttl_s)
    renewed = connection.execute(update(table).where(table.c.name == name, mine, ~over).values(expires_at=until))
    if not renewed.rowcount:
        _log_void(connection, name, void)
        taken = (
            update(table)
            .where(table.c.name == name, or_(over, void))
            .values(holder=holder, epoch=table.c.epoch + 1, expires_at=until)
        )
        if not connection.execute(taken).rowcount:
            return None
    epoch: int = connection.execute(select(table.c.epoch).where(table.c.name == name)).scalar_one()
    return epoch


def holds(connection: Connection, *, name: str, holder: str, epoch: int) -> bool:
    """Return whether the lease still belongs to this holder in this epoch. Inside a write transaction this holds until its end."""
    query = select(table.c.epoch).where(
        and_(table.c.name == name, table.c.holder == holder, table.c.epoch == epoch),
        type_coerce(table.c.expires_at, BigInteger) > _now(connection),
    )
    # Locked, so that no other hub can take the lease before this transaction ends.
    return connection.execute(query.with_for_update()).first() is not None


def held(connection: Connection, *, life_s: float = LIFE_S, name: str | None = None) -> tuple[str, datetime] | None:
    """Return who holds the lease of a name, or any lease, and until when; None if nobody does. Void ones are nobody's."""
    now = _now(connection)
    query = select(table.c.holder, table.c.expires_at).where(
        type_coerce(table.c.expires_at, BigInteger) > now, ~_ends_after(now, life_s)
    )
    if name is not None:
        query = query.where(table.c.name == name)
    row = connection.execute(query.order_by(table.c.expires_at.desc()).limit(1)).first()
    return (row.holder, row.expires_at) if row else None


def release(connection: Connection, *, name: str, holder: str) -> None:
    """Release the lease, so that another holder need not wait for its expiry."""
    over = datetime(1970, 1, 1, tzinfo=UTC)
    connection.execute(update(table).where(table.c.name == name, table.c.holder == holder).values(expires_at=over))


def _log_void(connection: Connection, name: str, void: ColumnElement[bool]) -> None:
    row = connection.execute(select(table.c.holder, table.c.expires_at).where(table.c.name == name, void)).first()
    if row is not None:
        _log.warning("lease_void", lease=name, holder=row.holder, ends=row.expires_at.isoformat())


def _ends_after(now: ColumnElement[int], life_s: float) -> ColumnElement[bool]:
    return type_coerce(table.c.expires_at, BigInteger) > now + _microseconds(life_s + _ROUNDING_S)


def _microseconds(seconds: float) -> int:
    return int(timedelta(seconds=seconds) / timedelta(microseconds=1))


def _now(connection: Connection) -> ColumnElement[int]:
    """Return the current time in microseconds since 1970 by the database's clock, which advances during a transaction."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return cast((func.julianday("now") - 2440587.5) * 86_400_000_000, BigInteger)
