"""Which slot is due, and why one was missed: read off the grid."""

from __future__ import annotations

from datetime import timedelta

import pytest

from facts import Grid, late_limit_s
from runner.slots.due import DOWN, OVERLAP, due
from tests.builders import A_MOMENT

GRID = Grid.of(60, index=1, n=3)
SLOT = A_MOMENT + timedelta(seconds=20)


def look(
    *, now_s: float, handled_s: float = -60, under_way_s: float | None = None, began_s: float = -3600
) -> tuple[float | None, list[tuple[float, str]]]:
    """A look at the grid; every time is told in seconds after SLOT."""
    found = due(
        GRID,
        handled=SLOT + timedelta(seconds=handled_s),
        now=SLOT + timedelta(seconds=now_s),
        under_way_since=None if under_way_s is None else SLOT + timedelta(seconds=under_way_s),
        began_at=SLOT + timedelta(seconds=began_s),
        late_s=15,
    )
    run = None if found.run is None else (found.run - SLOT).total_seconds()
    return run, [((m.slot - SLOT).total_seconds(), m.reason) for m in found.missed]


LATE = "the runner could have started it {} s late only (limit 15 s)"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"now_s": -1}, (None, [])),
        ({"now_s": 0}, (0, [])),
        ({"now_s": 15}, (0, [])),
        ({"now_s": 1, "handled_s": 0}, (None, [])),
        ({"now_s": 16}, (None, [(0, LATE.format(16))])),
        ({"now_s": 61}, (60, [(0, LATE.format(61))])),
        ({"now_s": 1, "under_way_s": -60}, (None, [(0, OVERLAP)])),
        ({"now_s": 61, "under_way_s": -60}, (None, [(0, OVERLAP), (60, OVERLAP)])),
        ({"now_s": 121, "handled_s": -60, "began_s": 115}, (120, [(0, DOWN), (60, DOWN)])),
        ({"now_s": -300}, (None, [])),
    ],
)
def test_the_grid_says_what_is_due(facts: dict[str, float], expected: object) -> None:
    assert look(**facts) == expected


def test_no_more_than_a_day_is_looked_back_on() -> None:
    _, missed = look(now_s=30, handled_s=-200_000, began_s=20)
    assert len(missed) == 24 * 60


@pytest.mark.parametrize(("period", "limit"), [(20, 10), (60, 15), (300, 60), (900, 60)])
def test_a_run_may_start_a_quarter_of_its_period_late_within_reason(period: int, limit: float) -> None:
    assert late_limit_s(period) == limit


def test_the_slots_of_a_journeys_locations_are_staggered_evenly() -> None:
    slots = sorted(Grid.of(300, index=i, n=3).after(A_MOMENT) for i in range(3))
    assert [(s - A_MOMENT).total_seconds() for s in slots] == [100, 200, 300]
    assert Grid.of(300, index=0, n=3).at_or_before(A_MOMENT) == A_MOMENT
