"""An order that a journey has placed, as its `undo` function gets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """One order to undo.

    `order_id` and `amount_minor` (cents of `currency`, None where the journey gave none) are what `visit.bought()` was told;
    `run_id`, `journey` and `location` name the run that placed it at `placed_at`. `base_url` is the shop's address without a login.
    """

    order_id: str
    amount_minor: int | None
    currency: str | None
    run_id: str
    journey: str
    location: str
    placed_at: datetime
    base_url: str
    _secrets: list[str] = field(default_factory=list, repr=False)

    def url(self, path: str) -> str:
        """Return the address of a path (`/api/orders/1001`) of the shop."""
        return self.base_url.rstrip("/") + path

    def secret(self, value: str) -> str:
        """Declare a value secret, so that it is masked in error messages, and return it unchanged."""
        self._secrets.append(value)
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that was declared secret."""
        return tuple(self._secrets)
