"""A hub on each kind of database, without threads and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from alerts.policy import Policy
from config import read_document
from facts import Run, Severity, Status, to_wire
from hub.access import Access
from hub.app import create_app
from hub.artifacts import Artifacts
from hub.centre import Centre
from hub.cycle import Cycle, Tick
from hub.guard import Guard
from hub.ingest import Ingest
from hub.server_key import ServerKey
from sla.targets import targets_from
from store import Store
from tests.builders import A_MOMENT, a_run
from tests.drills.hub import ROOT, the_watched


@dataclass
class Bench:
    """The hub's parts with a clock that the test holds."""

    store: Store
    client: TestClient
    cycle: Cycle
    centre: Centre
    now: datetime = A_MOMENT

    def send(self, *runs: Run, **more: Any) -> list[dict[str, Any]]:
        """Send runs as a runner does; what became of each."""
        answer = self.client.post("/api/runs", json={"runs": to_wire(list(runs)), **more})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def tick(self, after_s: float = 10) -> Tick:
        """One tick of the cycle, later."""
        self.now += timedelta(seconds=after_s)
        return self.cycle.tick(self.now)

    def slot_run(self, location: str = "us-east", *, minutes_ago: float = 1, **facts: Any) -> Run:
        """A passed GA run of a slot that finished lately."""
        finished = self.now - timedelta(minutes=minutes_ago)
        name = f"run-{location}-{finished:%H%M%S}"
        return a_run(
            **{
                "id": name,
                "location": location,
                "slot": finished - timedelta(seconds=30),
                "started_at": finished - timedelta(seconds=25),
                "finished_at": finished,
                "status": Status.PASSED,
                **facts,
            }
        )


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub of both journeys at three locations."""
    watched = the_watched()
    policy = Policy(routes={Severity.CRITICAL: ("hook",), Severity.HIGH: ("hook",)}, base_url="http://hub.test")
    holder: list[Bench] = []

    def clock() -> datetime:
        return holder[0].now

    targets = targets_from(read_document(ROOT / "sla.yaml"))
    periods = {name: schedule.period_s for name, schedule in watched.schedules().items()}
    centre = Centre(
        store=store,
        watched=watched,
        targets=targets,
        policy=policy,
        ingest=Ingest(store, locations=watched.locations.locations, periods=periods),
        artifacts=Artifacts(store, tmp_path / "evidence"),
        guard=Guard(store, ServerKey(b"k" * 32), Access(), clock=clock),
        clock=clock,
    )
    cycle = Cycle(store=store, watched=watched, targets=targets, policy=policy, watching_since=A_MOMENT)
    with TestClient(create_app(centre), follow_redirects=False) as client:
        holder.append(Bench(store=store, client=client, cycle=cycle, centre=centre))
        yield holder[0]
