"""Business hours: openings, business time, holidays, and days of 23 and 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.hours import BusinessHours, HolidaySettings, days_of

CHICAGO = BusinessHours(zone=ZoneInfo("America/Chicago"))
ALL_DAY = BusinessHours(zone=ZoneInfo("America/Chicago"), days=frozenset(range(7)), opens=0, closes=1440)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str = "America/Chicago", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


# Monday 30 November 2026.
@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-30T08:59:59", "2026-11-30T09:00"),
        ("2026-11-30T09:00", "2026-11-30T09:00"),
        ("2026-11-30T16:59:59", "2026-11-30T16:59:59"),
        ("2026-11-30T17:00", "2026-12-01T09:00"),
        ("2026-11-28T12:00", "2026-11-30T09:00"),
        ("2026-11-27T17:00", "2026-11-30T09:00"),
    ],
)
def test_the_next_opening_is_the_moment_itself_while_it_is_open(at: str, opens: str) -> None:
    assert CHICAGO.next_opening(local(at)) == local(opens)
    assert CHICAGO.is_open(local(at)) == (at == opens)


@pytest.mark.parametrize(
    ("at", "minutes", "ends"),
    [
        ("2026-11-30T10:00", 0, "2026-11-30T10:00"),
        ("2026-11-30T03:00", 0, "2026-11-30T09:00"),
        ("2026-11-30T16:55", 15, "2026-12-01T09:10"),
        ("2026-11-30T16:55", 5, "2026-12-01T09:00"),
        ("2026-11-27T16:50", 30, "2026-11-30T09:20"),
        ("2026-11-30T09:00", 3 * 8 * 60, "2026-12-03T09:00"),
    ],
)
def test_business_time_passes_only_while_it_is_open(at: str, minutes: int, ends: str) -> None:
    assert CHICAGO.add(local(at), timedelta(minutes=minutes)) == local(ends)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)])
def test_a_day_has_as_many_hours_as_its_clock_gives_it(day: str, hours: int) -> None:
    midnight = local(f"{day}T00:00")
    only = BusinessHours(zone=ALL_DAY.zone, days=frozenset({date.fromisoformat(day).weekday()}), opens=0, closes=1440)
    assert only.add(midnight, timedelta(hours=hours) - timedelta(seconds=1)) == midnight + timedelta(
        hours=hours, seconds=-1
    )
    assert only.add(midnight, timedelta(hours=hours)) > midnight + timedelta(days=6)
    assert not only.is_open(midnight + timedelta(hours=hours))


def test_opening_keeps_to_the_wall_clock_over_a_change_of_the_clock() -> None:
    assert CHICAGO.next_opening(local("2026-03-06T18:00")) == utc("2026-03-09T14:00")
    assert CHICAGO.next_opening(local("2026-10-30T18:00")) == utc("2026-11-02T15:00")


def test_an_opening_that_the_clock_skips_is_the_next_moment_that_exists() -> None:
    early = BusinessHours(zone=ALL_DAY.zone, days=frozenset({6}), opens=2 * 60 + 30, closes=10 * 60)
    assert early.next_opening(local("2026-03-07T12:00")) == utc("2026-03-08T08:00")


def test_an_hour_that_is_there_twice_opens_at_the_first_and_closes_at_the_second() -> None:
    night = BusinessHours(zone=ALL_DAY.zone, days=frozenset({6}), opens=90, closes=105)
    assert night.next_opening(local("2026-10-31T12:00")) == local("2026-11-01T01:30")
    assert night.is_open(local("2026-11-01T01:40", fold=1))
    assert not night.is_open(local("2026-11-01T01:45", fold=1))


def test_public_and_own_holidays_are_closed() -> None:
    closed = HolidaySettings(country="US", dates=["2026-12-24"]).is_holiday()
    hours = BusinessHours(zone=CHICAGO.zone, is_holiday=closed)
    assert hours.next_opening(local("2026-12-23T17:00")) == local("2026-12-28T09:00")
    assert hours.next_opening(local("2026-11-25T17:00")) == local("2026-11-27T09:00")


def test_hours_that_never_open_delay_nothing() -> None:
    never = BusinessHours(zone=CHICAGO.zone, is_holiday=lambda _day: True)
    now = local("2026-11-30T10:00")
    assert (never.next_opening(now), never.add(now, timedelta(minutes=5))) == (now, now + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("text", "days"),
    [("Mon-Fri", {0, 1, 2, 3, 4}), ("sat", {5}), ("Sun-Thu", {6, 0, 1, 2, 3}), ("Mon-Tue, Fri", {0, 1, 4})],
)
def test_days_are_written_as_people_write_them(text: str, days: set[int]) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize("text", ["", "Monday-Friday", "Mon-", "weekdays", "Mon-Fri-Sun"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a day"):
        days_of(text)
