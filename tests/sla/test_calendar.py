"""The business's calendar: its days, the same time of other days, and the times that are like no others."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from hub.business import calendar_of, source_periods_s, volumes_of
from journeys.site import Business, EndpointChecks, SaleWindow, Site, SmsReads, StripeReads
from sla.calendar import Calendar

CHICAGO = Calendar(timezone="America/Chicago")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("day", "at", "moment"),
    [
        (date(2026, 11, 23), time(18), utc(2026, 11, 24, 0)),
        (date(2026, 3, 8), time(0), utc(2026, 3, 8, 6)),
        (date(2026, 3, 9), time(0), utc(2026, 3, 9, 5)),
        # 02:30 is left out that day, and 01:30 comes twice.
        (date(2026, 3, 8), time(2, 30), utc(2026, 3, 8, 8, 30)),
        (date(2026, 11, 1), time(1, 30), utc(2026, 11, 1, 6, 30)),
    ],
)
def test_a_local_time_is_a_moment(day: date, at: time, moment: datetime) -> None:
    assert CHICAGO.moment(day, at) == moment


@pytest.mark.parametrize(
    ("at", "weeks", "before"),
    [
        (utc(2026, 11, 23, 18), 1, utc(2026, 11, 16, 18)),
        # Three weeks before the clock was an hour ahead: noon was at 17:00 UTC.
        (utc(2026, 11, 23, 18), 4, utc(2026, 10, 26, 17)),
        (utc(2026, 3, 9, 17), 1, utc(2026, 3, 2, 18)),
    ],
)
def test_the_same_weekday_and_hour_of_an_earlier_week_is_the_clocks(at: datetime, weeks: int, before: datetime) -> None:
    assert CHICAGO.weeks_before(at, weeks) == before


@pytest.mark.parametrize(
    ("begins", "ends", "says"),
    [
        (utc(2026, 11, 26, 5), utc(2026, 11, 26, 6), None),
        (utc(2026, 11, 26, 5), utc(2026, 11, 26, 6, 1), "a holiday (Thanksgiving Day)"),
        (utc(2026, 11, 27, 5, 59), utc(2026, 11, 27, 7), "a holiday (Thanksgiving Day)"),
        (utc(2026, 11, 27, 6), utc(2026, 11, 27, 7), None),
        (utc(2026, 11, 28, 14), utc(2026, 11, 28, 15), None),
        (utc(2026, 11, 28, 14), utc(2026, 11, 28, 15, 1), "a declared sale window"),
        (utc(2026, 11, 29, 15), utc(2026, 11, 29, 16), None),
        (utc(2026, 12, 1, 7), utc(2026, 12, 1, 8), "a holiday (named in site.yaml)"),
    ],
)
def test_holidays_and_sale_windows_of_site_yaml_are_special_by_the_local_clock(
    begins: datetime, ends: datetime, says: str | None
) -> None:
    business = Business(
        timezone="America/Chicago",
        country="US",
        holidays=["2026-12-01"],
        sale_windows=[SaleWindow(begins="2026-11-28T09:00", ends="2026-11-29T09:00")],
    )
    calendar = calendar_of(Site(base_url="http://shop.test", business=business), utc(2026, 11, 23, 12))
    assert calendar.special(begins, ends) == says


def test_a_holiday_of_the_year_before_is_known_in_january() -> None:
    site = Site(base_url="http://shop.test", business=Business(country="US"))
    assert date(2026, 12, 25) in calendar_of(site, utc(2027, 1, 10)).holidays
    assert calendar_of(Site(base_url="http://shop.test"), utc(2027, 1, 10)) == Calendar()


def test_a_state_has_holidays_of_its_own() -> None:
    site = Site(base_url="http://shop.test", business=Business(country="US", subdivision="TX"))
    assert date(2026, 11, 27) in calendar_of(site, utc(2026, 11, 23)).holidays, "the day after Thanksgiving"


def test_periods_and_orders_are_those_of_site_yaml() -> None:
    plain = Site(base_url="http://shop.test")
    assert source_periods_s(plain) == {"stripe": 300.0}
    assert volumes_of(plain) == {}
    full = Site(
        base_url="http://shop.test",
        endpoint_checks=EndpointChecks(every="10m"),
        stripe_reads=StripeReads(every="15m", orders_a_day=5),
        sms_reads=SmsReads(every="30m"),
    )
    assert source_periods_s(full) == {"stripe": 900.0, "endpoints": 600.0, "sms": 1800.0}
    assert volumes_of(full)["stripe_payments_succeeded"] == 5
