"""A runner that is killed with -9 at any of its failpoints loses nothing: every slot ends in one record at the hub."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo.serve import Served, a_socket
from facts import Plan, PlannedJourney, to_wire
from journeys.site import Site

pytestmark = pytest.mark.slow
PERIOD_S = 2
FAILPOINTS = ("spool.begun", "run.made", "spool.keeping", "spool.kept", "send.before", "send.answered", "spool.sent")


class CountingHub:
    """Takes runs as the hub does: the first of a slot holds."""

    def __init__(self) -> None:
        self.slots: dict[str, dict[str, Any]] = {}
        self.sent: Counter[str] = Counter()
        self._lock = threading.Lock()
        plan = Plan(
            location="us-east",
            hash="p1",
            journeys=(PlannedJourney(journey="ga_purchase", period_s=PERIOD_S),),
            site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
        )
        self._plan = to_wire(plan)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/plan", self._tell_plan), Route("/api/runs", self._take, methods=["POST"])])

    async def _tell_plan(self, _request: Request) -> JSONResponse:
        return JSONResponse(self._plan)

    async def _take(self, request: Request) -> JSONResponse:
        results = []
        with self._lock:
            for run in json.loads(await request.body())["runs"]:
                self.sent[run["id"]] += 1
                new = run["slot"] not in self.slots
                self.slots.setdefault(run["slot"], run)
                results.append({"id": run["id"], "result": "accepted" if new else "duplicate"})
        return JSONResponse({"results": results})


@pytest.fixture
def hub() -> Iterator[tuple[CountingHub, str]]:
    counting = CountingHub()
    served = Served(counting.app(), [a_socket()])
    served.start()
    yield counting, served.urls[0]
    served.stop()


def start(folder: Path, url: str, *failing: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-P", "-m", "tests.drills.runner", str(folder), url, "us-east", *failing])


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_no_slot_is_lost_or_doubled(hub: tuple[CountingHub, str], tmp_path: Path, failpoint: str) -> None:
    counting, url = hub
    for nth in ("1", "2"):
        dying = start(tmp_path, url, failpoint, nth)
        assert dying.wait(30) == -signal.SIGKILL
    last = start(tmp_path, url)
    try:
        deadline = time.monotonic() + 30
        seen = len(counting.slots)
        while len(counting.slots) < seen + 3 and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        last.send_signal(signal.SIGTERM)
        assert last.wait(20) == 0
    slots = sorted(datetime.fromisoformat(slot) for slot in counting.slots)
    gaps = {(b - a).total_seconds() for a, b in itertools.pairwise(slots)}
    assert gaps == {PERIOD_S}, "a slot has no record"
    assert len(slots) >= 5
    ids = Counter(run["id"] for run in counting.slots.values())
    assert set(ids.values()) == {1}
    assert sum(counting.sent.values()) - len(counting.slots) <= 2, "more than one duplicate a kill"
    words = Counter(run["status"] for run in counting.slots.values())
    assert set(words) <= {"passed", "missed", "errored"}
    assert words["passed"] >= 3
