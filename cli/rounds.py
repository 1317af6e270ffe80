"""Makes a round: each journey once at each location of the demo, as many at a time as there are cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cli.output import Part, line, say, say_table
from cli.progress import STYLES
from demo import Demo
from facts import Grid, Run, Status
from journeys.browser import named_browser, sandbox_wanted
from journeys.registry import BUILT_IN
from journeys.site import Prices, Site
from runner.attempt.evidence import delist
from runner.attempt.job import Job, new_run_id
from runner.attempt.start import StartedRun

JOURNEYS = tuple(name.rpartition(".")[2] for name in BUILT_IN)
Key = tuple[str, str]


class Rounds:
    """Makes rounds on a served demo; leaving the `with` block ends the current runs."""

    def __init__(
        self, demo: Demo, locations: Sequence[str], *, evidence: Path, console: Console, period_s: int
    ) -> None:
        self._demo = demo
        self._locations = tuple(locations)
        self._period_s = period_s
        self._evidence = evidence
        self._console = console
        self._lock = threading.Lock()
        self._under_way: set[StartedRun] = set()
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=max(1, os.cpu_count() or 1))
        self._cells: dict[Key, Part] = {}

    def __enter__(self) -> Rounds:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            for run in self._under_way:
                run.stop()
        self._pool.shutdown(cancel_futures=True)

    def make(self) -> list[Run]:
        """Make one round, with journeys in order of their location, and show a table that fills during the round."""
        keys = [(journey, location) for location in self._locations for journey in JOURNEYS]
        self._cells = dict.fromkeys(keys, ("waits", "dim"))
        if self._console.is_terminal:
            with Live(get_renderable=self._table, console=self._console, refresh_per_second=4):
                return list(self._pool.map(self._make_one, keys))
        runs = list(self._pool.map(self._make_one, keys))
        say_table(("journey", *self._locations), map(self._row, JOURNEYS))
        return runs

    def _make_one(self, key: Key) -> Run:
        journey, location = key
        with self._lock:
            if self._closed:
                raise KeyboardInterrupt
            started = StartedRun(self._job(journey, location))
            self._under_way.add(started)
        run = started.wait(lambda event, data: self._note(key, event, data))
        delist(run.id, store=self._evidence)
        with self._lock:
            self._under_way.discard(started)
        self._cells[key] = _outcome(run)
        return run

    def _job(self, journey: str, location: str) -> Job:
        shop = self._demo.shop_settings
        prices = Prices(ga=shop.prices.ga, vip=shop.prices.vip, vip_member=shop.member_price("vip"))
        now = datetime.now(UTC)
        grid = Grid.of(self._period_s, index=self._locations.index(location), n=len(self._locations))
        return Job(
            run_id=new_run_id(journey, location, now),
            journey=journey,
            location=location,
            slot=grid.at_or_before(now),
            site=Site(base_url=self._demo.doors[location], cities={"Dallas": "dallas-jan-2026"}, prices=prices),
            evidence=str(self._evidence.resolve()),
            chromium=named_browser(),
            sandbox=sandbox_wanted(),
            stripe_key=self._demo.stripe_key,
            stripe_api_base=self._demo.stripe_url,
        )

    def _note(self, key: Key, event: str, data: dict[str, Any]) -> None:
        if event == "step_started":
            self._cells[key] = (f"{data['name']} …", "dim")
        elif event == "confirming":
            self._cells[key] = ("confirming …", "yellow")

    def _table(self) -> Table:
        table = Table("journey", *self._locations, title=None)
        for journey in JOURNEYS:
            table.add_row(*map(line, self._row(journey)))
        return table

    def _row(self, journey: str) -> list[Part]:
        return [journey, *(self._cells.get((journey, location), "") for location in self._locations)]


def _outcome(run: Run) -> Part:
    mark = "✓" if run.status is Status.PASSED else "✗"
    flags = "".join(f" {flag}" for flag, on in (("slow", run.slow), ("flaky", run.flaky)) if on)
    return f"{mark} {run.status}{flags} {run.duration_ms / 1000:.1f} s", STYLES.get(run.status, "")


def print_failures(runs: Sequence[Run]) -> None:
    """Print the sentence of every run that did not pass; equal ones once, with their locations."""
    told: dict[str, list[Run]] = {}
    for run in runs:
        if run.status is not Status.PASSED:
            told.setdefault(run.error or str(run.status), []).append(run)
    for sentence, same in told.items():
        places = ", ".join(run.location for run in same)
        say((f"✗ {same[0].journey}", "red"), f" at {places}: {sentence}")
    passed = sum(run.status is Status.PASSED for run in runs)
    say(f"{passed} of {len(runs)} runs passed")
