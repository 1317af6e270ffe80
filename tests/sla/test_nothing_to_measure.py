"""What no journey comes by is off; what was not measured has no data."""

from __future__ import annotations

from typing import Any

import pytest

from facts import HubClock, LedgerState, RunnerState, VerdictStatus
from sla.judge import judge
from tests.sla.builders import GA, NOW, VIP, a_failure, a_history, an_outcome, judged, schedules, the_targets

PLACES = ("us-east", "us-west", "eu-west")


@pytest.mark.parametrize("key", ["D1", "D3", "D4", "G2/INP"])
def test_a_rule_for_what_no_journey_comes_by_is_off(key: str) -> None:
    looks = [an_outcome(m, location=place, journey=name, steps={}, requests=(), vitals=())
             for m in (20, 30) for place in PLACES for name in schedules()]  # fmt: skip
    verdict = judged(a_history(looks), key)
    assert (verdict.verdict, verdict.breached, verdict.clear) == (VerdictStatus.OFF, False, False)
    assert "every journey passed in the last" in verdict.summary


@pytest.mark.parametrize("key", ["D1", "D3", "D4", "G2/INP"])
def test_where_one_journey_has_not_passed_nobody_knows_what_it_comes_by(key: str) -> None:
    assert {GA, VIP} == set(schedules())
    bare: dict[str, Any] = {"steps": {}, "requests": (), "vitals": ()}
    passed = [an_outcome(m, location=place, **bare) for m in (20, 30) for place in PLACES]
    failed = [a_failure(m, journey=VIP, **bare) for m in (20, 30)]
    assert judged(a_history(passed, failed), key).verdict is VerdictStatus.NO_DATA
    assert judged(a_history(), key).verdict is VerdictStatus.NO_DATA


def test_a_shop_without_tickets_whose_buyers_get_through_has_nothing_that_is_bad() -> None:
    name = "order_a_book"
    planned = {name: schedules()[GA]}
    runs = [
        an_outcome(m + 0.1, journey=name, location=place, vitals=(), requests=(), steps={"open": 500.0})
        for m in range(0, 24 * 60, 5)
        for place in PLACES
    ]
    history = a_history(
        runs,
        schedules=planned,
        pays=False,
        hub_clock=HubClock(readings=3),
        ledgers={p: LedgerState(at=NOW, location=p, scheduled=12, untold=12) for p in PLACES},
        runners=[RunnerState(location=p, id="one", heard_at=NOW, skews=(0.1,) * 5) for p in PLACES],
        last_received=dict.fromkeys(PLACES, NOW),
    )
    verdicts = judge(the_targets(), history, NOW)
    assert [
        (v.key, v.summary)
        for v in verdicts
        if v.verdict in (VerdictStatus.CRITICAL, VerdictStatus.NO_DATA, VerdictStatus.ERROR)
    ] == []
    assert {v.rule for v in verdicts if v.verdict is VerdictStatus.OFF} >= {"A2", "H4", "D1", "D3", "D4", "G2"}
