"""What a cycle and the hub's pages cost as history grows: the guide's load (`ga_purchase` every 5 minutes and
`vip_member_discount` every 15 at three locations, 1,152 runs a day) after 1 day and after 35, and 10 and 100 times that load.

10 times the load is ten times the pace; 100 times is that at thirty locations. A store is filled in bulk, the rollups of 13 months
included, and measured as a hub uses it: before each tick as many new runs arrive through ingest as do in its ten seconds; pages are
asked through the ASGI application, without a network. The first answer of each pays for what is loaded once and is printed apart.
Runs have sixty requests each; the records of those older than a day, which only their own pages read, are short.

Prints medians (pages: p95) beside the limits, the CPU of this process, and growth from 1 day to 35. It wants a calm machine.

    .venv/bin/python -P benchmarks/cycle.py [--load 1 10] [--database both|sqlite|postgresql] [--rounds 15] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from config import Location, Locations
from config.locations import JourneyPlan
from facts import Blame, Grid, Run, Status, outcome_of, to_wire
from hub.watched import Watched
from journeys.site import Site
from process.heap import settle_heap
from store import Store, counters, rollups
from store.columns import microseconds
from store.rows import COLUMNS, Arrival, row_of
from store.tables import rollups as rollup_table
from store.upsert import upsert
from tests.builders import A_MOMENT, VIP_STEPS, a_request, a_run, an_attempt, some_steps
from tests.databases import a_cluster, a_database, a_migrated_store
from tests.hub.conftest import Bench, a_bench

CYCLE_LIMITS_MS = {1: 50, 10: 50, 100: 250}
PAGE_LIMITS_MS = {1: 100, 10: 300, 100: 300}
GROWTH_LIMIT = 1.2
PAGES = ("/", "/journeys/ga_purchase", "/runs/{run}", "/sla", "/alerts", "/metrics", "/api/runs", "/api/sla", "/readyz")
DAYS, ROLLUP_DAYS = 35, 395
PLACES = ("us-east", "us-west", "eu-west")
PERIODS_S = {"ga_purchase": 300, "vip_member_discount": 900}
NOW = A_MOMENT + timedelta(days=400)
_MARKS = ("RUN-ID-TEMPLATE", A_MOMENT)


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
            site=Site(base_url="http://127.0.0.1:9", cities={"Dallas": "dallas"}),
            locations=Locations(
                locations={place: Location() for place in self.places},
                journeys={journey: JourneyPlan(every=f"{period}s") for journey, period in self.periods_s.items()},
            ),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", type=int, nargs="+", default=[1, 10], choices=(1, 10, 100))
    parser.add_argument("--database", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--profile", action="store_true", help="tell by function where a cycle's time goes")
    asked = parser.parse_args()
    for kind in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        for times in asked.load:
            measure(kind, Load(times), asked.rounds, profile=asked.profile)


def measure(kind: str, load: Load, rounds: int, *, profile: bool = False) -> None:
    """One database: after a day, and after all days."""
    with a_store(kind) as (store, folder):
        fill(store, load, since=NOW - timedelta(days=1), until=NOW)
        day = report(kind, load, "1 day", store, folder, rounds)
        fill(store, load, since=NOW - timedelta(days=DAYS), until=NOW - timedelta(days=1))
        fill_rollups(store, load)
        all_days = report(kind, load, f"{DAYS} days", store, folder, rounds, profile=profile)
        growth = all_days / day
        print(
            f"  growth of a cycle from 1 day to {DAYS}: {growth:.2f} x, {verdict(growth, GROWTH_LIMIT)} x", flush=True
        )


@contextmanager
def a_store(kind: str) -> Iterator[tuple[Store, Path]]:
    """A migrated database of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = None
        if kind == "postgresql":
            url = stack.enter_context(a_database(stack.enter_context(a_cluster(durable=True))))
        yield stack.enter_context(a_migrated_store(url, Path(folder))), Path(folder)


