"""The public package for journeys of one's own: everything that a journey needs, under one name.

    from sixfb import Visit, expect, journey

    @journey(title="A visitor reads the price list", steps=("open_shop", "read_prices"), buys=False)
    def price_list(visit: Visit) -> None:
        with visit.step("open_shop"):
            visit.go(visit.site.url("/"))
        with visit.step("read_prices"):
            expect(visit.page.get_by_role("heading", name="Prices")).to_be_visible()

These names stay where they are from version to version; the rooms that they come from may be rearranged.

- `journey` makes a function of one `Visit` a `Journey`.
- `Visit` is one walk of a journey: its steps, its `page` (Playwright's), its `site`.
- `Site` holds the settings of `site.yaml`, `Buyer` the person that its forms are filled with, `Prices` what tickets cost.
- `SiteBroken` is raised by a journey that finds the page or the price wrong; `FailureKind` says what the failure rests on.
- `PlacedOrder` is what `journey(undo=...)` is called with.
- `money` writes an amount as pages do; `minor_units` reads one that a page wrote.
- `expect`, `Page` and `Locator` are Playwright's own.
"""

from playwright.sync_api import Locator, Page, expect

from journeys.failure import Kind as FailureKind
from journeys.failure import SiteBroken
from journeys.journey import Journey
from journeys.money import minor_units, money
from journeys.placed_order import PlacedOrder
from journeys.site import Buyer, Prices, Site
from journeys.visit import Visit, journey

__all__ = [
    "Buyer",
    "FailureKind",
    "Journey",
    "Locator",
    "Page",
    "PlacedOrder",
    "Prices",
    "Site",
    "SiteBroken",
    "Visit",
    "expect",
    "journey",
    "minor_units",
    "money",
]
