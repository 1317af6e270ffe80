"""The box of faults: what can be broken in the demo shop, by name, while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

FAULTS: dict[str, str] = {
    "payment_500": "Stripe answers 500 when the shop wants to open a checkout; nobody can buy.",
    "checkout_403": "The shop's own CSRF check refuses every checkout with 403; nobody can buy, every page looks fine.",
    "checkout_hang": "The checkout request is accepted and never answered; the button says Loading... for ever.",
    "wrong_price": "Stripe is told another amount than the page shows.",
    "verify_down": "The member check answers 500; the page says the address was not found.",
    "discount_lost": "A verified member is shown and charged the full price.",
    "declined_card": "Stripe declines every card.",
    "success_unpaid": "The payment is not taken, yet the buyer lands on the page that says Registration Successful.",
    "slow_page": "Every page takes many seconds; buyers get through, slowly.",
    "layout_shift": "A late banner pushes the page down after it was painted.",
    "js_error": "A script of the page throws; buyers can still buy.",
    "third_party_down": "A third party's script answers 503; buyers can still buy.",
    "inventory_negative": "More tickets are sold in one city than there are seats.",
    "blank_429": "The rate limit answers everything with a blank page, Too Many Requests.",
    "limit_at_success": "The rate limit lets a buyer pay, and answers the page after the payment with 429.",
    "bundle_missing": "The shop's script answers 404, as after half a deploy: pages come and do nothing.",
    "bundle_html": "The shop's script is answered with 200 and the home page, as a catch-all route does it: pages do nothing.",
    "crash_page": "Every page is the framework's error page, with 500.",
    "crash_page_200": "The order form crashes in the browser: the framework's error page stands there, and every answer was 200.",
    "caught_exception": "The button to pay throws; the framework catches it and writes it to the console, and nothing happens.",
    "maintenance_200": "Every page says that the shop is down for maintenance, with 200.",
    "empty_page": "Every page is an empty document, with 200.",
    "parked_domain": "The domain has expired: a page that offers it for sale stands there, with 200.",
    "overlay": "A newsletter window lies over every page, and has to be closed before anything can be pressed.",
    "cookie_bar": "A consent bar blocks every page until somebody accepts or refuses.",
    "says_no_with_200": "The checkout answers 200, and says no in its JSON; nobody can buy.",
    "html_for_json": "The checkout answers 200 with a page where JSON is due; nobody can buy.",
    "all_slow": "Every answer of the shop takes eight seconds; journeys run out of time.",
    "slow_chain": "After the order one slow call follows another until the step's time is up.",
    "secret_header": "The shop answers 401 to whoever does not send the header of a protected preview.",
    "sold_out": "Dallas is sold out: its buttons say so and cannot be pressed. Other cities can be bought.",
    "renamed_button": "The button to pay has another name; buyers get through, and the journeys look for the old one.",
    "new_tab": "The checkout opens in a new tab; buyers can still buy.",
    "late_fade_in": "Every page fades in for a second, after a while; buyers can still buy.",
    "assets_missing": "A picture, a font and a second stylesheet answer 404; buyers can still buy.",
    "stylesheet_missing": "The shop's stylesheet answers 404: pages are bare, and buyers can still buy.",
    "telemetry_down": "Every page reports to the shop's telemetry, which answers 503; buyers can still buy.",
    "guest_401": "Every page asks for the buyer's account and is answered 401, as each guest is; buyers can still buy.",
    "guest_form_with_password": "A login for returning customers stands beside the guest's form; buyers can still buy.",
    "cdn_always_down": "A third party's script library is down, and the shop's own copy takes its place; buyers can still buy.",
}


TRAFFIC_FAULTS: dict[str, str] = {
    "sales_stop": "Every payment of a real buyer fails at Stripe, though the journeys still get through.",
    "errors_5xx": "The inventory's API answers real visitors 500, and their pages ask again and again.",
    "webhook_backlog": "The shop cannot process Stripe's webhooks: they wait, and the log tells of each try.",
    "memory_leak_event": "The site's log tells of a memory leak, again and again.",
    "sms_failing": "No text of the shop arrives.",
    "sms_expensive": "Texts come in four parts and cost four times as much, and one more is sent every six seconds.",
    "database_slow": "Queries of the shop's database time out.",
    "sellout_near": "San Francisco has 60 GA tickets left, and a rush of buyers takes four a minute.",
    "refund_wave": "Buyers are refunded, thirty a minute.",
    "abandonment": "Checkouts that were opened and left expire, fifteen a minute.",
    "traffic_spike": "Something asks for the price list four times a second.",
    "login_attacks": "Somebody tries passwords, one a second.",
    "fraud_attempt": "The site suspects fraud, twice a minute.",
    "conversion_drop": "A campaign brings a visitor each second who looks at one page and leaves.",
    "support_spike": "Customers open ten support tickets a minute.",
}
"""The faults of the simulated visitors and buyers: they need the whole demo."""


class UnknownFaultError(KeyError):
    """A fault that the box does not hold; the message lists those it does."""

    def __init__(self, name: str, known: Iterable[str] = FAULTS) -> None:
        super().__init__(name)
        self.name = name
        self._known = tuple(known)

    def __str__(self) -> str:
        return f"no fault named {self.name!r}; there are: {', '.join(self._known)}"


class Faults:
    """The faults that are on now. Safe to switch from any thread. With `traffic` it holds those of the simulated traffic too."""

    def __init__(self, on: Iterable[str] = (), *, traffic: bool = False) -> None:
        self._lock = threading.Lock()
        self._on: set[str] = set()
        self.known: Mapping[str, str] = {
            **FAULTS,
            **(TRAFFIC_FAULTS if traffic else {}),
        }
        for name in on:
            self.start(name)

    def start(self, name: str) -> None:
        """Switch a fault on. Raises UnknownFaultError."""
        with self._lock:
            self._on.add(self._checked(name))

    def stop(self, name: str) -> None:
        """Switch a fault off; it need not be on. Raises UnknownFaultError."""
        with self._lock:
            self._on.discard(self._checked(name))

    def clear(self) -> None:
        """Mend everything."""
        with self._lock:
            self._on.clear()

    def on(self, name: str) -> bool:
        """Whether a fault is on. Raises UnknownFaultError."""
        with self._lock:
            return self._checked(name) in self._on

    def active(self) -> list[str]:
        """The names of the faults that are on, in the box's order."""
        with self._lock:
            return [name for name in self.known if name in self._on]

    def _checked(self, name: str) -> str:
        if name not in self.known:
            raise UnknownFaultError(name, self.known)
        return name
