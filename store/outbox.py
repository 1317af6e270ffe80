"""Stores owed messages: claimed by a conditional UPDATE, sent outside the transaction, recorded last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, desc, exists, func, or_, select, update

from facts import Backlog, Confirmation, HoldReason, Notification, NotificationKind, NotificationState, Severity
from store.tables import deliveries
from store.tables import notifications as table
from store.upsert import insert

_OWED, _CLAIMED = NotificationState.OWED.value, NotificationState.CLAIMED.value
_GIVING_UP_KEY = 0x51_6F_63
"""The key of PostgreSQL's advisory lock for transactions that give up a message."""
_LIMITING_KEY = 0x51_6F_64
"""The key of PostgreSQL's advisory lock for transactions that ask whether a phone may get another SMS."""
# The largest tolerated difference between the clocks of hubs that share a database.
_CLOCKS_APART = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Holds one try to deliver a notification."""

    at: datetime
    ok: bool
    detail: str | None


def owe(connection: Connection, notifications: Sequence[Notification]) -> None:
    """Add messages. Their ids are derived from their content, so adding a message twice has no effect."""
    for notification in notifications:
        connection.execute(insert(connection, table).values(_row(notification)).on_conflict_do_nothing())


def update_owed(connection: Connection, notification: Notification) -> bool:
    """Update a message that is not claimed; return False if it is being sent or is done."""
    changed = connection.execute(
        update(table)
        .where(table.c.id == notification.id, table.c.state == _OWED)
        .values(
            state=notification.state.value,
            reason=notification.reason,
            due_at=notification.due_at,
            hold=notification.hold and notification.hold.value,
        )
    )
    return bool(changed.rowcount)


def _row(notification: Notification) -> dict[str, Any]:
    names = (c.name for c in table.columns if c.name != "position")
    values = {name: getattr(notification, name) for name in names}
    for name in ("kind", "severity", "state"):
        values[name] = values[name].value
    for name in ("hold", "confirmation"):
        values[name] = values[name] and values[name].value
    return {**values, "position": notification.order}


def of_threads(connection: Connection, threads: Sequence[str]) -> list[Notification]:
    """Return every message of some incidents, in order."""
    if not threads:
        return []
    query = select(table).where(table.c.thread.in_(threads)).order_by(table.c.thread, table.c.position, table.c.id)
    return [_notification(row) for row in connection.execute(query)]


def _notification(row: Row[Any]) -> Notification:
    values = {c.name: getattr(row, c.name) for c in table.columns if c.name != "position"}
    values["kind"] = NotificationKind(row.kind)
    values["severity"] = Severity(row.severity)
    values["state"] = NotificationState(row.state)
    values["hold"] = HoldReason(row.hold) if row.hold else None
    values["confirmation"] = Confirmation(row.confirmation) if row.confirmation else None
    return Notification(**values, order=row.position)


def last_delivered(connection: Connection) -> dict[str, datetime]:
    """Return when each destination last took a message, by its name; one that never did is left out."""
    query = select(table.c.destination, func.max(table.c.delivered_at).label("at")).where(
        table.c.delivered_at.isnot(None)
    )
    return {row.destination: row.at for row in connection.execute(query.group_by(table.c.destination))}


def destinations_due(connection: Connection, now: datetime) -> list[str]:
    """Return the destinations that a message could be sent to now."""
    query = select(table.c.destination).where(_due(now), ~_earlier_is_open()).distinct()
    return sorted(connection.execute(query).scalars())


def claim(
    connection: Connection, *, holder: str, now: datetime, lease_s: float, limit: int, destination: str | None = None
) -> list[Notification]:
    """Claim due messages, of one destination or of all, for `lease_s` seconds; most urgent first.

    New breaches that no one has heard of come first, so that they do not wait behind messages that failed before. A
    message waits while an earlier one of its thread to the same destination is owed or being sent, so that firing comes
    before resolved.

    An expired claim is claimed again, because its holder died between claiming and recording. A wrong clock has the
    same effect: claims that end later than their duration allows, and messages that are due later only because the
    clock was ahead, are claimed too.
    """
    due = or_(_due(now), _of_a_wrong_clock(now, holder, lease_s))
    query = select(table.c.id).where(due, ~_earlier_is_open()).order_by(*_URGENCY)
    if destination is not None:
        query = query.where(table.c.destination == destination)
    if connection.dialect.name == "postgresql":
        # Rows that another hub is claiming are skipped instead of waited for.
        query = query.with_for_update(skip_locked=True)
    ids = list(connection.execute(query.limit(limit)).scalars())
    # Each UPDATE repeats the condition, because a row may have changed since it was selected.
    claimed = [one for one in ids if _claim(connection, one, holder, now, lease_s)]
    rows = connection.execute(select(table).where(table.c.id.in_(claimed))).all() if claimed else []
    return sorted((_notification(row) for row in rows), key=lambda n: claimed.index(n.id))


def _is_first_word() -> ColumnElement[bool]:
    """Match the first message about an incident to a destination; a tier's repetition is not one."""
    earlier = table.alias("before")
    told = exists().where(
        earlier.c.thread == table.c.thread,
        earlier.c.destination == table.c.destination,
        earlier.c.position < table.c.position,
        earlier.c.state != NotificationState.SUPPRESSED.value,
    )
    return and_(table.c.kind == NotificationKind.FIRING.value, ~told)


