"""A hub that counts: every run it was sent, by slot."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo.serve import Served, a_socket
from facts import Plan, PlannedJourney, to_wire
from journeys.site import Site


class CountingHub:
    """Takes runs as the hub does: the first of a slot holds."""

    def __init__(self, site: str = "http://shop.test", *, journeys: Sequence[str], period_s: int) -> None:
        self.records: dict[tuple[str, str], dict[str, Any]] = {}
        self.sent: Counter[str] = Counter()
        self._lock = threading.Lock()
        plan = Plan(
            location="us-east",
            hash="p1",
            journeys=tuple(PlannedJourney(journey=journey, period_s=period_s) for journey in journeys),
            site=to_wire(Site(base_url=site, cities={"Dallas": "dallas"})),
        )
        self._plan = to_wire(plan)

    @property
    def slots(self) -> dict[str, dict[str, Any]]:
        """The records by slot, where there is one journey."""
        with self._lock:
            return {slot: run for (_, slot), run in self.records.items()}

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/plan", self._tell_plan), Route("/api/runs", self._take, methods=["POST"])])

    async def _tell_plan(self, _request: Request) -> JSONResponse:
        return JSONResponse(self._plan)

    async def _take(self, request: Request) -> JSONResponse:
        results = []
        with self._lock:
            for run in json.loads(await request.body())["runs"]:
                self.sent[run["id"]] += 1
                key = run["journey"], run["slot"]
                new = key not in self.records
                self.records.setdefault(key, run)
                results.append({"id": run["id"], "result": "accepted" if new else "duplicate"})
        return JSONResponse({"results": results})


@contextmanager
def a_counting_hub(
    site: str = "http://shop.test", *, journeys: Sequence[str] = ("ga_purchase",), period_s: int = 2
) -> Iterator[tuple[CountingHub, str]]:
    """A hub that is up, and its address."""
    counting = CountingHub(site, journeys=journeys, period_s=period_s)
    served = Served(counting.app(), [a_socket()])
    served.start()
    yield counting, served.urls[0]
    served.stop()
