"""Deletes old rows in small batches, so that other transactions do not wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, desc, func, or_, select, tuple_
from sqlalchemy.sql.elements import Tuple

from facts import AlertState, Status
from store.engine import Store
from store.tables import (
    alert_changes,
    alerts,
    claims,
    deliveries,
    deploys,
    duplicates,
    events,
    evidence,
    inbound_events,
    incidents,
    job_runs,
    ladder,
    notifications,
    pings,
    rollups,
    run_requests,
    runners,
    runs,
    sample_rollups,
    samples,
    series,
    shares,
    silences,
    stock,
    trials,
    verdict_history,
)

_BATCH = 500
_MONTH = timedelta(days=30.5)
_EVENT = tuple_(events.c.source, events.c.id)
_INBOUND = tuple_(inbound_events.c.provider, inbound_events.c.id)
_TRIAL = tuple_(trials.c.trial, trials.c.destination)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Holds how long each kind of data is kept. Raw data is deleted first; data for yearly reports is kept longest."""

    passed_runs: timedelta = timedelta(days=35)
    failed_runs: timedelta = timedelta(days=90)
    evidence: timedelta = timedelta(days=14)
    samples: timedelta = timedelta(days=35)
    short_rollups: timedelta = timedelta(days=90)
    rollups: timedelta = 13 * _MONTH
    # The guide: error 90 days, warn 30, info 7. A level that is none of these may be worse than an error.
    events: timedelta = timedelta(days=90)
    warnings: timedelta = timedelta(days=30)
    information: timedelta = timedelta(days=7)
    alerts: timedelta = 25 * _MONTH
    runners: timedelta = timedelta(days=7)
    claims: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Holds what was deleted: the number of rows by table, and the hashes of evidence whose files may be deleted now."""

    rows: dict[str, int] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)


def sweep(
    store: Store, *, now: datetime, keep: Retention | None = None, check: Callable[[], None] = lambda: None
) -> Swept:
    """Delete what is older than it is kept, by `now` or a day after the newest measured run, whichever comes first.

    Two clocks must agree before anything is gone: the hub's, and that of the runner which has measured last. A clock that is
    a year ahead would let all history go; one that has no runner to agree with lets nothing go that is not old beside the rest.
    `check` is called between the tables and raises where the sweep should go no further; what is gone until then is consistent.
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
        (deploys, deploys.c.id, deploys.c.at < now - keep.rollups),
        (silences, silences.c.id, silences.c.ends_at < now - keep.alerts),
        (shares, shares.c.id, shares.c.expires_at < now - keep.failed_runs),
        (verdict_history, verdict_history.c.number, verdict_history.c.at < now - keep.rollups),
        (rollups, rollups.c.start, rollups.c.start < now - keep.rollups),
        (events, _EVENT, events.c.at < now - keep.events),
        (pings, tuple_(pings.c.uuid, pings.c.n), pings.c.at < now - keep.events),
        (events, _EVENT, and_(events.c.level == "warn", events.c.at < now - keep.warnings)),
        (events, _EVENT, and_(events.c.level == "info", events.c.at < now - keep.information)),
        (alert_changes, alert_changes.c.number, alert_changes.c.at < now - keep.alerts),
        (alerts, alerts.c.id, or_(over, dropped)),
        (incidents, incidents.c.number, incidents.c.resolved_at < now - keep.alerts),
        (notifications, notifications.c.id, notifications.c.created_at < now - keep.alerts),
        (ladder, ladder.c.id, ladder.c.created_at < now - keep.alerts),
        (inbound_events, _INBOUND, inbound_events.c.received_at < now - keep.alerts),
        (trials, _TRIAL, trials.c.at < now - keep.alerts),
        (deliveries, deliveries.c.number, deliveries.c.at < now - keep.alerts),
        (runners, runners.c.id, runners.c.heard_at < now - keep.runners),
        (claims, claims.c.slot, claims.c.slot < now - keep.claims),
        (run_requests, run_requests.c.id, run_requests.c.requested_at < now - keep.failed_runs),
        (job_runs, job_runs.c.key, job_runs.c.keep_until < now),
    ]
    rows: dict[str, int] = {}
    for table, key, condition in old:
        check()
        rows[table.name] = rows.get(table.name, 0) + len(_sweep(store, table, key, condition))
    rows |= _sweep_samples(store, now, keep)
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
            wanted = key.clauses if isinstance(key, Tuple) else [key]
            found = connection.execute(select(*wanted).where(condition).distinct().limit(_BATCH)).all()
            batch = [tuple(row) if isinstance(key, Tuple) else row[0] for row in found]
            if batch:
                connection.execute(delete(table).where(key.in_(batch), condition))
        gone += batch
        if len(batch) < _BATCH:
            return gone


def _sweep_samples(store: Store, now: datetime, keep: Retention) -> dict[str, int]:
    """Delete old samples and rollups series by series, where their keys lie beside one another; how many by table.

    The series themselves stay: they are few, and a series that comes back goes on under its id.
    """
    raw, buckets = samples.c, sample_rollups.c
    kept_for = ((300, keep.short_rollups), (3600, keep.rollups), (86_400, keep.rollups))
    with store.read() as connection:
        ids = list(connection.execute(select(series.c.id).order_by(series.c.id)).scalars())
    gone = {samples.name: 0, sample_rollups.name: 0}
    for i in ids:
        gone[samples.name] += _sweep_before(store, samples, raw.at, raw.series_id == i, now - keep.samples)
        for width_s, kept in kept_for:
            of_width = and_(buckets.series_id == i, buckets.width_s == width_s)
            gone[sample_rollups.name] += _sweep_before(store, sample_rollups, buckets.start, of_width, now - kept)
    return gone


def _sweep_before(store: Store, table: Table, at: Any, condition: ColumnElement[bool], before: datetime) -> int:
    """Delete the rows whose moment lies before another, oldest first; return how many. It takes no lock to find that there are none."""
    gone = 0
    oldest = select(at).where(condition, at < before).order_by(at)
    while True:
        with store.read() as connection:
            last = connection.execute(oldest.offset(_BATCH - 1).limit(1)).scalar()
            if last is None and connection.execute(oldest.limit(1)).first() is None:
                return gone
        with store.write() as connection:
            up_to = at <= last if last is not None else at < before
            gone += connection.execute(delete(table).where(condition, up_to)).rowcount
