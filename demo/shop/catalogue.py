"""The cities, the members and the promotion codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class City:
    """A workshop's city. `id` is how addresses know it."""

    id: str
    name: str
    state: str
    month: str
    dates: tuple[str, str]
    venue: str

    @property
    def label(self) -> str:
        """As the cards call it: `Dallas, TX`."""
        return f"{self.name}, {self.state}"


CITIES = (
    City(
        "dallas-jan-2026", "Dallas", "TX", "January 2026", ("January 18, 2026", "January 19, 2026"), "Deep Ellum Hall"
    ),
    City(
        "atlanta-feb-2026",
        "Atlanta",
        "GA",
        "February 2026",
        ("February 22, 2026", "February 23, 2026"),
        "Westside Works",
    ),
    City("la-mar-2026", "Los Angeles", "CA", "March 2026", ("March 15, 2026", "March 16, 2026"), "Arts District Loft"),
    City("sf-apr-2026", "San Francisco", "CA", "April 2026", ("April 19, 2026", "April 20, 2026"), "Pier House"),
    City("chicago-may-2026", "Chicago", "IL", "May 2026", ("May 17, 2026", "May 18, 2026"), "Fulton Market Studio"),
    City("nyc-jun-2026", "New York City", "NY", "June 2026", ("June 14, 2026", "June 15, 2026"), "Hudson Yards Room"),
)
CITY_BY_ID = {city.id: city for city in CITIES}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody whom the member check knows."""

    email: str
    name: str
    kind: str
    joined: str


MEMBERS = {
    member.email: member
    for member in (
        Member("dre@6fb.com", "Dre", "Pro", "2023-01-15"),
        Member("nate@6fb.com", "Nate", "Pro", "2023-02-20"),
        Member("bossio@6fb.com", "Bossio", "Pro", "2023-03-10"),
        Member("test@6fb.com", "Test User", "Pro", "2024-01-01"),
        Member("member@6fb.com", "Demo Member", "Basic", "2024-02-01"),
    )
}

PROMO_CODES = ("EARLYBIRD", "SAVE50", "WELCOME")
PROMO_PERCENT = 10
BULK_PERCENT = {1: 0, 2: 5, 3: 10}
"""By number of tickets; four and more are 15."""
BULK_MOST_PERCENT = 15
