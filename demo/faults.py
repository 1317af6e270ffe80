"""The box of faults: what can be broken in the demo shop, by name, while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable

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
}


class UnknownFaultError(KeyError):
    """A fault that the box does not hold; the message lists those it does."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no fault named {self.name!r}; there are: {', '.join(FAULTS)}"


class Faults:
    """The faults that are on now. Safe to switch from any thread."""

    def __init__(self, on: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._on: set[str] = set()
        for name in on:
            self.start(name)

    def start(self, name: str) -> None:
        """Switch a fault on. Raises UnknownFaultError."""
        with self._lock:
            self._on.add(_known(name))

    def stop(self, name: str) -> None:
        """Switch a fault off; it need not be on. Raises UnknownFaultError."""
        with self._lock:
            self._on.discard(_known(name))

    def clear(self) -> None:
        """Mend everything."""
        with self._lock:
            self._on.clear()

    def on(self, name: str) -> bool:
        """Whether a fault is on. Raises UnknownFaultError."""
        with self._lock:
            return _known(name) in self._on

    def active(self) -> list[str]:
        """The names of the faults that are on, in the box's order."""
        with self._lock:
            return [name for name in FAULTS if name in self._on]


def _known(name: str) -> str:
    if name not in FAULTS:
        raise UnknownFaultError(name)
    return name
