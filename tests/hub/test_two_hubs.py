"""One evaluator among several hubs: one that was frozen for longer than its lease writes nothing when it goes on."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import select

from demo.serve import Served, a_socket
from facts import Blame, Status, to_wire
from store import Store, alerts, open_store
from store.tables import leases
from tests.builders import a_run
from tests.drills.hub import PLACES
from tests.forked import Forked
from tests.hub.test_killed_hub import Collector, a_port

pytestmark = pytest.mark.slow
LEASE_S = 3.0


@dataclass
class Running:
    """A hub in a process of its own, and the failpoints that it has passed."""

    folder: Path
    name: str
    hook: str
    database_url: str | None
    failing: tuple[str, str] | tuple[()] = ()

    def __post_init__(self) -> None:
        self.port = a_port()
        self._passed = self.folder / f"passed-{self.name}"
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        if self.database_url:
            environment["DATABASE_URL"] = self.database_url
        environment |= {"DRILL_LEASE_S": str(LEASE_S), "DRILL_PASSED": str(self._passed), "DRILL_SIGNAL": "SIGSTOP"}
        arguments = (str(self.folder), str(self.port), self.hook, *self.failing)
        self.process = Forked("tests.drills.hub", *arguments, env=environment)

    def passed(self) -> list[str]:
        names = self._passed.read_text(encoding="utf-8").split() if self._passed.exists() else []
        return [name for name in names if not name.startswith("jobs.")]

    def is_frozen(self) -> bool:
        return psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED

    def buy(self, status: Status) -> None:
        """A run of every place, just finished."""
        finished = datetime.now(UTC)
        failed = {"blame": Blame.SITE, "failed_step": "choose_city", "error": "choose_city: 500"}
        facts = failed if status is Status.FAILED else {"blame": None}
        sent = [
            a_run(
                id=f"{place}-{finished:%H%M%S%f}",
                location=place,
                slot=finished - timedelta(seconds=1),
                started_at=finished - timedelta(seconds=1),
                finished_at=finished,
                status=status,
                **facts,
            )
            for place in PLACES
        ]
        answer = httpx.post(f"http://127.0.0.1:{self.port}/api/runs", json={"runs": to_wire(sent)}, timeout=30)
        assert {one["result"] for one in answer.json()["results"]} == {"accepted"}

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(40) == 0


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    got = Collector()
    served = Served(got.app(), [a_socket()])
    served.start()
    yield got, f"{served.urls[0]}/hook"
    served.stop()


def until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.1)


def evaluator(store: Store) -> Any:
    with store.read() as connection:
        return connection.execute(select(leases).where(leases.c.name == "evaluator")).one()


def told_of(store: Store, alert_id: str) -> list[str]:
    with store.read() as connection:
        return [change.what for change in alerts.changes(connection, alert_id)]


def test_a_frozen_evaluator_is_replaced_and_writes_nothing_when_it_goes_on(
    tmp_path: Path, collector: tuple[Collector, str], database_url: str | None
) -> None:
    got, hook = collector
    # It freezes with its verdicts in hand, before it saves them: nothing fires in them.
    stale = Running(tmp_path, "stale", hook, database_url, ("cycle.judged", "3"))
    fresh: Running | None = None
    opened = ExitStack()
    try:
        until(stale.is_frozen, "it freezes")
        frozen_at = len(stale.passed())
        assert stale.passed()[-1] == "cycle.judged"
        store = opened.enter_context(closing(open_store(database_url, folder=tmp_path)))
        first = evaluator(store)
        fresh = Running(tmp_path, "fresh", hook, database_url)
        until(fresh.answers, "the other one answers")
        fresh.buy(Status.FAILED)
        until(lambda: len(got.got) == 1, "the other one has taken over and told the outage")
        second = evaluator(store)
        assert (second.epoch, second.holder == first.holder) == (first.epoch + 1, False)

        stale.process.send_signal(signal.SIGCONT)
        until(lambda: "cycle.refused" in stale.passed(), "it goes on, and is refused")
        until(stale.answers, "it takes runs in all the same")
        time.sleep(3 * 0.5)
        assert stale.passed()[frozen_at:] == ["cycle.refused"]
        ((alert,),) = [[line["alert"] for line in m["lines"]] for m in got.got]
        assert told_of(store, alert) == ["pending", "firing"] or told_of(store, alert) == ["firing"]
        assert evaluator(store).holder == second.holder

        stale.buy(Status.PASSED)
        stale.buy(Status.PASSED)
        until(lambda: got.got[-1]["kind"] == "resolved", "its end is told")
        fresh.stop()
        until(lambda: evaluator(store).holder != second.holder, "the first one takes over again")
        assert evaluator(store).epoch == second.epoch + 1
        stale.buy(Status.FAILED)
        until(lambda: got.got[-1]["kind"] == "firing", "and tells the next outage")
    finally:
        opened.close()
        for hub in (stale, fresh):
            if hub is not None:
                hub.stop()
    assert [m["kind"] for m in got.got] == ["firing", "resolved", "firing"]
    assert set(Counter(m["id"] for m in got.got).values()) == {1}, "a message was delivered twice"
