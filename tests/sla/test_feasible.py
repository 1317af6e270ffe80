"""A rule that the schedule makes impossible is told with the arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sla.feasible import impossible
from tests.sla.builders import changed, schedules, the_targets


@pytest.mark.parametrize(
    ("rule", "settings", "key", "words"),
    [
        ("F0", {"locations": 4}, "F0.locations", "wants 4 locations, and ga_purchase is bought from 3"),
        ("A3s", {"locations": 4, "runs": 4, "responses": 4}, "A3s.locations", "wants 4 locations, and there are 3"),
        ("H3", {"locations": 4, "runs": 4}, "H3.locations", "wants 4 locations, and there are 3"),
        ("BL", {"locations": 4}, "BL.locations", "wants 4 locations, and there are 3"),
        ("D1", {"critical_locations": 4}, "D1.critical_locations", "wants 4 locations, and there are 3"),
        ("D1", {"min_n": 500}, "D1.min_n", "wants 500 runs in 1 h, and the schedule makes"),
        (
            "F2a",
            {"bad": {"ga_purchase": 40}},
            "F2a.bad.ga_purchase",
            "wants 40",
        ),
    ],
)
def test_what_can_never_be_is_told(rule: str, settings: dict[str, Any], key: str, words: str) -> None:
    wrong = impossible(changed(**{rule: settings}), schedules())
    assert any(complaint.key == key and words in complaint.what for complaint in wrong), wrong


def test_what_ships_is_possible_and_one_location_alone_is_a_case_of_its_own() -> None:
    assert impossible(the_targets(), schedules()) == []
    alone = [c.key for c in impossible(the_targets(), schedules(["us-east"])) if (c.key or "").endswith("locations")]
    assert alone == []


@pytest.mark.parametrize(
    ("rule", "settings", "key", "words"),
    [
        ("A3s", {"runs": 100, "responses": 100}, "A3s.runs", "wants 100 runs in 2 slots, and the schedule makes"),
        ("H3", {"runs": 500}, "H3.runs", "wants 500 runs in 15 min, and the schedule makes"),
        ("W1", {"periods": 1, "margin": "0s"}, "W1.periods", "silent after 5 min, and a run comes every 5 min only"),
        ("W1", {"periods": 0.5, "margin": "90s"}, "W1.periods", "it would fire between two"),
        ("W1", {"recover_runs": 100}, "W1.recover_runs", "us-east makes 4 at most: it would never end"),
    ],
)
def test_what_could_never_fire_or_never_end_is_told_with_the_arithmetic(
    rule: str, settings: dict[str, Any], key: str, words: str
) -> None:
    wrong = impossible(changed(**{rule: settings}), schedules())
    assert [complaint.key for complaint in wrong] == [key]
    assert words in wrong[0].what


def test_all_locations_together_may_be_silent_for_less_than_each_of_them() -> None:
    hasty = changed(W1={"all_periods": 0.5, "all_margin": "0s"})
    assert impossible(hasty, schedules()) == []
    assert [complaint.key for complaint in impossible(hasty, schedules(["us-east"]))].count("W1.all_periods") == 1


@pytest.mark.parametrize(
    ("rule", "settings", "key"),
    [
        ("F1", {"slow": 5, "of": 5}, "F1.slow"),
        ("F3", {"failures": 5}, "F3.failures"),
        ("F0", {"alone": 5}, "F0.alone"),
        ("F0", {"recover_passes": 5}, "F0.recover_passes"),
    ],
)
def test_more_runs_in_a_row_than_the_hub_looks_back_for_are_told(rule: str, settings: dict[str, Any], key: str) -> None:
    daily = {name: replace(schedule, period_s=86_400) for name, schedule in schedules().items()}
    wrong = impossible(changed(**{rule: settings}), daily)
    (told, *_) = [complaint for complaint in wrong if complaint.key == key]
    assert "5 runs of ga_purchase in a row take 4 d, and the longest window of all rules is" in told.what
