"""What the shop usually sells at this time of the week."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.policy import SalesRate
from facts import Sample, labels
from hub.money_at_risk import METRIC, sales_rate
from sla.calendar import Calendar
from store import Store, samples

NOW = datetime(2026, 11, 9, 16, 20, tzinfo=ZoneInfo("UTC"))
CHICAGO = Calendar(timezone="America/Chicago")


def sold(store: Store, *hours: tuple[datetime, float], currency: str = "usd") -> None:
    found = [Sample(metric=METRIC, labels=labels(currency=currency), at=at, value=value) for at, value in hours]
    with store.write() as connection:
        samples.save(connection, found, now=NOW)


def rate(store: Store, calendar: Calendar = Calendar(), currency: str = "USD") -> SalesRate | None:
    with store.read() as connection:
        return sales_rate(connection, calendar, currency=currency, now=NOW)


def weeks_ago(number: int, minute: int = 30) -> datetime:
    return NOW.replace(minute=minute) - timedelta(weeks=number)


def test_it_is_the_median_of_this_hour_in_four_weeks(sqlite_store: Store) -> None:
    sold(sqlite_store, *[(weeks_ago(week), 6000.0 * week) for week in (1, 2, 3, 4)])
    assert rate(sqlite_store) == SalesRate(minor_per_minute=250.0, currency="usd")


def test_an_hour_without_a_sale_counts_where_something_was_sold_around_it(sqlite_store: Store) -> None:
    sold(sqlite_store, (weeks_ago(1), 6000.0), (weeks_ago(2) - timedelta(hours=3), 9000.0))
    assert rate(sqlite_store) == SalesRate(minor_per_minute=50.0, currency="usd")


@pytest.mark.parametrize("weeks", [(), (1,), (4,)])
def test_fewer_than_two_weeks_are_unknown(sqlite_store: Store, weeks: tuple[int, ...]) -> None:
    sold(sqlite_store, *[(weeks_ago(week), 6000.0) for week in weeks])
    assert rate(sqlite_store) is None


def test_another_currency_is_not_among_it(sqlite_store: Store) -> None:
    sold(sqlite_store, *[(weeks_ago(week), 6000.0) for week in (1, 2)], currency="eur")
    assert rate(sqlite_store) is None
    assert rate(sqlite_store, currency="eur") == SalesRate(minor_per_minute=100.0, currency="eur")


def test_the_hour_is_that_of_the_businesss_clock_also_across_a_clock_change(sqlite_store: Store) -> None:
    # Chicago left daylight saving time on 1 November 2026: 10:00 there is 16:00 UTC now, and was 15:00 UTC before.
    sold(sqlite_store, *[(weeks_ago(week) - timedelta(hours=1), 6000.0) for week in (2, 3, 4)])
    assert rate(sqlite_store, CHICAGO) == SalesRate(minor_per_minute=100.0, currency="usd")
    assert rate(sqlite_store) == SalesRate(minor_per_minute=0.0, currency="usd")
