"""The tiles of the overview: a number only with its proof, and never green without it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import Severity, Traits, Verdict, VerdictStatus
from reports.dashboards import Numbers
from reports.dashboards.widget import Widget
from reports.live.tiles import TileNumbers, overview_tiles
from reports.states import WidgetState
from store.rollups import Rollup
from tests.dashboards import NOW, a_bucket, a_feed


def told(**more: Any) -> TileNumbers:
    usual: dict[str, Any] = {
        "now": NOW,
        "since": NOW - timedelta(hours=24),
        "window": "24 h",
        "passed": 0,
        "tried": 0,
        "run_at": NOW - timedelta(seconds=22),
        "hours": (),
        "journey": "ga_purchase",
        "slow_after_ms": 30_000.0,
        "verdicts": (),
        "numbers": Numbers(feeds={"stripe": a_feed("stripe")}),
        "succeeded": (),
        "failed": (),
        "revenue": Widget(
            name="revenue_today", title="Revenue today", state=WidgetState.OFF, why="Stripe: not connected."
        ),
    }
    return TileNumbers(**{**usual, **more})


def tile(name: str, **more: Any) -> Widget:
    return next(one.widget for one in overview_tiles(told(**more)) if one.widget.name == name)


def a_burn(status: VerdictStatus) -> Verdict:
    traits = Traits(kind="burn", journey_fails=False)
    return Verdict(rule="F2a", verdict=status, summary="", severity=Severity.CRITICAL, traits=traits)


@pytest.mark.parametrize(
    ("passed", "tried", "verdicts", "state", "value"),
    [
        (0, 0, (), WidgetState.NO_DATA, ""),
        (1150, 1151, (), WidgetState.OK, "99.91"),
        (1150, 1151, (VerdictStatus.OFF_TARGET,), WidgetState.OK, "99.91"),
        (20, 20, (), WidgetState.UNPROVEN, "100"),
        (90, 100, (), WidgetState.OFF_TARGET, "90"),
        (90, 100, (VerdictStatus.CRITICAL,), WidgetState.CRITICAL, "90"),
    ],
)
def test_a_success_rate_is_green_only_where_it_is_proved(
    passed: int, tried: int, verdicts: tuple[VerdictStatus, ...], state: WidgetState, value: str
) -> None:
    found = tile("purchase_success", passed=passed, tried=tried, verdicts=[a_burn(v) for v in verdicts])
    assert (found.state, found.value) == (state, value)


@pytest.mark.parametrize(
    ("durations", "state"),
    [
        ({}, WidgetState.NO_DATA),
        ({"196": 100}, WidgetState.OK),
        ({"196": 3}, WidgetState.UNPROVEN),
        ({"215": 100}, WidgetState.OFF_TARGET),
    ],
)
def test_a_duration_stands_beside_its_limit(durations: dict[str, int], state: WidgetState) -> None:
    hour = Rollup(
        width_s=3600,
        start=NOW - timedelta(hours=1),
        journey="ga_purchase",
        location="us-east",
        counts={"passed": sum(durations.values())},
        durations=durations,
        steps={},
    )
    found = tile("purchase_duration", hours=[hour])
    assert found.state is state
    assert state is WidgetState.NO_DATA or found.delta == "limit 30 s"


@pytest.mark.parametrize(
    ("good", "bad", "state"),
    [
        (0, 0, WidgetState.NO_DATA),
        (43, 1, WidgetState.UNPROVEN),
        (990, 10, WidgetState.OK),
        (10, 30, WidgetState.CRITICAL),
    ],
)
def test_payments_are_judged_by_their_interval(good: int, bad: int, state: WidgetState) -> None:
    at = NOW - timedelta(hours=1)
    found = tile("payments_accepted", succeeded=[a_bucket(at, good)], failed=[a_bucket(at, bad)])
    assert found.state is state


def test_a_source_that_is_not_connected_is_off_and_says_what_to_do() -> None:
    found = tile("payments_accepted", numbers=Numbers())
    assert (found.state, "STRIPE_SOURCE_KEY" in found.how) == (WidgetState.OFF, True)
