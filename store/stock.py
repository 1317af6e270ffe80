"""Stores samples of the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from facts import Stock
from store.tables import stock as table
from store.upsert import upsert


def save(connection: Connection, stocks: Sequence[Stock], *, source: str) -> None:
    """Save a sample."""
    upsert(
        connection,
        table,
        [
            {"source": source, "at": s.at, "city": s.city, "tier": s.tier, "remaining": s.remaining, "total": s.total}
            for s in stocks
        ],
    )


def recent(connection: Connection, *, since: datetime) -> list[Stock]:
    """Return every sample from `since`, oldest first."""
    query = select(table).where(table.c.at >= since).order_by(table.c.at, table.c.city, table.c.tier)
    return [
        Stock(at=row.at, city=row.city, tier=row.tier, remaining=row.remaining, total=row.total)
        for row in connection.execute(query)
    ]
