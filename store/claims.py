"""Stores which of a location's runners runs a slot: one claims it and renews the claim, and an expired claim is free again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from facts import Claim, Status
from store.tables import claims as table
from store.tables import runs
from store.upsert import insert

_CLOCKS_APART = timedelta(seconds=60)


def claim(
    connection: Connection,
    *,
    journey: str,
    location: str,
    slot: datetime,
    runner: str,
    now: datetime,
    until: datetime,
) -> Claim:
    """Claim a slot until `until`, or renew a claim. A slot with a measured record cannot be claimed.

    Another runner's claim that ends later than a new one would, by more than hubs' clocks may differ, was made by a
    clock that was ahead, and is void.
    """
    where = (runs.c.journey == journey, runs.c.location == location, runs.c.slot == slot)
    found = connection.execute(select(runs.c.status).where(*where)).scalar()
    record = Status(found) if found is not None else None
    if record not in (None, Status.MISSED):
        return Claim(granted=False, record=record)
    row = {"journey": journey, "location": location, "slot": slot, "runner": runner, "expires_at": until}
    new = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.runner)
    if connection.execute(new).first():
        return Claim(granted=True, held_by=runner, until=until, record=record)
    mine = (table.c.journey == journey, table.c.location == location, table.c.slot == slot)
    free = or_(table.c.runner == runner, table.c.expires_at <= now, table.c.expires_at > until + _CLOCKS_APART)
    taken = update(table).where(*mine, free).values(runner=runner, expires_at=until)
    if connection.execute(taken).rowcount:
        return Claim(granted=True, held_by=runner, until=until, record=record)
    holder = connection.execute(select(table).where(*mine)).first()
    # The claim was released at this moment, so the slot can be claimed at once.
    return Claim(
        granted=False,
        held_by=holder.runner if holder else None,
        until=holder.expires_at if holder else now,
        record=record,
    )


def release(connection: Connection, *, journey: str, location: str, slot: datetime, runner: str) -> None:
    """Release a runner's claim, so that another runner need not wait for its expiry; other runners' claims stay."""
    mine = (table.c.journey == journey, table.c.location == location, table.c.slot == slot, table.c.runner == runner)
    connection.execute(delete(table).where(*mine))
