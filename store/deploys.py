"""Stores deploys of the watched site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from facts import Deploy, from_wire, to_wire
from store.places import follows
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


def page(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    after_place: tuple[datetime, str] | None = None,
    limit: int = 200,
) -> list[Deploy]:
    """Return the deploys from one moment to another, without the latter, newest first.

    `after_place` is the time and the id of a deploy: the deploys that follow it in this order are returned.
    """
    conditions = [table.c.at >= since, table.c.at < until]
    if after_place is not None:
        conditions.append(follows(table.c.at, table.c.id, after_place))
    query = select(table.c.deploy).where(*conditions).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    return [from_wire(Deploy, found) for found in connection.execute(query).scalars()]