_URGENCY = (
    case((_is_first_word(), 0), else_=1),
    case((table.c.tries == 0, 0), else_=1),
    case({severity.value: severity.rank for severity in Severity}, value=table.c.severity),
    table.c.due_at,
    table.c.position,
)


def _due(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(table.c.state == _OWED, table.c.due_at <= now),
        and_(table.c.state == _CLAIMED, table.c.claimed_until <= now),
    )


def _of_a_wrong_clock(now: datetime, holder: str, lease_s: float) -> ColumnElement[bool]:
    """Match messages that wait only because the clock was ahead. A claim of this holder does not match: it is being sent."""
    soon = now + _CLOCKS_APART
    tried = exists().where(deliveries.c.notification_id == table.c.id, deliveries.c.at > soon)
    void = and_(table.c.claimed_by != holder, table.c.claimed_until > soon + timedelta(seconds=lease_s))
    return or_(
        and_(table.c.state == _OWED, table.c.due_at > now, or_(table.c.created_at > soon, tried)),
        and_(table.c.state == _CLAIMED, void),
    )


def _earlier_is_open() -> ColumnElement[bool]:
    earlier = table.alias("earlier")
    return exists().where(
        earlier.c.thread == table.c.thread,
        earlier.c.destination == table.c.destination,
        earlier.c.position < table.c.position,
        earlier.c.state.in_((_OWED, _CLAIMED)),
    )


def _claim(connection: Connection, notification_id: str, holder: str, now: datetime, lease_s: float) -> bool:
    statement = (
        update(table)
        .where(table.c.id == notification_id, or_(_due(now), _of_a_wrong_clock(now, holder, lease_s)))
        .values(state=_CLAIMED, claimed_by=holder, claimed_until=now + timedelta(seconds=lease_s))
    )
    return bool(connection.execute(statement).rowcount)


def delivered(
    connection: Connection,
    notification_id: str,
    *,
    holder: str,
    at: datetime,
    detail: str | None,
    reference: str | None = None,
) -> bool:
    """Record that the receiver accepted a message. Returns False if the claim now belongs to another holder.

    With a `reference`, by which the service is asked whether it arrived, that is pending from now on.
    """
    values: dict[str, Any] = {
        "state": NotificationState.DELIVERED.value,
        "delivered_at": at,
        "last_error": None,
        "receipt": detail,
        "reference": reference,
        "confirmation": Confirmation.PENDING.value if reference is not None else None,
    }
    return _record(connection, notification_id, holder, at, ok=True, detail=detail, values=values)


def try_again(
    connection: Connection, notification_id: str, *, holder: str, at: datetime, next_at: datetime, error: str | None
) -> bool:
    """Record a failed try; the next one is at `next_at`. Returns False if the claim now belongs to another holder."""
    values = {"state": _OWED, "due_at": next_at, "last_error": error}
    return _record(connection, notification_id, holder, at, ok=False, detail=error, values=values)


def hold(
    connection: Connection, notification_id: str, *, holder: str, until: datetime, why: HoldReason, reason: str
) -> bool:
    """Let a claimed message wait without a try. Returns False if the claim now belongs to another holder."""
    mine = and_(table.c.id == notification_id, table.c.state == _CLAIMED, table.c.claimed_by == holder)
    values = {"state": _OWED, "due_at": until, "hold": why.value, "reason": reason}
    changed = connection.execute(update(table).where(mine).values(**values, claimed_by=None, claimed_until=None))
    return bool(changed.rowcount)


def sent_to(connection: Connection, destinations: Sequence[str], *, since: datetime) -> list[datetime]:
    """Return when messages were sent to some destinations since a moment and taken there, oldest first."""
    query = (
        select(deliveries.c.at)
        .join(table, table.c.id == deliveries.c.notification_id)
        .where(table.c.destination.in_(destinations), deliveries.c.ok, deliveries.c.at > since)
        .order_by(deliveries.c.at)
    )
    return list(connection.execute(query).scalars())


def sending_to(connection: Connection, destinations: Sequence[str], *, besides: str, now: datetime) -> int:
    """Return how many messages to some destinations are being sent now, without the message `besides`.

    Two concurrent transactions would each overlook the other's message, so the second waits for the first to end. SQLite has
    only one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LIMITING_KEY)))
    mine = (table.c.destination.in_(destinations), table.c.id != besides)
    query = select(func.count()).where(*mine, table.c.state == _CLAIMED, table.c.claimed_until > now)
    return connection.execute(query).scalar_one()


def dead(connection: Connection, notification_id: str, *, holder: str, at: datetime, error: str | None) -> bool:
    """Record that a message will never be delivered. Returns False if the claim now belongs to another holder.

    The caller then checks which other destinations have the message. Two concurrent transactions would each count on
    the other's message, so the second waits for the first to end. SQLite has only one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_GIVING_UP_KEY)))
    values = {"state": NotificationState.DEAD.value, "last_error": error}
    return _record(connection, notification_id, holder, at, ok=False, detail=error, values=values)


