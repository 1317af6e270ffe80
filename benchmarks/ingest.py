"""What taking runs in costs beside the bare database: runners that send a run each as it ends, all at once, and the same rows
inserted and committed.

Each sender is a thread that hands the hub's ingest one run after the other, in the body that a runner posts with it (the heartbeat
and the word of its ledger included), and waits for each until it is on disk. The floor is as many writers at once, in as many
processes, that insert the very rows that ingest makes with the bare driver, from values that are ready, one in a transaction: same
columns, same indexes, same pragmas, both wait for their disk. The floor reads nothing, checks nothing and counts nothing, and
keeps neither heartbeats, ledgers, counters nor rollups. There is no HTTP on either side. At the end both tables must hold the
same rows.

Prints runs a second in turns, medians, and ingest over floor; beside them what one writer does alone, who waits for nobody.

SQLite has one hub; PostgreSQL has two, as `deploy/kubernetes` has (a hub is one Python process, and uses one core).

    .venv/bin/python -P benchmarks/ingest.py [--senders 32] [--runs 640] [--rounds 9] [--database both|sqlite|postgresql] [--hubs N]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.ingest_batches import NOW, PERIOD_S, REQUESTS, a_slot_run, engine_of, kept
from facts import Heartbeat, LedgerState, to_wire
from hub.ingest import Ingest
from process.heap import settle_heap
from store import Store, open_store
from store.rows import COLUMNS, Arrival, row_of
from tests.databases import a_cluster, a_database, a_migrated_store

LIMIT = 0.7
HUBS = {"sqlite": 1, "postgresql": 2}
TURNS = ("one writer", "writers at once", "ingest")


@dataclass(frozen=True)
class Database:
    """Where a store is."""

    url: str | None
    folder: Path

    def open(self) -> Store:
        return open_store(self.url, folder=self.folder)


@dataclass(frozen=True)
class Sent:
    """A run as a runner sends it, and as a row that is ready."""

    body: bytes
    row: tuple[Any, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--senders", type=int, nargs="+", default=[32], help="how many send at once to each hub")
    parser.add_argument("--runs", type=int, default=640, help="how many a hub's senders send in a turn, all together")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--database", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--hubs", type=int, help="how many processes; by itself as many as the database is used with")
    asked = parser.parse_args()
    for kind in HUBS if asked.database == "both" else (asked.database,):
        for senders in asked.senders:
            measure(kind, asked.hubs or HUBS[kind], senders, max(1, asked.runs // senders), asked.rounds)


def measure(kind: str, hubs: int, senders: int, runs: int, rounds: int) -> None:
    spawning = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        databases = {turn: stack.enter_context(a_place(kind)) for turn in TURNS}
        pipes: list[Connection] = []
        for hub in range(hubs):
            pipe, its = spawning.Pipe()
            process = spawning.Process(target=work, args=(its, hub, hubs, databases, senders, runs), daemon=True)
            process.start()
            stack.callback(process.join, 30)
            pipes.append(pipe)
        rates: dict[str, list[float]] = {turn: [] for turn in TURNS}
        for _ in range(rounds + 1):
            for turn in TURNS:
                rates[turn].append(a_turn(turn, pipes, runs, senders))
        for pipe in pipes:
            pipe.send(None)
        stores = {turn: stack.enter_context(opened(databases[turn])) for turn in TURNS}
        assert kept(stores["ingest"]) == kept(stores["writers at once"]), (
            "the floor inserts the very rows that ingest does"
        )
    # The first round pays for what is loaded once.
    medians = {turn: statistics.median(rate[1:]) for turn, rate in rates.items()}
    ratios = [i / floor for i, floor in zip(rates["ingest"][1:], rates["writers at once"][1:], strict=True)]
    ratio = medians["ingest"] / medians["writers at once"]
    told = ", ".join(f"{turn} {rate:,.0f}" for turn, rate in medians.items())
    print(
        f"{kind}, {hubs} hub{'s' * (hubs > 1)}, {senders} senders each: runs/s {told}; {ratio:.2f} x, "
        f"limit {LIMIT} x: {'holds' if ratio >= LIMIT else 'BROKEN'} "
        f"(rounds {min(ratios):.2f} to {max(ratios):.2f}, load {os.getloadavg()[0]:.1f})"
    )


@contextmanager
def a_place(kind: str) -> Iterator[Database]:
    """A migrated database of its own, on a cluster of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = None
        if kind == "postgresql":
            url = stack.enter_context(a_database(stack.enter_context(a_cluster(durable=True))))
        with a_migrated_store(url, Path(folder)):
            pass
        yield Database(url, Path(folder))


