"""What no journey comes by is off; what was not measured has no data."""

from __future__ import annotations

from typing import Any

import pytest

from facts import Word
from tests.sla.builders import GA, VIP, a_failure, a_history, an_outcome, judged, schedules

PLACES = ("us-east", "us-west", "eu-west")


@pytest.mark.parametrize("key", ["D1", "D3", "D4", "G2/INP"])
def test_a_rule_for_what_no_journey_comes_by_is_off(key: str) -> None:
    looks = [an_outcome(m, location=place, journey=name, steps={}, requests=(), vitals=())
             for m in (20, 30) for place in PLACES for name in schedules()]  # fmt: skip
    verdict = judged(a_history(looks), key)
    assert (verdict.verdict, verdict.breached, verdict.clear) == (Word.OFF, False, False)
    assert "every journey passed in the last" in verdict.summary


@pytest.mark.parametrize("key", ["D1", "D3", "D4", "G2/INP"])
def test_where_one_journey_has_not_passed_nobody_knows_what_it_comes_by(key: str) -> None:
    assert {GA, VIP} == set(schedules())
    bare: dict[str, Any] = {"steps": {}, "requests": (), "vitals": ()}
    passed = [an_outcome(m, location=place, **bare) for m in (20, 30) for place in PLACES]
    failed = [a_failure(m, journey=VIP, **bare) for m in (20, 30)]
    assert judged(a_history(passed, failed), key).verdict is Word.NO_DATA
    assert judged(a_history(), key).verdict is Word.NO_DATA
