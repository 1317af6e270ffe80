"""What a runner says of itself beside its runs: its ledger, with the schedule's number, and its sandbox."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from facts import Plan, PlannedJourney, to_wire
from journeys.site import Site
from runner.ledger.ledger import Ledger
from runner.service import Runner, RunnerSettings
from tests.builders import A_MOMENT
from tests.drills.runner import Stub
from tests.ledger_entries import an_order, note

PLAN = Plan(
    location="us-east",
    hash="p1",
    journeys=(PlannedJourney(journey="ga_purchase", period_s=1),),
    site=to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"})),
)


def test_each_batch_carries_the_ledgers_word_and_whether_the_browser_has_its_sandbox(tmp_path: Path) -> None:
    batches: list[dict[str, Any]] = []

    def hub(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=to_wire(PLAN))
        if request.url.path != "/api/runs":
            return httpx.Response(404)
        batch = json.loads(request.content)
        batches.append(batch)
        return httpx.Response(200, json={"results": [{"id": r["id"], "result": "accepted"} for r in batch["runs"]]})

    before = Ledger(tmp_path / "ledger.db")
    note(before, order=an_order(slot=A_MOMENT), hold_s=10_000_000_000)
    before.close()
    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=tmp_path, sandbox=False)
    runner = Runner(settings, make=Stub, client=httpx.Client(transport=httpx.MockTransport(hub)))
    runner.start()
    ends = time.monotonic() + 30
    while not any(batch["runs"] for batch in batches) and time.monotonic() < ends:
        time.sleep(0.05)
    (released,) = runner.ledger.entries()
    runner.stop()
    with_runs = next(batch for batch in batches if batch["runs"])
    assert with_runs["runner"]["sandbox"] is False
    told = with_runs["runner"]["ledger"]
    assert (told["location"], told["scheduled"], told["open"], told["cleans"]) == ("us-east", 3600, 1, False)
    assert released.held_until.year < 2200, "the runs of the last life are over"