def _record(
    connection: Connection,
    notification_id: str,
    holder: str,
    at: datetime,
    *,
    ok: bool,
    detail: str | None,
    values: dict[str, Any],
) -> bool:
    mine = and_(table.c.id == notification_id, table.c.state == _CLAIMED, table.c.claimed_by == holder)
    changed = connection.execute(
        update(table).where(mine).values(**values, tries=table.c.tries + 1, claimed_by=None, claimed_until=None)
    )
    # Recorded even if the claim was lost meanwhile, because the try was made.
    connection.execute(deliveries.insert().values(notification_id=notification_id, at=at, ok=ok, detail=detail))
    return bool(changed.rowcount)


def to_confirm(connection: Connection, *, limit: int) -> list[Notification]:
    """Return the messages of which it is not known yet whether they arrived, the first delivered first."""
    pending = table.c.confirmation == Confirmation.PENDING.value
    query = select(table).where(pending).order_by(table.c.delivered_at, table.c.id).limit(limit)
    return [_notification(row) for row in connection.execute(query)]


def confirm(
    connection: Connection, notification_id: str, confirmation: Confirmation, *, at: datetime, detail: str
) -> bool:
    """Record the final result of a message. Returns False if another hub has recorded it."""
    pending = and_(table.c.id == notification_id, table.c.confirmation == Confirmation.PENDING.value)
    values = {"confirmation": confirmation.value, "confirmed_at": at, "receipt": detail}
    return bool(connection.execute(update(table).where(pending).values(**values)).rowcount)


def refused_later(connection: Connection, notification_id: str, *, at: datetime, error: str) -> None:
    """Record that a message accepted by the service finally could not be delivered."""
    taken = and_(table.c.id == notification_id, table.c.state == NotificationState.DELIVERED.value)
    changed = connection.execute(
        update(table).where(taken).values(state=NotificationState.DEAD.value, last_error=error)
    )
    if changed.rowcount:
        connection.execute(deliveries.insert().values(notification_id=notification_id, at=at, ok=False, detail=error))


def tries_of(connection: Connection, notification_id: str) -> list[Delivery]:
    """Return every try of a message, oldest first."""
    query = select(deliveries).where(deliveries.c.notification_id == notification_id).order_by(deliveries.c.number)
    return [Delivery(at=row.at, ok=row.ok, detail=row.detail) for row in connection.execute(query)]


def first_tried_at(connection: Connection, notification_id: str) -> datetime | None:
    """Return when a message was first tried; None if it was not tried yet."""
    query = select(func.min(deliveries.c.at)).where(deliveries.c.notification_id == notification_id)
    return connection.execute(query).scalar()


def oldest_due(connection: Connection, now: datetime) -> datetime | None:
    """Return since when the oldest sendable message waits; None if none waits."""
    return connection.execute(select(func.min(table.c.due_at)).where(_due(now), ~_earlier_is_open())).scalar()


def backlogs(connection: Connection, now: datetime) -> list[Backlog]:
    """Return each destination's undelivered messages: due and not sent, being sent, or tried without success.

    Tried and untried messages are counted separately: the first are caused by the receiver, the second perhaps by the
    hub.
    """
    first_try = select(func.min(deliveries.c.at)).where(deliveries.c.notification_id == table.c.id).scalar_subquery()
    wanted = or_(table.c.state == _CLAIMED, and_(table.c.state == _OWED, or_(table.c.tries > 0, table.c.due_at <= now)))
    query = select(table.c.destination, table.c.due_at, table.c.last_error, first_try.label("first_try"))
    found: dict[tuple[str, bool], Backlog] = {}
    for row in connection.execute(query.where(wanted, ~_earlier_is_open()).order_by(table.c.created_at)):
        key = (row.destination, row.first_try is not None)
        known, since = found.get(key), row.first_try or row.due_at
        found[key] = Backlog(
            destination=row.destination,
            since=min(since, known.since) if known else since,
            messages=known.messages + 1 if known else 1,
            tried=row.first_try is not None,
            error=row.last_error or (known.error if known else None),
        )
    return [found[key] for key in sorted(found)]


def counts(connection: Connection) -> dict[str, int]:
    """Return the number of messages in each state."""
    query = select(table.c.state, func.count().label("n")).group_by(table.c.state)
    return {row.state: row.n for row in connection.execute(query)}


def latest(connection: Connection, *, limit: int = 100) -> list[Notification]:
    """Return the latest messages, newest first."""
    query = select(table).order_by(desc(table.c.created_at), desc(table.c.position)).limit(limit)
    return [_notification(row) for row in connection.execute(query)]
