"""A hub that is killed with -9 at any of its failpoints loses no run, no state and no message, on both databases."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.serve import Served, a_socket
from facts import Blame, Run, Status, to_wire
from tests.builders import a_run
from tests.forked import Forked
from tests.receivers import Rig

pytestmark = pytest.mark.slow
PLACES = ("us-east", "us-west", "eu-west")
PATIENCE_S = 300
"""A hub may die five times before it answers, and each takes many seconds to start on a busy machine."""
# Each hub of a story dies at the next of its failpoints, when it passes it for that many a time; then one lives to the end.
STORIES = {
    "ingest": (("ingest.begun", 1), ("evidence.stored", 1), ("ingest.saved", 1), ("ingest.committed", 1)),
    "cycle": (("cycle.leased", 2), ("cycle.loaded", 2), ("cycle.judged", 2), ("cycle.saving", 2), ("cycle.saved", 2)),
    "deliver": (("deliver.claimed", 1), ("deliver.sent", 1), ("deliver.recorded", 1)),
}


@dataclass
class Collector:
    """A receiver that counts what it gets, by the message's own key."""

    got: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.got.append(await request.json())
        return Response("ok")


@pytest.fixture(scope="module")
def others() -> Iterator[str]:
    """Receivers to which every message is owed as well, and which keep whoever sends one waiting."""
    with Rig() as rig:
        yield " ".join(rig.url(name) for name in ("silent after accept", "drips content", "endless compressed", "500"))


@pytest.fixture(scope="module")
def collectors() -> Iterator[Callable[[], tuple[Collector, str]]]:
    started: list[Served] = []

    def another() -> tuple[Collector, str]:
        collector = Collector()
        served = Served(collector.app(), [a_socket()])
        served.start()
        started.append(served)
        return collector, f"{served.urls[0]}/hook"

    yield another
    for served in started:
        served.stop()


def a_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


@dataclass
class Drill:
    """A hub in a process of its own, and a runner's patience: what it does not answer is sent again, to the next hub too."""

    folder: Path
    hook: str
    database_url: str | None
    failing: tuple[tuple[str, int], ...]
    others: str = ""
    port: int = field(default_factory=a_port)
    deaths: int = 0
    slots: int = 0
    process: Forked | None = None

    def start(self) -> None:
        failing = [str(part) for part in self.failing[self.deaths]] if self.deaths < len(self.failing) else []
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment["DRILL_OTHER_HOOKS"] = self.others
        if self.database_url:
            environment["DATABASE_URL"] = self.database_url
        arguments = (str(self.folder), str(self.port), self.hook, *failing)
        self.process = Forked("tests.drills.hub", *arguments, env=environment)

    def revive(self) -> None:
        """Start the hub again where it has died; it must have died by our hand."""
        assert self.process is not None
        if self.process.poll() is not None:
            assert self.process.returncode == -signal.SIGKILL
            self.deaths += 1
            self.start()

    def until_answered(self, method: str, path: str, **how: Any) -> httpx.Response:
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            self.revive()
            try:
                answer = httpx.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=10, **how)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code < 500:
                return answer
        pytest.fail(f"{method} {path}: no answer")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not holds():
            self.revive()
            assert time.monotonic() < ends, what
            time.sleep(0.05)

    def buy(self, status: Status) -> list[str]:
        """A run of every place, just finished; their ids."""
        self.slots += 1
        finished = datetime.now(UTC)
        facts: dict[str, Any] = {"status": Status.PASSED, "blame": None}
        if status is Status.FAILED:
            facts = {"status": status, "blame": Blame.SITE, "failed_step": "choose_city", "error": "choose_city: 500"}
        runs: list[Run] = [
            a_run(
                id=f"{place}-{self.slots}-{secrets.token_hex(2)}",
                location=place,
                slot=finished - timedelta(seconds=1),
                started_at=finished - timedelta(seconds=1),
                finished_at=finished,
                **facts,
            )
            for place in PLACES
        ]
        answer = self.until_answered("POST", "/api/runs", json={"runs": to_wire(runs)})
        assert {one["result"] for one in answer.json()["results"]} <= {"accepted", "duplicate"}
        return [run.id for run in runs]

    def firing(self) -> list[str]:
        alerts = self.until_answered("GET", "/api/alerts?state=firing").json()["alerts"]
        return [a["rule"] for a in alerts if a["severity"] == "critical"]

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0


@pytest.mark.parametrize("failing", STORIES.values(), ids=STORIES)
def test_nothing_is_lost_or_told_out_of_order(
    tmp_path: Path,
    collectors: Callable[[], tuple[Collector, str]],
    database_url: str | None,
    failing: tuple[tuple[str, int], ...],
    others: str,
) -> None:
    collector, hook = collectors()
    drill = Drill(folder=tmp_path, hook=hook, database_url=database_url, failing=failing, others=others)
    drill.start()
    try:
        evidence = b"a picture"
        digest = sha256(evidence).hexdigest()
        sent = drill.buy(Status.PASSED)
        put = drill.until_answered(
            "PUT", f"/api/evidence/{digest}", content=evidence, headers={"X-Evidence-Kind": "screenshot"}
        )
        assert put.status_code in (200, 201)
        sent += drill.buy(Status.FAILED)
        drill.until(lambda: bool(drill.firing()), "the outage fires")
        drill.until(lambda: bool(collector.got), "the outage is told")
        sent += drill.buy(Status.PASSED)
        sent += drill.buy(Status.PASSED)
        drill.until(lambda: not drill.firing(), "the outage ends")
        drill.until(lambda: any(m["kind"] == "resolved" for m in collector.got), "its end is told")
        # A quick hub has told everything before it came to its last death; it goes on to judge, and so comes to it.
        drill.until(lambda: drill.deaths == len(failing), "it died at each point")
        threading.Event().wait(0.5)
        runs = [run["run_id"] for run in drill.until_answered("GET", "/api/runs?limit=100").json()["runs"]]
        picture = drill.until_answered("GET", f"/evidence/{digest}.jpg")
    finally:
        drill.stop()
    assert drill.deaths == len(failing), f"{failing[drill.deaths]} was never passed"
    assert Counter(runs) == Counter(sent)
    assert picture.content == evidence
    told = Counter(message["id"] for message in collector.got)
    assert len(collector.got) - len(told) <= drill.deaths, "more than one duplicate for one kill"
    kinds = [m["kind"] for m in {m["id"]: m for m in collector.got}.values()]
    assert (kinds[0], kinds[-1]) == ("firing", "resolved")
    assert kinds.count("firing") == kinds.count("resolved") == 1
    assert {message["dedup_key"] for message in collector.got} == {"inc-1"}
