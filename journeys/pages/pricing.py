"""The price page, `/pricing?city=`: it has the member check and the two tiers."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Locator

from journeys.visit import SiteBroken, Visit

# The home page has a "Secure Your Spot Now", which leads nowhere.
_ANY_TIER = "(?:General Admission|VIP)"


@dataclass(frozen=True)
class PricingPage:
    """The page on which a buyer picks a tier and a member says who they are."""

    visit: Visit

    def open(self, city_id: str) -> None:
        """Open the page by its address, as a bookmark does."""
        self.visit.go(self.visit.site.url(f"/pricing?city={city_id}"))
        self.visit.wait_until(
            "the ticket buttons of the price list", lambda: self._tiers_visible() or self._sent_home(city_id)
        )

    def is_open(self) -> None:
        """Wait until a ticket can be chosen."""
        self.visit.see(self._tier(_ANY_TIER))

    def verify_member(self, email: str) -> None:
        """Submit the member's e-mail address, and wait until the page greets the member."""
        page = self.visit.page
        field = page.get_by_placeholder(re.compile("registered email", re.IGNORECASE))
        self.visit.see(field.or_(page.locator("input[type=email]")).first).fill(email)
        page.get_by_role("button", name=re.compile("Verify", re.IGNORECASE)).first.click()
        welcome = page.get_by_text(re.compile(r"Verified .*Member|Welcome back", re.IGNORECASE)).first
        refusal = page.get_by_text(re.compile(r"Email not found", re.IGNORECASE)).first
        self.visit.see(welcome.or_(refusal).first)
        if refusal.is_visible():
            raise SiteBroken(f"the page said '{refusal.inner_text()}' to the member {email}")

    def choose(self, tier: str) -> None:
        """Press the button of a tier (`General Admission`, `VIP`)."""
        self.visit.press(self._tier(re.escape(tier)))

    def _tier(self, tier: str) -> Locator:
        name = re.compile(rf"Secure Your .*{tier}")
        page = self.visit.page
        return page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).filter(visible=True).first

    def _tiers_visible(self) -> bool:
        return self._tier(_ANY_TIER).is_visible()

    def _sent_home(self, city_id: str) -> bool:
        if urlsplit(self.visit.page.url).path == "/":
            raise SiteBroken(
                f"the price list of the city {city_id!r} sent the buyer back to the home page: the site does not know it"
            )
        return False
