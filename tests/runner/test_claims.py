"""One of several runners has a slot; the others watch, and take it over where its holder is heard no more."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from facts import Claim, PlannedJourney, Status, claim_ttl_s
from runner.slots.claims import Claims
from runner.spool.hub_client import HubClient
from tests.builders import A_MOMENT

GA = PlannedJourney(journey="ga_purchase", period_s=300)
SLOT = A_MOMENT
TTL_S = claim_ttl_s(300)
OTHERS = {"granted": False, "held_by": "r2", "until": "2026-11-23T16:20:20Z", "record": None}
OURS = {**OTHERS, "granted": True, "held_by": "r1"}


class Bench:
    """Claims with a hub that answers what it is told to, and a clock that the test holds."""

    def __init__(self) -> None:
        self.answer: Any = OURS
        self.asked: list[dict[str, Any]] = []
        self.freed: list[tuple[datetime, Claim]] = []
        self.takes = True
        self.now = 0.0
        client = httpx.Client(transport=httpx.MockTransport(self._hub))
        hub = HubClient("http://hub.test", location="us-east", client=client)
        self.claims = Claims(hub, "r1", free=self._free, monotonic=lambda: self.now)

    def _hub(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        if isinstance(self.answer, int):
            return httpx.Response(self.answer, text="no")
        if self.answer is None:
            raise httpx.ConnectError("away")
        return httpx.Response(200, json=self.answer)

    def _free(self, _planned: PlannedJourney, slot: datetime, claim: Claim) -> bool:
        self.freed.append((slot, claim))
        return self.takes

    def later(self, seconds: float, answer: Any) -> int:
        """A round so much later, with this answer; how often the hub was asked in it."""
        self.now += seconds
        self.answer, before = answer, len(self.asked)
        self.claims.round()
        return len(self.asked) - before


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_slot_is_asked_for_by_name(bench: Bench) -> None:
    claim = bench.claims.ask(GA, SLOT)
    assert claim is not None
    assert claim.granted
    assert bench.asked == [
        {"journey": "ga_purchase", "location": "us-east", "slot": "2026-11-23T16:20:00+00:00", "runner": "r1"}
    ]


@pytest.mark.parametrize("answer", [None, 404, 401, 429, 503, {"granted": "perhaps"}, []])
def test_a_hub_that_does_not_say_holds_no_run_up(bench: Bench, answer: Any) -> None:
    bench.answer = answer
    assert bench.claims.ask(GA, SLOT) is None
    assert bench.later(TTL_S, OURS) == 0


def test_a_claim_is_renewed_three_times_in_its_life_until_the_hub_has_the_record(bench: Bench) -> None:
    bench.claims.ask(GA, SLOT)
    assert bench.later(TTL_S / 3 - 0.1, OURS) == 0
    assert bench.later(0.1, OURS) == 1
    assert bench.later(TTL_S / 3, None) == 1
    assert bench.later(TTL_S / 3, OURS) == 1
    assert bench.later(TTL_S / 3, {**OTHERS, "held_by": None, "record": "passed"}) == 1
    assert bench.later(TTL_S, OURS) == 0
    assert bench.freed == []


def test_a_slot_of_anothers_is_watched_until_it_has_a_record(bench: Bench) -> None:
    bench.answer = OTHERS
    bench.claims.ask(GA, SLOT)
    assert bench.later(TTL_S - 0.1, OTHERS) == 0
    assert bench.later(0.1, OTHERS) == 1
    assert bench.later(TTL_S, {**OTHERS, "record": "failed"}) == 1
    assert bench.later(TTL_S, OURS) == 0
    assert bench.freed == []


def test_a_slot_whose_holder_is_heard_no_more_is_ours_and_renewed(bench: Bench) -> None:
    bench.answer = OTHERS
    bench.claims.ask(GA, SLOT)
    bench.later(TTL_S, OURS)
    ((slot, claim),) = bench.freed
    assert (slot, claim.granted, claim.record) == (SLOT, True, None)
    assert bench.later(TTL_S / 3, OURS) == 1
    assert len(bench.freed) == 1


def test_a_slot_that_was_given_back_is_ours_though_it_is_written_down_as_missed(bench: Bench) -> None:
    bench.answer = OTHERS
    bench.claims.ask(GA, SLOT)
    bench.later(TTL_S, {**OURS, "record": "missed"})
    assert [claim.record for _, claim in bench.freed] == [Status.MISSED]


def test_a_slot_with_which_nothing_can_be_done_is_given_back(bench: Bench) -> None:
    bench.takes, bench.answer = False, OTHERS
    bench.claims.ask(GA, SLOT)
    assert bench.later(TTL_S, OURS) == 2
    assert bench.asked[-1]["release"] is True
    assert bench.later(TTL_S, OURS) == 0


def test_only_what_is_ours_is_given_back(bench: Bench) -> None:
    bench.answer = OTHERS
    bench.claims.ask(GA, SLOT)
    bench.claims.release(GA, SLOT)
    bench.claims.release(GA, SLOT + timedelta(minutes=5))
    assert len(bench.asked) == 1


@pytest.mark.parametrize("answer", [404, 422])
def test_a_slot_that_the_plan_has_no_more_is_forgotten(bench: Bench, answer: int) -> None:
    bench.answer = OTHERS
    bench.claims.ask(GA, SLOT)
    assert bench.later(TTL_S, answer) == 1
    assert bench.later(TTL_S, OTHERS) == 0


def test_a_hub_that_is_away_for_an_hour_is_asked_no_more_about_the_slot(bench: Bench) -> None:
    bench.answer = OTHERS
    bench.claims.ask(GA, SLOT)
    assert bench.later(3590, None) == 1
    assert bench.later(20, OURS) == 0
    assert bench.freed == []
