"""Axes have round ticks: numbers of the form 1, 2, 2.5, 5 × 10ⁿ, and times that are round on the reader's clock."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reports.charts import linear_scale, time_ticks

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], (0, 0.2, 0.4, 0.6, 0.8, 1)),
        ([math.nan, math.inf], (0, 0.2, 0.4, 0.6, 0.8, 1)),
        ([0], (0, 0.2, 0.4, 0.6, 0.8, 1)),
        ([7], (0, 2, 4, 6, 8)),
        ([0.3], (0, 0.1, 0.2, 0.3)),
        ([1.31, 5], (0, 1, 2, 3, 4, 5)),
        ([12], (0, 2.5, 5, 7.5, 10, 12.5)),
        ([-3, 4], (-4, -2, 0, 2, 4)),
        ([-10, -1], (-10, -8, -6, -4, -2, 0)),
        ([38_400, 50_000], (0, 10_000, 20_000, 30_000, 40_000, 50_000)),
    ],
)
def test_ticks_are_round_and_hold_every_value(values: list[float], ticks: tuple[float, ...]) -> None:
    assert linear_scale(values).ticks == ticks


@pytest.mark.parametrize("value", [1e-9, 0.007, 3.3, 99, 1001, 123_456_789, 1e14, 1e300, -1e300])
def test_a_scale_has_three_to_six_ticks_whatever_the_size(value: float) -> None:
    scale = linear_scale([value])
    assert 3 <= len(scale.ticks) <= 6
    assert all(0 <= scale.share(v) <= 1 for v in (value, 0, *scale.ticks))


def test_an_axis_of_rates_may_begin_above_zero() -> None:
    scale = linear_scale([0.91, 0.99], from_zero=False)
    assert (scale.low, scale.high) == (0.9, 1.0)


@pytest.mark.parametrize(
    ("most", "ticks"), [(0, (0, 1)), (2, (0, 1, 2)), (12, (0, 5, 10, 15)), (40, (0, 10, 20, 30, 40))]
)
def test_counts_have_whole_ticks(most: float, ticks: tuple[float, ...]) -> None:
    assert linear_scale([most], whole=True).ticks == ticks


@pytest.mark.parametrize("values", [[5.0, 5.0], [-5.0], [1e15, 1e15]])
def test_values_that_are_all_equal_still_have_an_axis(values: list[float]) -> None:
    scale = linear_scale(values, from_zero=False)
    assert scale.low < scale.high


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(hours=1), ["11:00", "11:10", "11:20", "11:30", "11:40", "11:50", "12:00"]),
        (timedelta(hours=6), ["06:00", "07:00", "08:00", "09:00", "10:00", "11:00", "12:00"]),
        (timedelta(hours=24), ["12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00", "12:00"]),
        (timedelta(days=7), ["17 Nov", "18 Nov", "19 Nov", "20 Nov", "21 Nov", "22 Nov", "23 Nov"]),
        (timedelta(0), []),
        (timedelta(minutes=-5), []),
    ],
)
def test_time_ticks_are_round_in_the_zone(length: timedelta, labels: list[str]) -> None:
    assert [tick.label for tick in time_ticks(NOON - length, NOON, CHICAGO)] == labels


def test_thirteen_months_have_a_tick_a_month_and_ten_years_one_a_year() -> None:
    ticks = time_ticks(NOON - timedelta(days=396), NOON, CHICAGO)
    assert [tick.label for tick in ticks][:2] == ["Nov 2025", "Dec 2025"]
    assert all((tick.at.astimezone(CHICAGO).day, tick.at.astimezone(CHICAGO).hour) == (1, 0) for tick in ticks)
    assert len(ticks) == 13
    assert len(time_ticks(NOON - timedelta(days=3652), NOON, CHICAGO)) <= 14


@pytest.mark.parametrize(
    ("midnight", "labels", "hours"),
    [
        # Clocks go from 02:00 to 03:00, and in November from 02:00 back to 01:00.
        (datetime(2026, 3, 8, 6, tzinfo=UTC), ["00:00", "03:00", "06:00"], [0, 2, 5]),
        (datetime(2026, 11, 1, 5, tzinfo=UTC), ["00:00", "03:00", "06:00"], [0, 4, 7]),
    ],
)
def test_on_days_of_23_and_25_hours_the_clock_on_the_wall_is_labelled(
    midnight: datetime, labels: list[str], hours: list[int]
) -> None:
    ticks = time_ticks(midnight, midnight + timedelta(hours=23), CHICAGO)[:3]
    assert [tick.label for tick in ticks] == labels
    assert [(tick.at - midnight) / timedelta(hours=1) for tick in ticks] == hours


def test_an_hour_that_comes_twice_has_ticks_twice() -> None:
    since = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    labels = [tick.label for tick in time_ticks(since, since + timedelta(hours=6), CHICAGO)]
    assert labels == ["01:00", "01:00", "02:00", "03:00", "04:00", "05:00"]


def test_ticks_are_round_where_the_offset_is_not_a_whole_hour() -> None:
    labels = [t.label for t in time_ticks(NOON - timedelta(hours=1), NOON, ZoneInfo("Asia/Kathmandu"))]
    assert labels == ["22:50", "23:00", "23:10", "23:20", "23:30", "23:40"]


def test_narrow_charts_may_leave_out_every_second_tick() -> None:
    assert [t.is_optional for t in time_ticks(NOON - timedelta(hours=1), NOON, UTC)] == [False, True] * 3 + [False]
