"""What a batch costs beside the bare database, part by part: batches of runs one after the other through the hub's ingest, and
the same rows inserted.

The floor is `INSERT` of the very rows that ingest makes (all columns, the record and the details as JSON text), a batch in one
transaction, into a table with the same columns and indexes, on the same kind of database with the same pragmas, by the bare
driver from values that are ready. Both databases wait for their disk, as the hub's do. It has no HTTP on either side, and none
of what ingest does besides: reading and checking the JSON, the outcome, the duplicates, the counters, the rollups. At the end
both tables must hold the same rows.

A batch of fifty is what a runner sends that has waited for the hub for hours. Prints runs a second of both, in turns, and ingest
over floor; then what each part of ingest takes by itself, and what is left beside them and the floor. What many runners that
send at once share is not in it: that is `ingest.py`. `--profile` tells it by function. `--record small` has records of a site
with few requests.

    .venv/bin/python -P benchmarks/ingest_batches.py [--runs 1 50] [--batches 100] [--record real|small]
        [--database both|sqlite|postgresql] [--profile]
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
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from facts import Run, Status, to_wire
from hub import sent
from hub.envelope import MOST_RUNS
from hub.ingest import Ingest
from store import Store, counters, rollups
from store.rows import COLUMNS, Arrival, row_of
from store.tables import runs as table
from tests.builders import A_MOMENT, a_request, a_run
from tests.databases import a_cluster, a_database, a_migrated_store

NOW = A_MOMENT + timedelta(days=400)
PLACES = ("us-east", "us-west", "eu-west")
PERIOD_S = 300
REQUESTS = {"real": 55, "small": 0}
"""Requests of a run beside those that the builder gives it."""


@dataclass(frozen=True)
class Batch:
    """Runs as a runner sends them, and as rows that are ready."""

    body: bytes
    rows: list[tuple[Any, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[1, MOST_RUNS], help="how many runs are in a batch")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--record", choices=tuple(REQUESTS), default="real")
    parser.add_argument("--database", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    kinds = ("sqlite", "postgresql") if asked.database == "both" else (asked.database,)
    for kind in kinds:
        for runs in asked.runs:
            with ExitStack() as stack:
                ingesting, floor = (stack.enter_context(a_store(kind)) for _ in range(2))
                report(kind, runs, ingesting, floor, asked)


@contextmanager
def a_store(kind: str) -> Iterator[Store]:
    """A migrated database of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = None
        if kind == "postgresql":
            url = stack.enter_context(a_database(stack.enter_context(a_cluster(durable=True))))
        yield stack.enter_context(a_migrated_store(url, Path(folder)))


def report(kind: str, runs: int, ingesting: Store, floor: Store, asked: argparse.Namespace) -> None:
    batches = [a_batch(number, runs, REQUESTS[asked.record]) for number in range(asked.batches + 1)]
    ingest = Ingest(ingesting, locations=PLACES, periods={"ga_purchase": PERIOD_S})
    profiler = cProfile.Profile() if asked.profile else None

    def take(batch: Batch) -> None:
        answers = ingest.batch(batch.body, now=NOW)
        assert all(one.result == "accepted" for one in answers)

    insert_rows = bare(floor)
    took: dict[str, list[float]] = {"ingest": [], "floor": []}
    computed: dict[str, list[float]] = {"ingest": [], "floor": []}
    for number, batch in enumerate(batches):
        for name, do in (("floor", insert_rows), ("ingest", take)):
            if profiler and name == "ingest" and number:
                profiler.enable()
            began, computing = time.perf_counter(), time.process_time()
            do(batch)
            spent, cpu = time.perf_counter() - began, time.process_time() - computing
            if profiler:
                profiler.disable()
            if number:  # the first of each pays for what is loaded once
                took[name].append(spent)
                computed[name].append(cpu)
    assert kept(ingesting) == kept(floor), "the floor inserts the very rows that ingest does"
    rates = {name: runs / statistics.median(times) for name, times in took.items()}
    ratio = rates["ingest"] / rates["floor"]
    size = len(batches[0].body) / runs / 1024
    print(
        f"{kind}, {runs} in a batch: records of {size:.1f} KiB, floor {rates['floor']:,.0f} runs/s, "
        f"ingest {rates['ingest']:,.0f} runs/s, {ratio:.2f} x (load {os.getloadavg()[0]:.1f})"
    )
    cpu_ms = {name: 1000 * statistics.median(times) / runs for name, times in computed.items()}
    print(f"  this process computes {cpu_ms['ingest']:.2f} ms a run for ingest, {cpu_ms['floor']:.2f} ms for the floor")
    spent_ms = parts(batches[1:], floor)
    rest_ms = 1000 / rates["ingest"] - 1000 / rates["floor"] - sum(spent_ms.values())
    told = ", ".join(f"{name} {ms:.3f}" for name, ms in {**spent_ms, "the rest": rest_ms}.items())
    print(f"  ms a run: ingest {1000 / rates['ingest']:.3f}, of it the floor {1000 / rates['floor']:.3f}, {told}")
    if profiler:
        pstats.Stats(profiler, stream=sys.stdout).sort_stats("cumulative").print_stats(28)


