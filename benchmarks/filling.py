"""Fills a store in bulk with the history that a hub would have after weeks and months: for benchmarks, and never for judging.

Runs come as the schedules say, and nearly all of them passed. Samples are those of the demo's simulated visitors and buyers; what is
older than they are repeats them. Verdicts are those of a tick, hour after hour, and incidents come every other day.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config import Location, Locations
from config.locations import JourneyPlan
from demo.shop import ShopSettings
from demo.shop.catalogue import CITIES
from demo.traffic import Generator, save_history
from facts import (
    Alert,
    AlertState,
    Attempt,
    Blame,
    Family,
    Grid,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
    Run,
    Severity,
    Status,
    Traits,
    Verdict,
    VerdictStatus,
    outcome_of,
    to_wire,
)
from hub.watched import Watched
from journeys.site import Business, EndpointChecks, Site, StripeReads
from sources import SOURCES
from sources.events import EVENTS
from store import Store, alerts, counters, feeds, incidents, outbox, rollups
from store.columns import microseconds
from store.rows import COLUMNS, Arrival, row_of
from store.tables import rollups as rollup_table
from store.tables import sample_rollups
from store.upsert import upsert
from store.verdicts import PastVerdict
from tests.builders import A_MOMENT, VIP_STEPS, a_request, a_run, an_attempt, some_steps

DAYS, ROLLUP_DAYS = 35, 395
PLACES = ("us-east", "us-west", "eu-west")
PERIODS_S = {"ga_purchase": 300, "vip_member_discount": 900}
NOW = A_MOMENT + timedelta(days=400)
ZONE = "America/Chicago"
_MARKS = ("RUN-ID-TEMPLATE", A_MOMENT)
_SPREAD = ((0.8, 100), (0.9, 150), (0.95, 200), (1.0, 200), (1.05, 150), (1.1, 100), (1.2, 50), (1.4, 20))
"""How long runs that pass take beside the usual one, and how many in a thousand take so long."""


@dataclass(frozen=True)
class Load:
    """How much is watched, `times` as much as in the guide."""

    times: int

    @property
    def periods_s(self) -> dict[str, int]:
        return {journey: period // min(self.times, 10) for journey, period in PERIODS_S.items()}

    @property
    def places(self) -> tuple[str, ...]:
        return PLACES if self.times <= 10 else tuple(f"region-{n:02d}" for n in range(3 * self.times // 10))

    def watched(self) -> Watched:
        return Watched(
            site=Site(
                base_url="http://127.0.0.1:9",
                city="Dallas",
                cities={city.name: city.id for city in CITIES},
                business=Business(timezone=ZONE),
                endpoint_checks=EndpointChecks(every="5m"),
                stripe_reads=StripeReads(every="5m", orders_a_day=200),
            ),
            locations=Locations(
                locations={place: Location() for place in self.places},
                journeys={journey: JourneyPlan(every=f"{period}s") for journey, period in self.periods_s.items()},
            ),
        )


def templates(journey: str, place: str) -> list[tuple[Run, int]]:
    """Runs of every kind, and how many in a thousand there are of each."""
    steps = VIP_STEPS if journey == "vip_member_discount" else None
    facts: dict[str, Any] = {"steps": some_steps(steps)} if steps else {}
    more = tuple(
        a_request(f"/_next/static/chunks/{n}.js", method="GET", kind="script", started_ms=20.0 * n) for n in range(52)
    )
    passed = an_attempt(number=1, status=Status.PASSED, **facts)
    passed = replace(passed, requests=passed.requests + more)
    failed = an_attempt(number=1, status=Status.FAILED)
    failed = replace(failed, requests=failed.requests + more)
    again = replace(passed, number=2, traced=True)
    common: dict[str, Any] = {
        "id": _MARKS[0],
        "journey": journey,
        "location": place,
        "slot": A_MOMENT,
        "started_at": A_MOMENT,
        "finished_at": A_MOMENT + timedelta(seconds=8),
    }
    return [
        *((a_run(**common, status=Status.PASSED, attempts=(_stretched(passed, by),)), n) for by, n in _SPREAD),
        (a_run(**common, status=Status.PASSED, attempts=(failed, again), flaky=True), 10),
        (a_run(**common, status=Status.FAILED, attempts=(failed, replace(failed, number=2, traced=True))), 8),
        (a_run(**common, status=Status.ERRORED, blame=Blame.RUNNER, error="no network"), 6),
        (a_run(**common, status=Status.MISSED, error="the runner was not running"), 6),
    ]


def _stretched(attempt: Attempt, by: float) -> Attempt:
    """Return an attempt that took so many times as long."""
    steps = tuple(replace(step, duration_ms=by * (step.duration_ms or 0.0)) for step in attempt.steps)
    vitals = tuple(
        replace(vital, value=None if vital.value is None else round(by * vital.value, 4)) for vital in attempt.vitals
    )
    return replace(attempt, steps=steps, vitals=vitals, duration_ms=by * attempt.duration_ms)


def fill(store: Store, load: Load, *, since: datetime, until: datetime, batch: int = 2000) -> None:
    """Insert the runs of every slot in a time, as ingest would have, without their rollups and counters."""
    mark = "?" if store.dialect == "sqlite" else "%s"
    statement = f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({', '.join(mark for _ in COLUMNS)})"
    rows: list[tuple[Any, ...]] = []
    slots = sorted(
        (slot, journey, place)
        for journey, period in load.periods_s.items()
        for i, place in enumerate(load.places)
        for slot in Grid.of(period, index=i, n=len(load.places)).between(since, until)
    )
    made = {key: shapes(*key) for key in {(journey, place) for _, journey, place in slots}}
    counted: list[Run] = []

    def flush() -> None:
        with store.write() as connection:
            connection.connection.cursor().executemany(statement, rows)
            counters.count(connection, counted)
            rollups.add(connection, [outcome_of(run, received_at=run.finished_at) for run in counted])
        rows.clear()
        counted.clear()

    for number, (slot, journey, place) in enumerate(slots):
        shape = made[journey, place][number * 7919 % 1000]
        rows.append(shape.row(f"{slot:%Y%m%dT%H%M%S%f}-{journey}-{place}", slot, short=slot < NOW - timedelta(days=1)))
        counted.append(replace(shape.run, slot=slot))
        if len(rows) == batch:
            flush()
    if rows:
        flush()


@dataclass(frozen=True)
class Shape:
    """A run of a kind, and its row, to be put at any slot."""

    run: Run
    values: tuple[Any, ...]
    short: str

    def row(self, run_id: str, slot: datetime, *, short: bool) -> tuple[Any, ...]:
        record = self.short if short else self.values[1].replace(to_wire(_MARKS[1]), to_wire(slot))
        ends = [microseconds(slot + timedelta(seconds=s)) for s in (0, 0, 8, 9)]
        return (run_id, record.replace(_MARKS[0], run_id), *self.values[2:-4], *ends)


def shapes(journey: str, place: str) -> Sequence[Shape]:
    """A thousand, with each kind as often as it is."""
    found: list[Shape] = []
    for run, n in templates(journey, place):
        row = row_of(Arrival(run), received_at=A_MOMENT)
        short = json.dumps(to_wire(replace(run, attempts=())), separators=(",", ":"))
        found += [Shape(run, row.values(), short)] * n
    return found


def fill_rollups(store: Store, load: Load) -> None:
    """The rollups of the months whose runs are gone already: those of a day, again and again."""
    with store.read() as connection:
        day = NOW - timedelta(days=1)
        rows = [
            row._asdict()
            for row in connection.execute(rollup_table.select().where(rollup_table.c.start >= day - timedelta(days=1)))
            if row.start < day
        ]
    for back in range(DAYS, ROLLUP_DAYS):
        with store.write() as connection:
            upsert(connection, rollup_table, [row | {"start": row["start"] - timedelta(days=back)} for row in rows])


def fill_traffic(store: Store, *, since: datetime) -> None:
    """Insert what every source brought since a moment: the samples of simulated visitors and buyers, and their rollups."""
    generator = Generator(ZoneInfo(ZONE), ShopSettings(stripe_api_base="", stripe_key="", webhook_secret=""))
    cities = {city.name: city.id for city in CITIES}
    save_history(store, generator, now=NOW, cities=cities, places={}, period_s=300, history=NOW - since)
    with store.write() as connection:
        for name in (*(source.name for source in SOURCES), EVENTS):
            feeds.note_good(connection, name, NOW)


def fill_traffic_rollups(store: Store) -> None:
    """The rollups of the months whose samples are gone already: those of the last weeks, again and again."""
    columns = ", ".join(column.name for column in sample_rollups.columns)
    moved = columns.replace("start", "start - {us}")
    weeks = timedelta(days=DAYS)
    for back in range(1, ROLLUP_DAYS // DAYS + 1):
        # Buckets of five minutes are kept 90 days.
        widths = "width_s > 300" if back > 2 else "width_s > 0"
        with store.write() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO sample_rollups ({columns}) "
                f"SELECT {moved.format(us=back * weeks // timedelta(microseconds=1))} FROM sample_rollups "
                f"WHERE {widths} AND start >= {microseconds(NOW - weeks)} ON CONFLICT DO NOTHING"
            )


def fill_verdicts(store: Store, judged: Sequence[Verdict], *, days: int = ROLLUP_DAYS) -> None:
    """The history of verdicts as of a tick: a row an hour of each target, and two more of one target in a day that it was missed."""
    for back in range(days, 0, -1):
        day = NOW - timedelta(days=back)
        rows = [_past(one, day + timedelta(hours=hour, seconds=20)) for hour in range(24) for one in judged]
        missed = judged[back % len(judged)]
        rows += [
            _past(replace(missed, verdict=VerdictStatus.CRITICAL), day + timedelta(hours=9, minutes=10)),
            _past(missed, day + timedelta(hours=9, minutes=40)),
        ]
        # One call of the driver for a day: there are a million rows.
        names = [field.name for field in fields(PastVerdict)]
        mark = "?" if store.dialect == "sqlite" else "%s"
        columns = ", ".join(f'"{name}"' for name in names)
        statement = f"INSERT INTO verdict_history ({columns}) VALUES ({', '.join(mark for _ in names)})"
        told = [_columns(row) for row in sorted(rows, key=lambda row: row.at)]
        with store.write() as connection:
            connection.connection.cursor().executemany(statement, told)


def _columns(row: PastVerdict) -> tuple[Any, ...]:
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    return tuple((values | {"at": microseconds(row.at), "verdict": row.verdict and row.verdict.value}).values())


def _past(verdict: Verdict, at: datetime) -> PastVerdict:
    return PastVerdict(
        key=verdict.key,
        rule=verdict.rule,
        journey=verdict.journey,
        subject=verdict.subject,
        at=at,
        verdict=verdict.verdict,
        value=verdict.value,
        limit=verdict.limit,
        n=min(verdict.n, 1_000_000),
    )


def fill_incidents(store: Store, *, days: int = ROLLUP_DAYS) -> None:
    """An incident every other day, of two alerts and four messages each; every third kept buyers from buying."""
    for number, back in enumerate(range(days, 1, -2), start=1):
        fired = NOW - timedelta(days=back) + timedelta(hours=number % 24)
        over = fired + timedelta(minutes=10 + number % 90)
        stops = number % 3 == 0
        traits = Traits(kind="quorum", family=Family.JOURNEY, from_runs=True, journey_fails=stops)
        made = [
            Alert(
                id=f"{rule}.ga_purchase.{number}",
                key=f"{rule}/ga_purchase",
                rule=rule,
                severity=Severity.CRITICAL if stops else Severity.HIGH,
                state=AlertState.RESOLVED,
                episode=number,
                pending_since=fired - timedelta(minutes=5),
                since=fired - timedelta(minutes=6),
                fired_at=fired,
                acked_at=fired + timedelta(minutes=4) if number % 2 else None,
                acked_by="ann" if number % 2 else None,
                resolved_at=over,
                ended_at=over,
                summary="The checkout fails at 2 of 3 locations",
                journey="ga_purchase",
                incident=f"INC-{number}",
                traits=traits,
            )
            for rule in ("journey_fails", "slow_journey")
        ]
        incident = Incident(
            id=f"INC-{number}",
            lead=made[0].id,
            severity=made[0].severity,
            opened_at=fired,
            alerts=tuple(one.id for one in made),
            updated_at=over,
            resolved_at=over,
        )
        told = [
            Notification(
                id=f"INC-{number}:{kind}:{destination}",
                thread=incident.id,
                alert_id=incident.lead,
                destination=destination,
                kind=kind,
                severity=incident.severity,
                order=order,
                created_at=at,
                due_at=at,
                state=NotificationState.DELIVERED,
                delivered_at=at + timedelta(seconds=3),
            )
            for order, (kind, at) in enumerate(((NotificationKind.FIRING, fired), (NotificationKind.RESOLVED, over)))
            for destination in ("slack", "pagerduty")
        ]
        with store.write() as connection:
            alerts.save(connection, made, at=over)
            incidents.save(connection, [incident])
            outbox.owe(connection, told)