def report(
    kind: str, load: Load, held: str, store: Store, folder: Path, rounds: int, *, profile: bool = False
) -> float:
    """Measure and print; the median of a cycle in ms."""
    settle(store)
    with a_bench(store, folder, watched=load.watched()) as bench:
        bench.now = NOW
        settle_heap()
        profiler = cProfile.Profile()
        numbers = count()
        first = timed(lambda: bench.tick(0))
        cycles = []
        for _ in range(rounds):
            bench.now += timedelta(seconds=10)
            send_new_runs(bench, load, numbers)
            if profile:
                profiler.enable()
            cycles.append(timed(lambda: bench.tick(0)))
            profiler.disable()
        if profile:
            pstats.Stats(profiler, stream=sys.stdout).sort_stats("cumulative").print_stats(32)
        cycle_ms = statistics.median(one.wall for one in cycles)
        print(
            f"{kind}, {load.times} x the guide's load, {held}: cycle {cycle_ms:.1f} ms, "
            f"{verdict(cycle_ms, CYCLE_LIMITS_MS[load.times])} ms; CPU {median_cpu(cycles):.1f}, "
            f"first {first.wall:.0f} ms (load {os.getloadavg()[0]:.1f})"
        )
        run = bench.client.get("/api/runs", params={"limit": 1}).json()["runs"][0]["run_id"]
        for page in PAGES:
            times = [timed(lambda p=page: ask(bench, p.format(run=run))) for _ in range(rounds + 1)]
            p95 = sorted(one.wall for one in times[1:])[-(-rounds * 95 // 100) - 1]
            print(
                f"  {page:24} p95 {p95:6.1f} ms, {verdict(p95, PAGE_LIMITS_MS[load.times])} ms; "
                f"median {statistics.median(one.wall for one in times[1:]):.1f}, CPU {median_cpu(times[1:]):.1f}, "
                f"first {times[0].wall:.0f} ms",
                flush=True,
            )
    return cycle_ms


def verdict(value: float, limit: float) -> str:
    return f"{'holds' if value <= limit else 'BROKEN'}, limit {limit:g}"


class Took(NamedTuple):
    """Milliseconds of wall time, and of this process's CPU."""

    wall: float
    cpu: float


def timed(do: Callable[[], object]) -> Took:
    began, computing = time.perf_counter(), time.process_time()
    do()
    return Took(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - computing))


def median_cpu(times: Sequence[Took]) -> float:
    return statistics.median(one.cpu for one in times)


def ask(bench: Bench, path: str) -> None:
    bench.now += timedelta(seconds=6)  # answers that are kept for a moment are made anew
    answer = bench.client.get(path)
    assert answer.status_code in (200, 503), answer.text


def send_new_runs(bench: Bench, load: Load, numbers: Iterator[int]) -> None:
    """As many new runs as come between two ticks, each of another place; they lie beside the grid, whose slots are taken."""
    n = next(numbers)
    kinds = [(journey, place) for journey in load.periods_s for place in load.places]
    for i in range(-(-load.times * 1152 // 8640)):
        journey, place = kinds[(n + i) % len(kinds)]
        run, _ = templates(journey, place)[0]
        slot = bench.now - timedelta(seconds=20, microseconds=n)
        ends = {"started_at": slot, "finished_at": slot + timedelta(seconds=8)}
        bench.send(replace(run, id=f"new-{n}-{i}-{bench.now:%d%H%M%S}", slot=slot, **ends))


def settle(store: Store) -> None:
    """Leave a database as one that has run for a while: with statistics, and nothing waiting to be written."""
    with store.read() as connection:
        engine = connection.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if store.dialect == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")


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
        (a_run(**common, status=Status.PASSED, attempts=(passed,)), 970),
        (a_run(**common, status=Status.PASSED, attempts=(failed, again), flaky=True), 10),
        (a_run(**common, status=Status.FAILED, attempts=(failed, replace(failed, number=2, traced=True))), 8),
        (a_run(**common, status=Status.ERRORED, blame=Blame.RUNNER, error="no network"), 6),
        (a_run(**common, status=Status.MISSED, error="the runner was not running"), 6),
    ]


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


if __name__ == "__main__":
    main()
