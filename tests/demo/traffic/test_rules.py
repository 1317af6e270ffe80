"""A healthy demo fires nothing, and each fault of its traffic fires what its row says, and nothing else; in no real time."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from cli.demo_traffic import without_whole_days
from config import Document
from demo.faults import TRAFFIC_FAULTS
from facts import Severity
from sla.targets import targets_from
from tests.demo.traffic.table import TABLE
from tests.demo.traffic.watching import Watching, of_traffic, the_demos_rules

MORNING = datetime(2026, 11, 24, 16, 7, tzinfo=UTC)
NIGHT = datetime(2026, 11, 27, 9, 40, tzinfo=UTC)
"""A Friday, 3:40 in Chicago: the fewest visitors."""
MOMENTS = {
    "the quietest hour": NIGHT,
    "across the business's midnight": datetime(2026, 11, 23, 5, 55, tzinfo=UTC),
    "when the revenue's goal is judged": datetime(2026, 11, 25, 23, 55, tzinfo=UTC),
    "as the clocks go back": datetime(2026, 11, 1, 6, 55, tzinfo=UTC),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_healthy_demo_fires_nothing_in_fifteen_minutes(moment: str) -> None:
    demo = Watching(now=MOMENTS[moment])
    demo.go_on(15 * 60, step_s=60)
    assert demo.fired == {}


EVENING = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
"""19:30 in Chicago: the day's goal was judged at 18:00."""


def test_a_demo_without_history_fires_nothing_either() -> None:
    rules = targets_from(Document("sla.yaml", without_whole_days(the_demos_rules())))
    demo = Watching(now=EVENING, history=False, rules=of_traffic(rules))
    demo.go_on(15 * 60, step_s=60)
    assert demo.fired == {}


def test_without_history_the_money_of_the_day_would_be_too_little() -> None:
    demo = Watching(now=EVENING, history=False)
    demo.go_on(5 * 60, step_s=60)
    assert {rule for rule, _ in demo.fired} == {"R1", "R2"}


def test_the_table_has_every_fault_of_the_traffic() -> None:
    assert set(TABLE) == set(TRAFFIC_FAULTS)


BY_VOLUME = (
    "sales_stop",
    "errors_5xx",
    "sms_failing",
    "sms_expensive",
    "traffic_spike",
    "conversion_drop",
    "abandonment",
    "sellout_near",
)
"""Faults whose rule needs a number that the traffic of the night hardly brings."""


@pytest.mark.parametrize(
    ("fault", "moment"),
    [*((fault, MORNING) for fault in TABLE), *((fault, NIGHT) for fault in BY_VOLUME)],
    ids=lambda value: value if isinstance(value, str) else f"{value:%a}",
)
def test_a_fault_fires_what_its_row_says_and_nothing_else(fault: str, moment: datetime) -> None:
    expected = TABLE[fault]
    demo = Watching(now=moment)
    demo.go_on(30)
    while demo.seconds <= expected.within_s and (expected.rule, expected.severity) not in demo.fired:
        demo.go_on(30, on=[fault], step_s=5 if expected.within_s <= 240 else 15)
    assert demo.fired.get((expected.rule, expected.severity), math.inf) - 30 <= expected.within_s, demo.fired
    demo.go_on(60, on=[fault], step_s=30)
    assert {rule for rule, _ in demo.fired} == {expected.rule}, demo.fired
    worst = min((Severity(severity) for _, severity in demo.fired), key=lambda one: one.rank)
    assert worst.value == expected.severity
