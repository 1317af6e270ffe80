"""The registration page, `/register?...`: a form in three parts, then the review with the total and the button to pay."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator

from journeys.checkout_session import SESSION_API
from journeys.failure import Kind
from journeys.money import amount_after, money
from journeys.site import Buyer
from journeys.visit import SiteBroken, Visit

_ALERT_COMES_WITHIN_MS = 500
# One question for all fields, because each costs the buyer's clock a few milliseconds.
_VALUES_BY_PLACEHOLDER = "inputs => Object.fromEntries(inputs.map(input => [input.placeholder, input.value]))"


@dataclass(frozen=True)
class RegistrationPage:
    """The page on which a buyer says who they are. Its labels are not tied to its fields; placeholders are what a person reads."""

    visit: Visit

    def is_open(self) -> None:
        """Wait until the headline and the first field are visible."""
        self.visit.see(self.visit.page.get_by_role("heading", name=re.compile("Complete Your Registration")).first)
        self.visit.see(self._field("Enter your first name"))

    def fill_in(self, buyer: Buyer, *, email: str) -> None:
        """Fill all three parts and arrive at the review."""
        fields = {
            "Enter your first name": buyer.first_name,
            "Enter your last name": buyer.last_name,
            "your.email@example.com": email,
            "(555) 123-4567": buyer.phone,
        }
        self._fill_until_kept(fields)
        self._next()
        first = self._field("Enter your first name")
        first.wait_for(state="hidden", timeout=self.visit.time_left_ms())
        self._next()
        self.visit.see(self._pay_button())

    def total_is(self, price: float) -> None:
        """Check that the review's total is the price."""
        self._check_total(price, "the order review shows {shown}; a buyer should pay {due}")

    def member_total_is(self, price: float) -> None:
        """Check that the review's total is the member's price."""
        self._check_total(price, "the order review shows {shown}; a member should pay {due}")

    def proceed_to_payment(self) -> None:
        """Press the button and wait until the site has opened a checkout and sent the buyer there."""
        self.visit.order()
        self.visit.press(self._pay_button())
        self.visit.wait_until("Stripe's page after Proceed to Payment", self._left_for_stripe)

    # Members' names are filled in by a script after the first paint, over what a quick buyer may have typed already.
    def _fill_until_kept(self, fields: dict[str, str]) -> None:
        for placeholder, value in fields.items():
            self._field(placeholder).fill(value)
        self.visit.wait_until("the form to keep what was typed", lambda: self._kept(fields))

    def _kept(self, fields: dict[str, str]) -> bool:
        shown = self.visit.page.locator("input").evaluate_all(_VALUES_BY_PLACEHOLDER)
        lost = {p: value for p, value in fields.items() if not _same(value, shown.get(p, ""))}
        for placeholder, value in lost.items():
            self._field(placeholder).fill(value)
        return not lost

    def _next(self) -> None:
        self.visit.press(self.visit.page.get_by_role("button", name="Next", exact=True).filter(visible=True).last)

    def _check_total(self, price: float, sentence: str) -> None:
        text = self.visit.page.locator("body").inner_text(timeout=self.visit.time_left_ms())
        shown = amount_after("Total", text)
        if shown is None:
            raise SiteBroken("the review shows no total", kind=Kind.MISSING)
        if shown != price:
            currency = self.visit.site.currency
            raise SiteBroken(sentence.format(shown=money(shown, currency), due=money(price, currency)))

    # Every failure looks the same on the page, a native alert; what the site answered tells them apart.
    def _left_for_stripe(self) -> bool:
        answer = self.visit.answer("POST", SESSION_API)
        if answer is not None and answer.failed:
            self.visit.pump(_ALERT_COMES_WITHIN_MS)
            raise SiteBroken("")  # the answer itself is the sentence
        page = self.visit.page
        return not self.visit.recorder.is_the_sites(page.url) or "cs_" in page.url or self._went_on_in_a_tab()

    def _went_on_in_a_tab(self) -> bool:
        """Return whether the site opened the checkout in a new tab, in which the buyer continues."""
        tabs = [page for page in self.visit.page.context.pages if page is not self.visit.page]
        # Something else may open a tab as well, a chat or an advertisement.
        tab = next((page for page in reversed(tabs) if "cs_" in page.url), None)
        if tab is not None:
            self.visit.follow(tab)
        return tab is not None

    def _pay_button(self) -> Locator:
        name = re.compile("Proceed to Payment|Proceed to Checkout")
        return self.visit.page.get_by_role("button", name=name).filter(visible=True).first

    def _field(self, placeholder: str) -> Locator:
        return self.visit.page.get_by_placeholder(placeholder).filter(visible=True).first


def _same(typed: str, shown: str) -> bool:
    """Return whether a field shows what was typed; the page may reformat a phone number."""
    return shown == typed or (typed.isdigit() and re.sub(r"\D", "", shown) == typed)
