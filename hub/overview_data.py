"""Loads what the overview shows: counts and rollups of a day, never the runs themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from facts import Alert, AlertState, Deploy, Outcome, Verdict, withheld_thread
from hub.business import calendar_of
from hub.context import HubContext
from hub.dashboards import business_zone, load_buckets
from hub.money_at_risk import sales_rate
from reports.charts import ResultCell
from reports.dashboards.numbers import Numbers
from reports.dashboards.view import view_of
from reports.dashboards.widget import Widget
from reports.dashboards.widgets.revenue_today import REVENUE_TODAY
from reports.live.frame import ReaderZone
from reports.live.outage import Outage, OutageNumbers, SalesLost, outage_of
from reports.live.overview import OverviewData
from reports.live.tiles import Tile, TileNumbers, overview_tiles
from reports.states import told_alerts
from reports.words import span
from sla.history import Schedule
from store import alerts, deploys, feeds, ladder, outbox, rollups, runners, runs, samples

WINDOW = timedelta(hours=24)
CELLS = 96
"""The cells of a strip: of a day, one for each quarter of an hour."""
_HOUR_S = 3600
_PAST = timedelta(days=3)
_MOST_DEPLOYS = 10


def load_overview(
    context: HubContext, verdicts: Sequence[Verdict], judged_at: datetime | None, zone: ReaderZone
) -> OverviewData:
    """Return what the overview shows now."""
    now, schedules = context.clock(), context.watched.schedules()
    window = WINDOW / context.scale
    cell = window / CELLS
    since = now - window
    with context.store.read() as connection:
        firing = [alert for alert in alerts.standing(connection) if alert.state is AlertState.FIRING]
        found_deploys = deploys.of_period(connection, since=now - _PAST, until=now, limit=_MOST_DEPLOYS)
        results = runs.last_received(connection)
        tries = runs.first_attempts(connection, _places(schedules), since=since)
        return OverviewData(
            grids={name: (schedule.period_s, schedule.grids) for name, schedule in schedules.items()},
            latest=_latest(connection, schedules, since),
            strips=_strips(connection, schedules, now, cell),
            tries=tries,
            alerts=firing,
            past=alerts.of_period(connection, since=now - _PAST, until=now, state=AlertState.RESOLVED, limit=50),
            deploys=found_deploys,
            outage=_outage(connection, context, firing, found_deploys, zone),
            tiles=_tiles(connection, context, verdicts, judged_at, tries, since, max(results.values(), default=None)),
            runners=runners.heard(connection, since=now - WINDOW),
            results=results,
            cell=cell,
        )


def _places(schedules: Mapping[str, Schedule]) -> list[tuple[str, str]]:
    return [(name, place) for name, schedule in schedules.items() for place in schedule.grids]


def _latest(
    connection: Connection, schedules: Mapping[str, Schedule], since: datetime
) -> dict[tuple[str, str], Outcome]:
    found = {}
    for journey, place in _places(schedules):
        last = runs.last_of_slots(connection, journey=journey, location=place, since=since, limit=1)
        if last:
            found[journey, place] = last[-1]
    return found


def _strips(
    connection: Connection, schedules: Mapping[str, Schedule], now: datetime, cell: timedelta
) -> dict[tuple[str, str], list[ResultCell]]:
    """Return the cells of each journey and location, oldest first; one in which no slot was due yet is left out at the end."""
    width_s = cell.total_seconds()
    first = samples.bucket_start(now, round(width_s)) - (CELLS - 1) * cell
    counted = runs.stretches(connection, since=first, width_s=width_s)
    starts = [first + number * cell for number in range(CELLS)]
    strips = {}
    for journey, place in _places(schedules):
        cells = []
        for start in starts:
            told = counted.get((start, journey, place))
            cells.append(ResultCell(start=start) if told is None else ResultCell(start=start, **told._asdict()))
        # The newest stretch has only begun: that no result came says nothing yet.
        strips[journey, place] = cells if cells[-1].n else cells[:-1]
    return strips


def _outage(
    connection: Connection,
    context: HubContext,
    firing: Sequence[Alert],
    found_deploys: Sequence[Deploy],
    zone: ReaderZone,
) -> Outage | None:
    now = context.clock()
    told = told_alerts(firing, now)
    if not told:
        return None
    thread = told[0].incident or withheld_thread(told[0].id)
    return outage_of(
        OutageNumbers(
            alerts=firing,
            told=told,
            journeys={name: list(schedule.grids) for name, schedule in context.watched.schedules().items()},
            notifications=outbox.of_threads(connection, [thread]),
            calls=ladder.of_incidents(connection, [thread]),
            deploys=found_deploys,
            sales=_sales(connection, context, now),
            zone=zone,
            now=now,
        )
    )


def _sales(connection: Connection, context: HubContext, now: datetime) -> SalesLost:
    site = context.watched.site
    if "stripe" not in feeds.states(connection):
        return SalesLost()
    rate = sales_rate(connection, calendar_of(site, now), currency=site.currency, now=now)
    if rate is None:
        return SalesLost(why="sales are known for less than two weeks")
    return SalesLost(minor_per_minute=rate.minor_per_minute, currency=rate.currency)


def _tiles(
    connection: Connection,
    context: HubContext,
    verdicts: Sequence[Verdict],
    judged_at: datetime | None,
    tries: Mapping[tuple[str, str], tuple[int, int]],
    since: datetime,
    run_at: datetime | None,
) -> tuple[Tile, ...]:
    now = context.clock()
    schedules = context.watched.schedules()
    journey = next(iter(schedules), None)
    hours_since = samples.bucket_start(min(since, now - timedelta(hours=1)), _HOUR_S)
    numbers = _numbers(connection, verdicts, judged_at)
    return overview_tiles(
        TileNumbers(
            now=now,
            since=since,
            window=span(now - since),
            passed=sum(passed for passed, _ in tries.values()),
            tried=sum(n for _, n in tries.values()),
            run_at=run_at,
            hours=rollups.read(connection, width_s=_HOUR_S, since=hours_since),
            journey=journey,
            slow_after_ms=_slow_after(connection, journey, schedules, now),
            verdicts=verdicts,
            numbers=numbers,
            succeeded=_day(connection, "stripe_payments_succeeded", since, now),
            failed=_day(connection, "stripe_payments_failed", since, now),
            revenue=_revenue(connection, context, numbers),
        )
    )


def _numbers(connection: Connection, verdicts: Sequence[Verdict], judged_at: datetime | None) -> Numbers:
    return Numbers(feeds=feeds.states(connection), verdicts=verdicts, judged_at=judged_at)


def _day(connection: Connection, metric: str, since: datetime, now: datetime) -> list[samples.Bucket]:
    begins = samples.bucket_start(since, _HOUR_S)
    return samples.read_buckets(connection, metric, width_s=_HOUR_S, since=begins, until=now)


def _slow_after(
    connection: Connection, journey: str | None, schedules: Mapping[str, Schedule], now: datetime
) -> float | None:
    """Return the limit of a journey's duration in ms, as its last good run says it."""
    places = schedules[journey].grids if journey else {}
    for place in places:
        run = runs.last_good(connection, journey=str(journey), location=place, before=now)
        if run is not None:
            return run.slow_after_ms
    return None


def _revenue(connection: Connection, context: HubContext, numbers: Numbers) -> Widget:
    now = context.clock()
    zone: ZoneInfo = business_zone(context)
    view = view_of({}, now=now, business=zone, usual_range="24h", usual_alerts="all")
    buckets = {need.key: load_buckets(connection, need, view) for need in REVENUE_TODAY.needs(view)}
    return REVENUE_TODAY.draw(REVENUE_TODAY, view, replace(numbers, buckets=buckets))
