"""A hub that is killed with -9 at each step of ladder and digest calls every tier, and tells of every alert in a digest."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from facts import Status
from tests.drills.hub import TIERS
from tests.hub.test_killed_hub import Collector, Drill, collectors

pytestmark = [pytest.mark.slow, pytest.mark.drill]
__all__ = ["collectors"]
# Each hub dies at the next of its failpoints; the last one lives. A cycle is saved whether a message is owed or not, so it comes last.
DEATHS = (
    ("cycle.owed", 2),
    ("cycle.saving", 2),
    ("deliver.claimed", 1),
    ("deliver.sent", 1),
    ("deliver.recorded", 1),
    ("cycle.saved", 2),
)


def test_no_tier_and_no_digest_is_lost_and_a_kill_costs_one_duplicate_at_most(
    tmp_path: Path,
    collectors: Callable[[], tuple[Collector, str]],
    database_url: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRILL_ESCALATION", "1")
    collector, hook = collectors()
    drill = Drill(folder=tmp_path, hook=hook, database_url=database_url, failing=DEATHS)

    def told(destination: str, kind: str) -> bool:
        return any(m["kind"] == kind and str(m["id"]).endswith(f".{destination}") for m in collector.got)

    drill.start()
    try:
        drill.buy(Status.PASSED)
        drill.buy(Status.FAILED)
        drill.until(lambda: bool(drill.firing()), "the outage fires")
        drill.until(lambda: all(told(name, "firing") for name in TIERS), "every tier is called")
        drill.until(lambda: told("digest", "update"), "the digest tells of it")
        drill.buy(Status.PASSED)
        drill.buy(Status.PASSED)
        drill.until(lambda: all(told(name, "resolved") for name in ("hook", *TIERS)), "its end is told to all")
        drill.until(lambda: any("recovered" in m["headline"] for m in collector.got), "and in a digest")
        threading.Event().wait(0.5)
    finally:
        drill.stop()
    assert drill.deaths == len(DEATHS), f"{DEATHS[drill.deaths]} was never passed"
    sent = Counter(message["id"] for message in collector.got)
    assert len(collector.got) - len(sent) <= drill.deaths, "more than one duplicate for one kill"
    once = {m["id"]: m for m in collector.got}.values()
    for name in TIERS:
        kinds = [m["kind"] for m in once if str(m["id"]).endswith(f".{name}")]
        assert kinds == ["firing", "resolved"], name
    digests = [m for m in once if str(m["id"]).endswith(".digest")]
    assert sum("still firing" in m["headline"] for m in digests) == 1
