"""Deletes old rows in small batches, so that other transactions do not wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, desc, func, or_, select

from facts import AlertState, Status
from store.engine import Store
from store.tables import (
    alert_changes,
    alerts,
    claims,
    deliveries,
    duplicates,
    evidence,
    incidents,
    notifications,
    rollups,
    runners,
    runs,
    stock,
    verdict_history,
)

_BATCH = 500
_MONTH = timedelta(days=30.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Holds how long each kind of data is kept. Raw data is deleted first; data for yearly reports is kept longest."""

    passed_runs: timedelta = timedelta(days=35)
    failed_runs: timedelta = timedelta(days=90)
    evidence: timedelta = timedelta(days=14)
    samples: timedelta = timedelta(days=35)
    rollups: timedelta = 13 * _MONTH
    alerts: timedelta = 25 * _MONTH
    runners: timedelta = timedelta(days=7)
    claims: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Holds what was deleted: the number of rows by table, and the hashes of evidence whose files may be deleted now."""

    rows: dict[str, int] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)


def sweep(store: Store, *, now: datetime, keep: Retention | None = None) -> Swept:
    """Delete rows older than their retention, measured from `now` or a day after the newest measured run, whichever is earlier.

    Two clocks must agree before anything is deleted: the hub's, and that of the runner which measured last. A clock
    that is a year ahead would otherwise delete the whole history.
    """
    keep = keep or Retention()
    now = min(now, _newest_run(store) or now)
    over = and_(alerts.c.resolved_at < now - keep.alerts, alerts.c.state.in_((AlertState.RESOLVED, AlertState.DROPPED)))
    dropped = and_(alerts.c.state == AlertState.DROPPED, alerts.c.pending_since < now - keep.alerts)
    old: list[tuple[Table, Any, ColumnElement[bool]]] = [
        (runs, runs.c.id, and_(runs.c.status == Status.PASSED, runs.c.started_at < now - keep.passed_runs)),
        (runs, runs.c.id, runs.c.started_at < now - keep.failed_runs),
        (duplicates, duplicates.c.id, duplicates.c.received_at < now - keep.passed_runs),
        (stock, stock.c.at, stock.c.at < now - keep.samples),
        (verdict_history, verdict_history.c.number, verdict_history.c.at < now - keep.rollups),
        (rollups, rollups.c.start, rollups.c.start < now - keep.rollups),
        (alert_changes, alert_changes.c.number, alert_changes.c.at < now - keep.alerts),
        (alerts, alerts.c.id, or_(over, dropped)),
        (incidents, incidents.c.number, incidents.c.resolved_at < now - keep.alerts),
        (notifications, notifications.c.id, notifications.c.created_at < now - keep.alerts),
        (deliveries, deliveries.c.number, deliveries.c.at < now - keep.alerts),
        (runners, runners.c.id, runners.c.heard_at < now - keep.runners),
        (claims, claims.c.slot, claims.c.slot < now - keep.claims),
    ]
    rows: dict[str, int] = {}
    for table, key, condition in old:
        rows[table.name] = rows.get(table.name, 0) + len(_sweep(store, table, key, condition))
    gone = _sweep(store, evidence, evidence.c.sha256, evidence.c.stored_at < now - keep.evidence)
    return Swept(rows=rows, evidence=gone)


def _newest_run(store: Store) -> datetime | None:
    """Return the time one day after the newest measured run, by its runner's clock; None if nothing was measured."""
    measured = runs.c.status.not_in((Status.MISSED.value, Status.SKIPPED.value))
    query = select(func.coalesce(runs.c.slot, runs.c.started_at)).where(measured)
    with store.read() as connection:
        newest = connection.execute(query.order_by(desc(runs.c.started_at)).limit(1)).scalar()
    return newest + timedelta(days=1) if newest is not None else None


def _sweep(store: Store, table: Table, key: Any, condition: ColumnElement[bool]) -> list[Any]:
    gone: list[Any] = []
    while True:
        # One transaction for each batch, so that ingest waits for a single batch at most.
        with store.write() as connection:
            batch = list(connection.execute(select(key).where(condition).distinct().limit(_BATCH)).scalars())
            if batch:
                connection.execute(delete(table).where(key.in_(batch), condition))
        gone += batch
        if len(batch) < _BATCH:
            return gone
