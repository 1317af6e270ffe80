"""A rule that the schedule makes impossible is told with the arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sla.feasible import impossible
from tests.sla.builders import schedules, the_targets


@pytest.mark.parametrize(
    ("rule", "changed", "key", "words"),
    [
        ("F0", {"locations": 4}, "F0.locations", "wants 4 locations, and ga_purchase is bought from 3"),
        ("A3s", {"locations": 4, "runs": 4, "responses": 4}, "A3s.locations", "wants 4 locations, and there are 3"),
        ("H3", {"locations": 4, "runs": 4}, "H3.locations", "wants 4 locations, and there are 3"),
        ("BL", {"locations": 4}, "BL.locations", "wants 4 locations, and there are 3"),
        ("D1", {"critical_locations": 4}, "D1.critical_locations", "wants 4 locations, and there are 3"),
        ("D1", {"min_n": 500}, "D1.min_n", "wants 500 runs in 1 h, and the schedule makes"),
        (
            "F2a",
            {"bad": {"ga_purchase": 40}, "recent_by_journey": {"ga_purchase": "10m"}},
            "F2a.bad.ga_purchase",
            "wants 40",
        ),
    ],
)
def test_what_can_never_be_is_told(rule: str, changed: dict[str, Any], key: str, words: str) -> None:
    found = the_targets()
    wrong = impossible(replace(found, **{rule: replace(getattr(found, rule), **changed)}), schedules())
    assert any(complaint.key == key and words in complaint.what for complaint in wrong), wrong


def test_what_ships_is_possible_and_one_location_alone_is_a_case_of_its_own() -> None:
    assert impossible(the_targets(), schedules()) == []
    alone = [c.key for c in impossible(the_targets(), schedules(["us-east"])) if (c.key or "").endswith("locations")]
    assert alone == []
