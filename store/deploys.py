"""Stores deploys of the watched site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from facts import Deploy, from_wire, to_wire
from store.tables import deploys as table
from store.upsert import insert


def add(connection: Connection, deploy: Deploy) -> tuple[Deploy, bool]:
    """Insert a deploy unless its id exists. Return the deploy that is stored under the id, and whether it was inserted now."""
    values = {"id": deploy.id, "at": deploy.at, "deploy": to_wire(deploy)}
    new = insert(connection, table).values(values).on_conflict_do_nothing().returning(table.c.id)
    is_new = connection.execute(new).first() is not None
    found = connection.execute(select(table.c.deploy).where(table.c.id == deploy.id)).scalar_one()
    return from_wire(Deploy, found), is_new


def of_period(connection: Connection, *, since: datetime, until: datetime, limit: int = 200) -> list[Deploy]:
    """Return the deploys from one moment to another, without the latter, newest first."""
    query = select(table.c.deploy).where(table.c.at >= since, table.c.at < until)
    newest = query.order_by(table.c.at.desc(), table.c.id).limit(limit)
    return [from_wire(Deploy, found) for found in connection.execute(newest).scalars()]
