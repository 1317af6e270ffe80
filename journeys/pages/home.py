"""The home page, `/`: it lists the cities, each on a card that opens and shows a button."""

import re
from dataclasses import dataclass

from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from journeys.visit import Visit

_CLICK_IS_LOST_AFTER_MS = 1500


@dataclass(frozen=True)
class HomePage:
    """The page on which a buyer picks a city."""

    visit: Visit

    def open(self) -> None:
        """Open the page by its address, and wait until its headline and a city are visible."""
        self.visit.go(self.visit.site.url("/"))
        self.visit.see(self.visit.page.get_by_role("heading", level=1).first)
        self.visit.see(self._card(self.visit.site.city_name))

    def choose_city(self, city: str) -> None:
        """Open the city's card and press its button."""
        self._open_card(city)
        self.visit.press(self._select(city))

    def _select(self, city: str) -> Locator:
        name = re.compile(rf"^Select {re.escape(city)}\b")
        page = self.visit.page
        return page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).filter(visible=True).first

    # A card's name changes from "Expand details" to "Collapse details" when it opens, and the grid may be on the page twice.
    def _card(self, city: str, state: str = "Expand|Collapse") -> Locator:
        name = re.compile(rf"^({state}) details for {re.escape(city)}\b")
        return self.visit.page.get_by_role("button", name=name).filter(visible=True).first

    def _open_card(self, city: str) -> None:
        # A click that comes before the page's scripts is lost; a person sees that nothing happened and clicks again.
        card = self.visit.see(self._card(city))
        while True:
            self.visit.press(card)
            if self._opens(city):
                return

    def _opens(self, city: str) -> bool:
        try:
            wait = min(self.visit.time_left_ms() or _CLICK_IS_LOST_AFTER_MS, _CLICK_IS_LOST_AFTER_MS)
            self._card(city, "Collapse").or_(self._select(city)).first.wait_for(state="visible", timeout=wait)
        except PlaywrightTimeout:
            if self.visit.out_of_time():
                raise
            return False
        return True