def parts(batches: list[Batch], store: Store) -> dict[str, float]:
    """What the parts of ingest take by themselves: medians of the batches, in ms a run. It counts the runs in that store."""
    took: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took[name].append(1000 * (time.perf_counter() - began) / len(batch.rows))

    for batch in batches:
        with timed("finding the records"):
            envelope = sent.read_batch(batch.body)
        assert envelope is not None
        with timed("reading them"):
            read = [sent.read_run(record) for record in envelope.records]
        arrivals = [Arrival(one.run, True, one.text) for one in read if one is not None]
        with timed("making rows"):
            rows = [row_of(arrival, received_at=NOW) for arrival in arrivals]
            assert len([row.values() for row in rows]) == len(batch.rows)
        with store.write() as connection:
            with timed("counters"):
                counters.count(connection, [row.run for row in rows])
            with timed("rollups"):
                rollups.add(connection, [row.outcome for row in rows])
    return {name: statistics.median(times) for name, times in took.items()}


def a_batch(number: int, runs: int, more_requests: int) -> Batch:
    """Runs of three locations, slot after slot, the batches one after the other."""
    found = [a_slot_run(number * runs + n, more_requests) for n in range(runs)]
    texts = [json.dumps(to_wire(run), separators=(",", ":")) for run in found]
    rows = [row_of(Arrival(run, True, text), received_at=NOW).values() for run, text in zip(found, texts, strict=True)]
    return Batch(body=f'{{"runs":[{",".join(texts)}]}}'.encode(), rows=rows)


def a_slot_run(number: int, more_requests: int, places: Sequence[str] = PLACES) -> Run:
    """The run of a slot, place after place, with so many requests more than a run of the tests has."""
    slot = A_MOMENT + timedelta(seconds=PERIOD_S * (number // len(places)))
    run = a_run(
        id=f"run-{number:06d}",
        location=places[number % len(places)],
        slot=slot,
        status=Status.PASSED,
        started_at=slot,
        finished_at=slot + timedelta(seconds=8),
        duration_ms=6000.0 + number % 97,
    )
    (attempt,) = run.attempts
    more = tuple(
        a_request(f"/_next/static/chunks/{n}.js", method="GET", kind="script", started_ms=20.0 * n)
        for n in range(more_requests)
    )
    return replace(run, attempts=(replace(attempt, requests=attempt.requests + more),))


def kept(store: Store) -> set[tuple[Any, ...]]:
    """All runs that a store holds, as its database tells them."""
    with store.read() as connection:
        told = connection.exec_driver_sql(f"SELECT {', '.join(c.name for c in table.columns)} FROM runs")
        return {tuple(map(str, row)) for row in told}


def engine_of(store: Store) -> Engine:
    with store.read() as connection:
        return connection.engine


def bare(store: Store) -> Callable[[Batch], None]:
    """Inserts a batch's rows with the driver alone, in one transaction."""
    dialect = engine_of(store).dialect.name
    mark = "?" if dialect == "sqlite" else "%s"
    statement = f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({', '.join(mark for _ in COLUMNS)})"

    def insert_rows(batch: Batch) -> None:
        with store.write() as connection:
            cursor = connection.connection.cursor()
            cursor.executemany(statement, batch.rows)

    return insert_rows


if __name__ == "__main__":
    main()
