"""A run that a person requested is made once, between two slots of its journey, and says who asked for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from facts import Plan, PlannedJourney, PlannedMaintenance, Run, RunRequest, Status, free_time_s, to_wire
from journeys.site import Site
from runner.attempt.job import Job
from runner.budget import Budget, Reserve
from runner.service import Runner, RunnerSettings
from runner.slots.slot_queue import Slots
from tests.builders import A_MOMENT, a_run

GA = "ga_purchase"


class Made:
    """A run that passes at once."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def wait(self) -> Run:
        """Its record."""
        now = datetime.now(UTC)
        return a_run(id=self._job.run_id, slot=self._job.slot, status=Status.PASSED, started_at=now, finished_at=now)

    def stop(self) -> None:
        """Nothing to end."""


def a_request(**facts: Any) -> RunRequest:
    now = datetime.now(UTC)
    return RunRequest(
        **{"id": "asked-1", "journey": GA, "location": "us-east", "requested_at": now, "by": "anna", **facts}
    )


def a_plan(*requested: RunRequest, **facts: Any) -> Plan:
    """A plan whose next slot is half an hour away."""
    away = (datetime.now(UTC).timestamp() + 1800) % 3600
    journeys = (PlannedJourney(journey=GA, period_s=3600, stagger_s=away),)
    site = to_wire(Site(base_url="http://shop.test", cities={"Dallas": "dallas"}))
    return Plan(
        **{"location": "us-east", "hash": "p", "journeys": journeys, "site": site, "requested": requested, **facts}
    )


class Hub:
    """A hub that tells a plan, gives requests to runners, and takes no results, so that they stay in the spool."""

    def __init__(self, plan: Plan, *, granted: bool = True, status: int = 200) -> None:
        self._plan, self._granted, self._status = plan, granted, status
        self.taken: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/plan":
            return httpx.Response(200, json=to_wire(self._plan))
        if request.url.path.startswith("/api/run-requests/"):
            self.taken.append(request.url.path)
            return httpx.Response(self._status, json={"granted": self._granted})
        return httpx.Response(503)


def results(hub: Hub, folder: Path, *, expected: int = 1) -> list[Run]:
    """Run a runner until the hub was asked for a request and the expected number of results is kept."""
    client = httpx.Client(transport=httpx.MockTransport(hub))
    settings = RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder)
    runner = Runner(settings, make=Made, client=client)
    runner.start()
    ends = time.monotonic() + 20
    while (not hub.taken or runner.spool.depth() < expected) and time.monotonic() < ends:
        time.sleep(0.02)
    found = list(runner.spool.results())
    runner.stop()
    return found


def test_a_requested_run_has_the_requests_id_no_slot_and_says_who_asked(tmp_path: Path) -> None:
    hub = Hub(a_plan(a_request()))
    (run,) = results(hub, tmp_path)
    assert (run.id, run.slot, run.status) == ("asked-1", None, Status.PASSED)
    assert run.notes[0] == "requested by anna, beside the schedule"
    assert hub.taken == ["/api/run-requests/asked-1/take"]


@pytest.mark.parametrize("how", [{"granted": False}, {"status": 404}, {"status": 503}])
def test_a_request_that_the_hub_does_not_give_is_not_run(tmp_path: Path, how: dict[str, Any]) -> None:
    assert results(Hub(a_plan(a_request()), **how), tmp_path, expected=0) == []


def test_maintenance_that_began_meanwhile_keeps_a_requested_run_from_being_made(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    window = PlannedMaintenance(
        starts_at=now - timedelta(minutes=1), ends_at=now + timedelta(hours=2), reason="the database moves"
    )
    (run,) = results(Hub(a_plan(a_request(), maintenance=(window,))), tmp_path)
    assert (run.status, run.slot) == (Status.MISSED, None)
    assert "the database moves" in (run.error or "")


@pytest.mark.parametrize(
    ("reserve", "refused"),
    [
        (Reserve(left=None), False),
        (Reserve(left=31, kept=20), False),
        (Reserve(left=30, kept=20), True),
        (Reserve(left=31, kept=20, unpriced=1), True),
    ],
)
def test_the_coming_slots_keep_their_requests(reserve: Reserve, refused: bool) -> None:
    found = reserve.why_not_beside(11)
    assert (found is not None) is refused
    assert not refused or "the request budget is kept for coming slots" in (found or "")


@pytest.mark.parametrize(("costs", "latest", "cost"), [({}, {}, 1), ({GA: (9, 11)}, {}, 9), ({GA: (9,)}, {GA: 14}, 14)])
def test_a_run_is_expected_to_cost_what_the_last_ones_did(costs: Any, latest: Any, cost: int) -> None:
    assert Budget(costs=costs, latest=latest).expected_cost(GA) == cost


@pytest.mark.parametrize(("period_s", "free_s"), [(60, 30), (30, 30), (300, 120), (120, 60), (3600, 120)])
def test_the_time_before_a_slot_in_which_no_other_run_begins(period_s: int, free_s: float) -> None:
    assert free_time_s(period_s) == free_s


PLANNED = PlannedJourney(journey=GA, period_s=300)
SLOT = PLANNED.grid.at_or_before(A_MOMENT)


def slots_at(now: datetime, *, handled: datetime, tmp_path: Path) -> tuple[Slots, list[str]]:
    made: list[str] = []
    maker: Any = SimpleNamespace(run_requested=lambda planned, request: made.append(request.id))
    spool: Any = SimpleNamespace(handled=lambda _journey: handled)
    nothing: Any = None
    slots = Slots(
        RunnerSettings(location="us-east", hub_url="http://hub.test", folder=tmp_path),
        spool=spool,
        ledger=nothing,
        maker=maker,
        results=nothing,
        missed_slots=nothing,
        steps=nothing,
        clock=lambda: now,
        stopping=threading.Event(),
    )
    return slots, made


@pytest.mark.parametrize(
    ("after_slot_s", "is_slot_handled", "begins"),
    [
        (60, True, True),
        (180, True, True),
        (181, True, False),
        (299, True, False),
        (1, False, False),
        (60, False, False),
    ],
)
def test_a_requested_run_never_takes_the_time_of_a_slot(
    tmp_path: Path, after_slot_s: float, is_slot_handled: bool, begins: bool
) -> None:
    now = SLOT + timedelta(seconds=after_slot_s)
    slots, made = slots_at(now, handled=SLOT if is_slot_handled else SLOT - timedelta(seconds=300), tmp_path=tmp_path)
    assert slots.begin_requested(PLANNED, a_request(), take=lambda: True) is begins
    slots.join()
    assert made == (["asked-1"] if begins else [])


def test_of_two_requests_of_a_journey_the_second_waits_for_the_first(tmp_path: Path) -> None:
    slots, made = slots_at(SLOT + timedelta(seconds=10), handled=SLOT, tmp_path=tmp_path)
    may_go_on = threading.Event()
    assert slots.begin_requested(PLANNED, a_request(), take=may_go_on.wait)
    assert not slots.begin_requested(PLANNED, a_request(id="asked-2"), take=lambda: True)
    may_go_on.set()
    slots.join()
    assert made == ["asked-1"]
