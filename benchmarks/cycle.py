"""What a cycle, the hub's pages and its reports cost as history grows: the guide's load (`ga_purchase` every 5 minutes and
`vip_member_discount` every 15 at three locations, 1,152 runs a day) and every source, after 1 day and after 35.

10 times the load is ten times the pace; 100 times is that at thirty locations. A store is filled in bulk (`filling.py`), after 35 days
with the rollups, verdicts and incidents of 13 months, and measured as a hub uses it: before each tick as many new runs arrive through
ingest as do in its ten seconds; pages are asked through the ASGI application, without a network. The first answer of each pays for
what is loaded once and is printed apart. Runs have sixty requests each; the records of those older than a day, which only their own
pages read, are short.

Prints medians (pages: p95) beside the limits, the CPU of this process, and growth from 1 day to 35. It wants a calm machine; on one
that others use, CPU and ratios count.

    .venv/bin/python -P benchmarks/cycle.py [--load 1 10] [--database both|sqlite|postgresql] [--rounds 15] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine

from benchmarks.filling import (
    DAYS,
    NOW,
    Load,
    fill,
    fill_incidents,
    fill_rollups,
    fill_traffic,
    fill_traffic_rollups,
    fill_verdicts,
    templates,
)
from process.heap import settle_heap
from store import Store
from tests.databases import a_cluster, a_database, a_migrated_store
from tests.hub.conftest import Bench, a_bench

CYCLE_LIMITS_MS = {1: 50, 10: 250, 100: 250}
PAGE_LIMITS_MS = {1: 100, 10: 300, 100: 300}
GROWTH_LIMIT = 1.2
REPORT_LIMIT_MS = 2000
PAGES = (
    *("/", "/journeys/ga_purchase", "/runs/{run}", "/sla", "/alerts", "/metrics", "/api/runs", "/api/sla", "/readyz"),
    *("/executive", "/operations", "/business", "/reports"),
)
REPORTS = ("daily", "weekly", f"monthly?for={NOW:%Y-%m}", "quarterly?for=2027-Q4", "yearly?for=2027")
"""The month and quarter that are not over yet: of them the runs are kept, so that there is most to read."""


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
    cycle_ms = {}
    for days in (1, DAYS):
        with a_store(kind) as (store, folder):
            fill_history(store, folder, load, days)
            cycle_ms[days] = report(kind, load, days, store, folder, rounds, profile=profile and days == DAYS)
    growth = cycle_ms[DAYS] / cycle_ms[1]
    print(f"  growth of a cycle from 1 day to {DAYS}: {growth:.2f} x, {verdict(growth, GROWTH_LIMIT)} x", flush=True)


def fill_history(store: Store, folder: Path, load: Load, days: int) -> None:
    """Fill a store with some days; where these are all that a hub keeps, with what it keeps of the months before as well."""
    fill(store, load, since=NOW - timedelta(days=days), until=NOW)
    fill_traffic(store, since=NOW - timedelta(days=days))
    if days < DAYS:
        return
    fill_rollups(store, load)
    fill_traffic_rollups(store)
    with a_bench(store, folder, watched=load.watched()) as bench:
        bench.now = NOW - timedelta(seconds=10)
        fill_verdicts(store, bench.tick(0).verdicts)
        bench.cycle.give_up()
    fill_incidents(store)


@contextmanager
def a_store(kind: str) -> Iterator[tuple[Store, Path]]:
    """A migrated database of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = None
        if kind == "postgresql":
            url = stack.enter_context(a_database(stack.enter_context(a_cluster(durable=True))))
        yield stack.enter_context(a_migrated_store(url, Path(folder))), Path(folder)


def report(
    kind: str, load: Load, days: int, store: Store, folder: Path, rounds: int, *, profile: bool = False
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
            f"{kind}, {load.times} x the guide's load, {days} d: cycle {cycle_ms:.1f} ms, "
            f"{verdict(cycle_ms, CYCLE_LIMITS_MS[load.times])} ms; CPU {median_cpu(cycles):.1f}, "
            f"first {first.wall:.0f} ms (load {os.getloadavg()[0]:.1f})"
        )
        run = bench.client.get("/api/runs", params={"limit": 1}).json()["runs"][0]["run_id"]
        for page in PAGES:
            times = [timed(lambda p=page: ask(bench, p.format(run=run))) for _ in range(rounds + 1)]
            p95 = sorted(one.wall for one in times[1:])[-(-rounds * 95 // 100) - 1]
            print(
                f"  {page:34} p95 {p95:6.1f} ms, {verdict(p95, PAGE_LIMITS_MS[load.times])} ms; "
                f"median {statistics.median(one.wall for one in times[1:]):.1f}, CPU {median_cpu(times[1:]):.1f}, "
                f"first {times[0].wall:.0f} ms",
                flush=True,
            )
        if days == DAYS:
            measure_reports(bench)
    return cycle_ms


def measure_reports(bench: Bench) -> None:
    """Print what each report costs; the limit is that of a month's."""
    for name in REPORTS:
        times = [timed(lambda n=name: ask(bench, f"/reports/{n}")) for _ in range(3)]
        wall_ms = statistics.median(one.wall for one in times)
        said = f", {verdict(wall_ms, REPORT_LIMIT_MS)} ms" if name.startswith("monthly") else ""
        print(f"  {'/reports/' + name:34} {wall_ms:6.0f} ms{said}; CPU {median_cpu(times):.0f}", flush=True)


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
    if store.dialect != "postgresql":
        return
    with store.read() as connection:
        url = connection.engine.url
    # A connection of its own: the store's end every statement after two seconds.
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")


if __name__ == "__main__":
    main()
