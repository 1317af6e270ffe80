"""Which days a report is about, in the business's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reports.periodic.period import PeriodError, PeriodKind, current, last_whole, read_period

CHICAGO = "America/Chicago"
NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
"""22:00 on Sunday, 29 November in Chicago."""


@pytest.mark.parametrize(
    ("kind", "now_name", "last_name", "since", "until"),
    [
        (PeriodKind.DAY, "2026-11-29", "2026-11-28", "2026-11-28T06:00", "2026-11-29T06:00"),
        (PeriodKind.WEEK, "2026-W48", "2026-W47", "2026-11-16T06:00", "2026-11-23T06:00"),
        (PeriodKind.MONTH, "2026-11", "2026-10", "2026-10-01T05:00", "2026-11-01T05:00"),
        (PeriodKind.QUARTER, "2026-Q4", "2026-Q3", "2026-07-01T05:00", "2026-10-01T05:00"),
        (PeriodKind.YEAR, "2026", "2025", "2025-01-01T06:00", "2026-01-01T06:00"),
    ],
)
def test_periods_begin_at_midnight_of_the_business(
    kind: PeriodKind, now_name: str, last_name: str, since: str, until: str
) -> None:
    assert current(kind, NOW, CHICAGO).name == now_name
    last = last_whole(kind, NOW, CHICAGO)
    assert last.name == last_name
    assert (f"{last.since:%Y-%m-%dT%H:%M}", f"{last.until:%Y-%m-%dT%H:%M}") == (since, until)
    assert last.previous().until == last.since
    assert last.previous().following() == last
    assert read_period(last.name, kind, now=NOW, zone=CHICAGO) == last


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-08", CHICAGO, 23),
        ("2026-11-01", CHICAGO, 25),
        ("2026-11-29", "Asia/Kolkata", 24),
        ("2026-03-29", "Asia/Beirut", 23),  # its clocks go from 00:00 to 01:00: midnight does not exist
        ("2026-11-01", "America/Havana", 25),  # there it comes once more
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(day: str, zone: str, hours: int) -> None:
    period = read_period(day, PeriodKind.DAY, now=NOW, zone=zone)
    assert period.until - period.since == timedelta(hours=hours)
    assert period.previous().until == period.since
    assert period.following().since == period.until


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (PeriodKind.DAY, "2026-11-31"),
        (PeriodKind.DAY, "2026-11"),
        (PeriodKind.DAY, "yesterday"),
        (PeriodKind.DAY, "1999-12-31"),
        (PeriodKind.WEEK, "2026-W00"),
        (PeriodKind.WEEK, "2027-W53"),  # that year has 52 weeks
        (PeriodKind.WEEK, "2026-11-29"),
        (PeriodKind.MONTH, "2026-13"),
        (PeriodKind.MONTH, "2026-1"),
        (PeriodKind.MONTH, "2026-11-29"),
        (PeriodKind.MONTH, " 2026-11"),
        (PeriodKind.MONTH, "٢٠٢٦-11"),
        (PeriodKind.QUARTER, "2026-Q5"),
        (PeriodKind.YEAR, "26"),
        (PeriodKind.YEAR, "9999"),
        (PeriodKind.YEAR, ""),
    ],
)
def test_what_is_no_period_is_refused_with_the_way_to_write_one(kind: PeriodKind, text: str) -> None:
    with pytest.raises(PeriodError, match=f"is no {kind}; write it like {kind.example}"):
        read_period(text, kind, now=NOW, zone=CHICAGO)


def test_a_period_that_has_not_begun_is_refused_and_the_one_that_it_is_is_taken() -> None:
    with pytest.raises(PeriodError, match="2026-12 has not begun: in America/Chicago it is 2026-11 now"):
        read_period("2026-12", PeriodKind.MONTH, now=NOW, zone=CHICAGO)
    # In UTC it is the 30th already, and in Chicago it is not.
    with pytest.raises(PeriodError, match="2026-11-30 has not begun"):
        read_period("2026-11-30", PeriodKind.DAY, now=NOW, zone=CHICAGO)
    assert read_period("2026-11", PeriodKind.MONTH, now=NOW, zone=CHICAGO).until > NOW


def test_the_words_have_days_and_zone() -> None:
    week = read_period("2026-W01", PeriodKind.WEEK, now=NOW, zone=CHICAGO)
    assert week.title == "week 1 of 2026"
    assert week.words == "Monday, 29 December 2025 to Sunday, 4 January 2026, days of America/Chicago"
    day = read_period("2026-11-28", PeriodKind.DAY, now=NOW, zone=CHICAGO)
    assert day.words == "Saturday, 28 November 2026, midnight to midnight in America/Chicago"
