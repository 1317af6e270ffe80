"""Computes the tickets that are left, with those that were sold: for the widgets of the workshops and the tickets left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reports.dashboards.numbers import Need, Numbers, grouped, total
from reports.dashboards.view import View
from reports.states import WidgetState

REMAINING, SEATS = "inventory_remaining_tickets", "inventory_seats"
SOLD = ("stripe_sessions_completed", "app_sold_tickets")
PACE_DAYS = 14
_LOW = {"ga": 10, "vip": 3}
"""The guide: GA tickets <10 remaining, VIP tickets <3 remaining."""
_LOOKS_BACK = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How many tickets of a city and tier are left, of how many (None: not told), and how many were sold in 14 days (None: unknown)."""

    city: str
    tier: str
    left: float
    seats: float | None
    sold: float | None

    @property
    def state(self) -> WidgetState:
        """Critical if it is oversold, a warning if it is low, else OK."""
        if self.left < 0:
            return WidgetState.CRITICAL
        return WidgetState.WARNING if 0 < self.left < _LOW.get(self.tier.lower(), 0) else WidgetState.OK

    @property
    def words(self) -> str:
        """The state in words."""
        if self.left < 0:
            return "Oversold"
        if self.left == 0:
            return "Sold out"
        return "Low" if self.state is WidgetState.WARNING else "OK"

    def days_left(self) -> tuple[float, float] | None:
        """Return the range of days in which it will be sold out at the pace of 14 days; None where fewer than 10 were sold."""
        if self.left <= 0 or self.sold is None or self.sold < 10:
            return None
        # The interval of a count: its root is spread evenly, by 1 on both sides.
        low, high = (self.sold**0.5 - 1) ** 2 / PACE_DAYS, (self.sold**0.5 + 1) ** 2 / PACE_DAYS
        return self.left / high, self.left / low


def needs(view: View) -> list[Need]:
    """Return what both widgets read."""
    since, pace = view.now - _LOOKS_BACK, view.now - timedelta(days=PACE_DAYS)
    return [Need(REMAINING, 300, since), Need(SEATS, 300, since), *(Need(metric, 86_400, pace) for metric in SOLD)]


def stock_of(view: View, numbers: Numbers) -> list[Left]:
    """Return the tickets left of each city and tier, by city."""
    seats = {key: some[-1].last for key, some in grouped(numbers.of(SEATS, 300), "city", "tier").items()}
    sales = numbers.source(view.now, *SOLD)
    sold = grouped(numbers.of(sales.metric, 86_400), "city", "tier")
    knows_sales = sales.state is WidgetState.OK
    return [
        Left(
            city=numbers.cities.get(city, city),
            tier=tier,
            left=some[-1].last,
            seats=seats.get((city, tier)),
            sold=total(sold.get((city, tier), ())) if knows_sales else None,
        )
        for (city, tier), some in sorted(grouped(numbers.of(REMAINING, 300), "city", "tier").items())
    ]