@contextmanager
def opened(database: Database) -> Iterator[Store]:
    store = database.open()
    try:
        yield store
    finally:
        store.close()


def a_turn(turn: str, pipes: Sequence[Connection], runs: int, senders: int) -> float:
    """Runs a second of one way, all processes together."""
    working = pipes[:1] if turn == "one writer" else pipes
    for pipe in pipes:
        pipe.send(turn)
        assert pipe.recv() == "ready"
    began = time.perf_counter()
    for pipe in working:
        pipe.send("go")
    for pipe in working:
        assert pipe.recv() == "done"
    return len(working) * senders * runs / (time.perf_counter() - began)


def work(pipe: Connection, hub: int, hubs: int, databases: dict[str, Database], senders: int, runs: int) -> None:
    """A process of a hub and its senders, and of as many bare writers."""
    places = [f"region-{hub}-{n:02d}" for n in range(senders)]
    with ExitStack() as stack:
        stores = {turn: stack.enter_context(opened(database)) for turn, database in databases.items()}
        ingest = Ingest(stores["ingest"], locations=places, periods={"ga_purchase": PERIOD_S})

        def take(sent: Sent) -> None:
            assert [one.result for one in ingest.batch(sent.body, now=NOW)] == ["accepted"]

        ways = {
            "one writer": inserting(stores["one writer"]),
            "writers at once": inserting(stores["writers at once"]),
            "ingest": take,
        }
        rounds = 0
        settle_heap()
        for turn in iter(pipe.recv, None):
            rounds += turn == TURNS[0]
            first = (rounds - 1) * senders * runs
            told = [a_sent(hub, places, number) for number in range(first, first + senders * runs)]
            shares = [told] if turn == "one writer" else [told[n::senders] for n in range(senders)]
            pipe.send("ready")
            if turn == "one writer" and hub:
                continue
            assert pipe.recv() == "go"
            all_at_once(ways[turn], shares)
            pipe.send("done")


def a_sent(hub: int, places: Sequence[str], number: int) -> Sent:
    run = a_slot_run(number, REQUESTS["real"], places)
    text = json.dumps(to_wire(run) | {"id": f"run-{hub}-{number:06d}"}, separators=(",", ":"))
    ledger = LedgerState(location=run.location, at=NOW, purchases=12, scheduled=12, cleans=True)
    beat = Heartbeat(id=f"{run.location}.1", version="1.0.0", sent_at=NOW, sandbox=True)
    about = json.dumps(to_wire(beat) | {"ledger": to_wire(ledger)}, separators=(",", ":"))
    (row,) = [row_of(Arrival(run, True, text), received_at=NOW).values()]
    body = f'{{"version":1,"location":"{run.location}","runs":[{text}],"runner":{about}}}'
    return Sent(body.encode(), (f"run-{hub}-{number:06d}", *row[1:]))


def inserting(store: Store) -> Callable[[Sent], None]:
    """Inserts a row with the driver alone, in a transaction of its own."""
    mark = "?" if engine_of(store).dialect.name == "sqlite" else "%s"
    statement = f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({', '.join(mark for _ in COLUMNS)})"

    def insert(sent: Sent) -> None:
        with store.write() as connection:
            connection.connection.cursor().execute(statement, sent.row)

    return insert


def all_at_once(do: Callable[[Sent], None], shares: Sequence[Sequence[Sent]]) -> None:
    def go(share: Sequence[Sent]) -> None:
        for sent in share:
            do(sent)

    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(go, shares))  # raises what one of them raised


if __name__ == "__main__":
    main()
