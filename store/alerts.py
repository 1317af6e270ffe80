"""Stores alerts, their episodes and their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, desc, func, or_, select

from facts import Alert, AlertState, Incident, Severity, from_wire, to_wire
from store.places import follows
from store.tables import alert_changes
from store.tables import alerts as table
from store.upsert import upsert

_CHANGING_KEY = 0x51_6F_61
"""The key of PostgreSQL's advisory lock for transactions that change alerts."""
_STANDING = (AlertState.PENDING.value, AlertState.FIRING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """Holds one change of an alert; `what` is the name of a new state, or `acknowledged`, `given back`, `severity`."""

    alert_id: str
    at: datetime
    what: str
    note: str | None = None


def lock(connection: Connection) -> None:
    """Wait for the other transaction that changes alerts, on PostgreSQL; SQLite has only one writer at a time."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CHANGING_KEY)))


def save(connection: Connection, alerts: Sequence[Alert], *, at: datetime) -> None:
    """Save alerts in their current state, and record what changed."""
    # Read in the writing transaction, so that the recorded changes match the stored rows.
    before = {alert.id: alert for alert in of_ids(connection, [alert.id for alert in alerts])}
    changes = [change for alert in alerts for change in _changes(before.get(alert.id), alert, at)]
    upsert(connection, table, [_row(alert) for alert in alerts])
    if changes:
        connection.execute(alert_changes.insert(), changes)


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "key": alert.key,
        "episode": alert.episode,
        "state": alert.state.value,
        "severity": alert.severity.value,
        "pending_since": alert.pending_since,
        "resolved_at": alert.resolved_at,
        "alert": to_wire(alert),
    }


def _changes(before: Alert | None, after: Alert, at: datetime) -> list[dict[str, Any]]:
    told: list[tuple[str, str | None]] = []
    if before is None or before.state is not after.state:
        told.append((after.state.value, after.closed or after.summary))
    if before is not None and before.severity is not after.severity:
        told.append(("severity", f"{before.severity} → {after.severity}"))
    had = before.acked_by if before else None
    if had != after.acked_by:
        told.append(("acknowledged", after.acked_by) if after.acked_by else ("given back", had))
    return [{"alert_id": after.id, "at": at, "what": what, "note": note} for what, note in told]


def of_ids(connection: Connection, ids: Sequence[str]) -> list[Alert]:
    """Return the alerts with some ids, in no particular order; ids that do not exist are left out."""
    rows = connection.execute(select(table.c.alert).where(table.c.id.in_(ids))) if ids else ()
    return [from_wire(Alert, row.alert) for row in rows]


def standing(connection: Connection) -> list[Alert]:
    """Return the alerts that are pending or firing."""
    rows = connection.execute(
        select(table.c.alert).where(table.c.state.in_(_STANDING)).order_by(table.c.pending_since, table.c.id)
    )
    return [from_wire(Alert, row.alert) for row in rows]


def past_of(connection: Connection, incidents: Sequence[Incident]) -> list[Alert]:
    """Return the resolved alerts of some incidents, read by the ids that the incidents have."""
    ids = {incident.id for incident in incidents}
    # An alert that left its incident is still among the incident's ids.
    found = of_ids(connection, sorted({alert_id for incident in incidents for alert_id in incident.alerts}))
    return [alert for alert in found if alert.state is AlertState.RESOLVED and alert.incident in ids]


def get(connection: Connection, alert_id: str) -> Alert | None:
    """Return one alert; None if it does not exist."""
    return next(iter(of_ids(connection, [alert_id])), None)


def ids_beginning_with(connection: Connection, beginning: str, *, limit: int) -> list[str]:
    """Return the first ids that begin with a text, in order."""
    begins = func.substr(table.c.id, 1, len(beginning)) == beginning
    return list(connection.execute(select(table.c.id).where(begins).order_by(table.c.id).limit(limit)).scalars())


def listed(connection: Connection, *, state: AlertState | None = None, limit: int = 100) -> list[Alert]:
    """Return alerts, newest first; alerts that were dropped before they fired are returned only if `state` asks for them."""
    condition = table.c.state == state.value if state else table.c.state != AlertState.DROPPED.value
    query = select(table.c.alert).where(condition).order_by(desc(table.c.pending_since), desc(table.c.id)).limit(limit)
    return [from_wire(Alert, row.alert) for row in connection.execute(query)]


def page(
    connection: Connection,
    *,
    state: AlertState | None = None,
    severity: Severity | None = None,
    rule: str | None = None,
    journey: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after_place: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Alert]:
    """Return the alerts of a state, severity, rule and journey that were pending or firing during any part of a period, newest first.

    Alerts that were dropped before they fired are returned only if `state` asks for them. `after_place` is the time at which an
    alert became pending, and its id: the alerts that follow it in this order are returned.
    """
    conditions = [table.c.state == state.value if state else table.c.state != AlertState.DROPPED.value]
    if severity is not None:
        conditions.append(table.c.severity == severity.value)
    told = (("rule", rule), ("journey", journey))
    conditions += [table.c.alert[key].as_string() == value for key, value in told if value is not None]
    if until is not None:
        conditions.append(table.c.pending_since < until)
    if since is not None:
        conditions.append(or_(table.c.resolved_at.is_(None), table.c.resolved_at >= since))
    if after_place is not None:
        conditions.append(follows(table.c.pending_since, table.c.id, after_place))
    query = select(table.c.alert).where(*conditions).order_by(desc(table.c.pending_since), desc(table.c.id))
    return [from_wire(Alert, row.alert) for row in connection.execute(query.limit(limit))]


def last_of_rule(connection: Connection, rule: str) -> Alert | None:
    """Return the alert of a rule that fired last; None if none is stored."""
    begins = func.substr(table.c.id, 1, len(rule) + 1) == f"{rule}."
    query = select(table.c.alert).where(begins).order_by(desc(table.c.pending_since)).limit(50)
    found = (from_wire(Alert, row.alert) for row in connection.execute(query))
    return max(
        (a for a in found if a.rule == rule and a.fired_at), key=lambda a: a.fired_at or a.pending_since, default=None
    )


def resolved_page(
    connection: Connection,
    *,
    severity: Severity | None = None,
    journey: str | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[Alert]:
    """Return resolved alerts of a severity and a journey, those that began last first, from a place in the list on."""
    query = select(table.c.alert).where(*_resolved(severity, journey))
    query = query.order_by(desc(table.c.pending_since), desc(table.c.id)).offset(offset).limit(limit)
    return [from_wire(Alert, row.alert) for row in connection.execute(query)]


def count_resolved(connection: Connection, *, severity: Severity | None = None, journey: str | None = None) -> int:
    """Return how many alerts of a severity and a journey are resolved."""
    return connection.execute(select(func.count()).select_from(table).where(*_resolved(severity, journey))).scalar_one()


def _resolved(severity: Severity | None, journey: str | None) -> list[Any]:
    conditions: list[Any] = [table.c.state == AlertState.RESOLVED.value]
    if severity is not None:
        conditions.append(table.c.severity == severity.value)
    if journey is not None:
        conditions.append(table.c.alert["journey"].as_string() == journey)
    return conditions


def of_period(
    connection: Connection, *, since: datetime, until: datetime, state: AlertState | None = None, limit: int = 100
) -> list[Alert]:
    """Return the alerts that were pending or firing during any part of a period, newest first; dropped ones only if `state` says so."""
    condition = table.c.state == state.value if state else table.c.state != AlertState.DROPPED.value
    query = (
        select(table.c.alert)
        .where(
            condition, table.c.pending_since < until, or_(table.c.resolved_at.is_(None), table.c.resolved_at >= since)
        )
        .order_by(desc(table.c.pending_since), desc(table.c.id))
    )
    return [from_wire(Alert, row.alert) for row in connection.execute(query.limit(limit))]


def changes(connection: Connection, alert_id: str) -> list[AlertChange]:
    """Return the changes of an alert, oldest first."""
    query = select(alert_changes).where(alert_changes.c.alert_id == alert_id).order_by(alert_changes.c.number)
    return [
        AlertChange(alert_id=row.alert_id, at=row.at, what=row.what, note=row.note) for row in connection.execute(query)
    ]


def changes_of(connection: Connection, alert_ids: Sequence[str]) -> list[AlertChange]:
    """Return the changes of some alerts, oldest first."""
    if not alert_ids:
        return []
    query = select(alert_changes).where(alert_changes.c.alert_id.in_(alert_ids)).order_by(alert_changes.c.number)
    return [
        AlertChange(alert_id=row.alert_id, at=row.at, what=row.what, note=row.note) for row in connection.execute(query)
    ]


def fired_lately(connection: Connection, since: datetime, *, least: int) -> dict[str, tuple[datetime, ...]]:
    """Return when the alerts of a key fired whose episodes began after a moment, oldest first.

    Keys with fewer than `least` such episodes are left out.
    """
    fired = (AlertState.FIRING.value, AlertState.RESOLVED.value)
    lately = and_(table.c.pending_since > since, table.c.state.in_(fired))
    often = connection.execute(select(table.c.key).where(lately).group_by(table.c.key).having(func.count() >= least))
    keys = list(often.scalars())
    if not keys:
        return {}
    rows = connection.execute(select(table.c.alert).where(lately, table.c.key.in_(keys)).order_by(table.c.episode))
    found: dict[str, tuple[datetime, ...]] = {}
    for row in rows:
        alert = from_wire(Alert, row.alert)
        if alert.fired_at is not None:
            found[alert.key] = (*found.get(alert.key, ()), alert.fired_at)
    return found


def last_fired(connection: Connection) -> dict[str, datetime]:
    """Return when an alert of each rule last began that fired; a rule that never fired is left out."""
    fired = table.c.state.in_((AlertState.FIRING.value, AlertState.RESOLVED.value))
    query = select(table.c.key, func.max(table.c.pending_since).label("at")).where(fired).group_by(table.c.key)
    found: dict[str, datetime] = {}
    for row in connection.execute(query):
        rule = row.key.partition("/")[0]
        found[rule] = max(found.get(rule, row.at), row.at)
    return found


def last_episode(connection: Connection) -> dict[str, int]:
    """Return the number of the last episode of each key."""
    query = select(table.c.key, func.max(table.c.episode).label("last")).group_by(table.c.key)
    return {row.key: row.last for row in connection.execute(query)}
