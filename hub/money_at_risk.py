"""Reads what the shop usually sells at this time of the week, by which a message says what an outage costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection

from alerts.policy import SalesRate
from hub.business import calendar_of
from journeys.site import Site
from sla.calendar import Calendar
from store import samples

METRIC = "stripe_charged_minor"
WEEKS = 4
_LEAST_WEEKS = 2
_HOUR = timedelta(hours=1)
_AROUND = timedelta(hours=12)
"""How near to an hour something must have been sold for the hour to count as one that was watched."""


def site_sales_rate(connection: Connection, site: Site, now: datetime) -> SalesRate | None:
    """Return what a site usually sells at this time, in its currency and by its business's clock; None where nobody knows."""
    return sales_rate(connection, calendar_of(site, now), currency=site.currency, now=now)


def sales_rate(connection: Connection, calendar: Calendar, *, currency: str, now: datetime) -> SalesRate | None:
    """Return the median of what was sold in a minute of this hour in each of the last four weeks, in minor units of a currency.

    The hour is that of the business's clock. A week in which nothing was sold within 12 hours of it says nothing: there may have been
    no source. None where fewer than two weeks say something.
    """
    rates = list(_rates(connection, calendar, currency.lower(), now))
    if len(rates) < _LEAST_WEEKS:
        return None
    return SalesRate(minor_per_minute=median(rates), currency=currency.lower())


def _rates(connection: Connection, calendar: Calendar, currency: str, now: datetime) -> Iterator[float]:
    begins = now.replace(minute=0, second=0, microsecond=0)
    for week in range(1, WEEKS + 1):
        hour = calendar.weeks_before(begins, week)
        found = samples.read(
            connection, METRIC, since=hour - _AROUND, until=hour + _HOUR + _AROUND, labels={"currency": currency}
        )
        points = [point for one in found for point in one.points]
        if points:
            yield sum(value for at, value in points if hour <= at < hour + _HOUR) / 60
