"""Stores the runs that people requested beside the schedule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from facts import RunRequest
from store.tables import run_requests as table
from store.upsert import insert

_MOST = 20


def add(connection: Connection, request: RunRequest) -> None:
    """Save a new request."""
    values = {
        "id": request.id,
        "journey": request.journey,
        "location": request.location,
        "requested_at": request.requested_at,
        "requested_by": request.by,
        "taken_at": request.taken_at,
        "taken_by": request.taken_by,
    }
    connection.execute(insert(connection, table).values(values))


def get(connection: Connection, request_id: str) -> RunRequest | None:
    """Return a request; None if none has that id."""
    row = connection.execute(select(table).where(table.c.id == request_id)).first()
    return _request(row) if row is not None else None


def of_location(connection: Connection, location: str, *, since: datetime) -> list[RunRequest]:
    """Return the requests of a location since a moment, taken or not, the oldest first."""
    query = select(table).where(table.c.location == location, table.c.requested_at >= since)
    rows = connection.execute(query.order_by(table.c.requested_at, table.c.id).limit(_MOST))
    return [_request(row) for row in rows]


def take(connection: Connection, request_id: str, *, runner: str, at: datetime) -> bool:
    """Give a request to a runner; False if another has taken it. A runner that asks again gets the same answer."""
    free = update(table).where(table.c.id == request_id, table.c.taken_at.is_(None))
    connection.execute(free.values(taken_at=at, taken_by=runner))
    taken_by = connection.execute(select(table.c.taken_by).where(table.c.id == request_id)).scalar_one_or_none()
    return taken_by == runner


def _request(row: Row[Any]) -> RunRequest:
    return RunRequest(
        id=row.id,
        journey=row.journey,
        location=row.location,
        requested_at=row.requested_at,
        by=row.requested_by,
        taken_at=row.taken_at,
        taken_by=row.taken_by,
    )
