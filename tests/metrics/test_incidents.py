"""From incidents to what they cost and to who met them first; what is unknown is left out, and is never 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import labels
from metrics import INCIDENT_METRICS, IncidentImpact, series_from_incidents
from metrics.incidents import found_first, total_lost

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LOST, FIRST, LEAD = "incident_lost_minor", "incident_found_first_ratio", "incident_lead_seconds"


def an_impact(minute: int = 5, **more: Any) -> IncidentImpact:
    return IncidentImpact(began_at=NOON + timedelta(minutes=minute), **more)


def points(name: str, *impacts: IncidentImpact) -> dict[Any, list[Any]]:
    found = series_from_incidents(name, impacts, since=NOON, step_s=3600)
    return {one.labels: list(one.points) for one in found}


def test_money_is_summed_by_currency_and_stretch_and_never_across_currencies() -> None:
    impacts = an_impact(lost={"usd": 500, "eur": 7}), an_impact(70, lost={"usd": 1}), an_impact(80, lost={"usd": 2})
    found = points(LOST, *impacts)
    assert [(p.value, p.n) for p in found[labels(currency="usd")]] == [(500, 1), (3, 2)]
    assert [(p.value, p.n) for p in found[labels(currency="eur")]] == [(7, 1)]
    assert total_lost(impacts) == {"usd": 503, "eur": 7}


def test_an_incident_of_unknown_cost_has_no_point_and_one_that_cost_nothing_is_0() -> None:
    assert points(LOST, an_impact(lost=None)) == {}
    (point,) = points(LOST, an_impact(lost=None), an_impact(lost={"usd": 0}))[labels(currency="usd")]
    assert (point.value, point.n) == (0, 1)


@pytest.mark.parametrize(
    ("lead_s", "first"),
    [(None, 1.0), (60.0, 1.0), (0.0, 1.0), (-1.0, 0.0)],
    ids=["no sign", "after", "at once", "before"],
)
def test_it_was_found_first_unless_a_buyer_met_it_before(lead_s: float | None, first: float) -> None:
    ((point,),) = points(FIRST, an_impact(is_watched=True, lead_s=lead_s)).values()
    assert (point.value, point.n, point.coverage) == (first, 1, 1.0)


def test_an_incident_that_nobody_could_have_met_lowers_the_coverage_alone() -> None:
    share = found_first([an_impact(is_watched=True), an_impact(is_watched=False, lead_s=-5)], NOON)
    assert (share.value, share.n, share.coverage) == (1.0, 1, 0.5)
    assert found_first([an_impact()], NOON).value is None
    assert points(LEAD, an_impact(is_watched=False, lead_s=-5)) == {}


def test_the_lead_has_the_last_value_beside_the_worst() -> None:
    ((point,),) = points(LEAD, *(an_impact(n, is_watched=True, lead_s=s) for n, s in ((1, -90.0), (2, 30.0)))).values()
    assert (point.value, point.min, point.max, point.n) == (30.0, -90.0, 30.0, 2)


@pytest.mark.parametrize("name", INCIDENT_METRICS)
def test_without_incidents_there_is_no_point(name: str) -> None:
    assert points(name) == {}
