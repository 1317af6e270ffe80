"""Prepares the facts about the business for the rules: its calendar, how often its sources are read, and how much it sells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from config.durations import seconds
from journeys.site import Site, StripeReads
from metrics import PER_ORDER
from sla.calendar import Calendar

_OWN = "named in site.yaml"
_REACH = timedelta(days=40)
"""Rules compare with four weeks before; days further away are nobody's baseline."""


def calendar_of(site: Site, now: datetime) -> Calendar:
    """Return the business's calendar with the holidays of the weeks around `now`; UTC without holidays where the file says nothing."""
    business = site.business
    if business is None:
        return Calendar()
    named = Calendar(timezone=business.timezone)
    days = {day: _OWN for text in business.holidays if abs((day := date.fromisoformat(text)) - now.date()) <= _REACH}
    if business.country is not None:
        public = _public_holidays(business.country, business.subdivision, now.year)
        days |= {day: name for day, name in public.items() if abs(day - now.date()) <= _REACH}
    windows = [
        tuple(named.moment(at.date(), at.time()) for at in map(datetime.fromisoformat, (one.begins, one.ends)))
        for one in business.sale_windows
    ]
    return replace(named, holidays=days, sale_windows=tuple((begins, ends) for begins, ends in windows))


@lru_cache(maxsize=4)
def _public_holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    import holidays  # the library is large, and most files name no country

    return dict(holidays.country_holidays(country, subdiv=subdivision, years=(year - 1, year, year + 1)))


def source_periods_s(site: Site) -> dict[str, float]:
    """Return the period in seconds of each source with a configurable period."""
    found = {"stripe": seconds((site.stripe_reads or StripeReads()).every)}
    if site.sms_reads is not None:
        found["sms"] = seconds(site.sms_reads.every)
    if site.endpoint_checks is not None:
        found["endpoints"] = seconds(site.endpoint_checks.every)
    return found


def volumes_of(site: Site) -> dict[str, float]:
    """Return how many of what a metric counts come in a day, as far as the file tells: of what comes once for each order."""
    orders = site.stripe_reads.orders_a_day if site.stripe_reads else 0
    return dict.fromkeys(PER_ORDER, float(orders)) if orders else {}
