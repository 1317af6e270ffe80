"""A failure is tried again only where that keeps no coming slot from being run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from facts import NOT_CONFIRMED_TIME, PlannedJourney, Status
from runner.spare_time import RunTimes, SpareTime, spare_time
from tests.builders import A_MOMENT, a_run, an_attempt

SHOP = PlannedJourney(journey="shop", period_s=60)
VIP = PlannedJourney(journey="vip", period_s=60, stagger_s=30)
# A slot of SHOP; those of VIP lie half a minute later.
SLOT = SHOP.grid.at_or_before(A_MOMENT)


@pytest.mark.parametrize(
    ("left_s", "usual_s", "elapsed_s", "took_s", "confirms"),
    [
        (60, None, 26, 25, True),
        (60, None, 29, 28, False),  # 31 s are left, and the pause, the attempt and its end take 35
        (60, 40, 2, 1, True),
        (60, 58, 2, 1, False),  # it failed at once, and passes only after 58 s
        (60, None, 75, 74, False),  # the next slot is over already
        (300, 40, 100, 99, True),
    ],
)
def test_there_is_a_second_attempt_where_the_time_is_enough(
    left_s: float, usual_s: float | None, elapsed_s: float, took_s: float, confirms: bool
) -> None:
    spare = SpareTime(left_s=left_s, slot=SLOT, usual_s=usual_s)
    why = spare.why_not_confirm(elapsed_s=elapsed_s, took_s=took_s, pause_s=5)
    assert (why is None) is confirms


def test_the_reason_has_its_arithmetic() -> None:
    spare = SpareTime(left_s=60, slot=SLOT + timedelta(seconds=60))
    why = spare.why_not_confirm(elapsed_s=29, took_s=28, pause_s=5)
    assert why is not None
    assert why.startswith(f"{NOT_CONFIRMED_TIME} (31 s are left for the slot of ")
    assert why.endswith(" UTC, a second attempt takes about 35 s)")


@pytest.mark.parametrize(
    ("planned", "places", "started_s", "handled_s", "left_s", "slot_s"),
    [
        ([SHOP], 1, 1, {}, 59, 60),
        ([SHOP, VIP], 2, 1, {}, 59, 60),  # each has a place of its own
        ([SHOP, VIP], 1, 1, {"vip": -30}, 44, 30),  # the other one may start 15 s late
        ([SHOP, VIP], 1, 1, {}, 44, 30),  # nothing is known of the other one yet
        ([SHOP, VIP], 1, 40, {"vip": -30}, 5, 30),  # the other one waits already
        ([SHOP, VIP], 1, 40, {"vip": 30}, 20, 60),  # it was run already
        ([SHOP, VIP], 1, 50, {"vip": -30}, 10, 60),  # it was too late for it before this run began
    ],
)
def test_a_run_has_time_until_the_first_slot_that_needs_its_place(
    planned: list[PlannedJourney],
    places: int,
    started_s: float,
    handled_s: dict[str, float],
    left_s: float,
    slot_s: float,
) -> None:
    handled = {name: SLOT + timedelta(seconds=s) for name, s in handled_s.items()}
    spare = spare_time(
        planned,
        journey="shop",
        slot=SLOT,
        now=SLOT + timedelta(seconds=started_s),
        places=places,
        late_s=lambda _: 15,
        handled=handled.get,
        times=RunTimes(),
    )
    assert spare == SpareTime(left_s=left_s, slot=SLOT + timedelta(seconds=slot_s))


def test_a_journey_that_the_plan_has_no_more_waits_for_no_slot() -> None:
    assert (
        spare_time(
            [VIP],
            journey="shop",
            slot=SLOT,
            now=SLOT,
            places=1,
            late_s=lambda _: 15,
            handled=lambda _: None,
            times=RunTimes(),
        )
        is None
    )


def test_the_usual_time_is_the_longest_of_the_last_three_runs_that_passed_at_once() -> None:
    times = RunTimes()
    assert times.usual_s("shop") is None
    for seconds, status, attempts in [
        (90, Status.PASSED, 1),
        (20, Status.PASSED, 1),
        (30, Status.PASSED, 1),
        (25, Status.PASSED, 1),
        (50, Status.PASSED, 2),
        (70, Status.FAILED, 1),
    ]:
        run = a_run(
            journey="shop",
            status=status,
            started_at=A_MOMENT,
            finished_at=A_MOMENT + timedelta(seconds=seconds),
            attempts=tuple(an_attempt(number=number) for number in range(1, attempts + 1)),
        )
        times = times.after(run)
    assert times.usual_s("shop") == 30
    assert times.usual_s("vip") is None
