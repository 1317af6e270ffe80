"""Defines the ledger's rows: intents to open a checkout, sessions, and orders of custom journeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from journeys.checkout_session import PAY_PRESSED

NOBODY_UNDOES = "ordered, and its journey has no undo: somebody has to cancel it at the shop"

LIFETIME = timedelta(hours=24)
"""How long a checkout session stays open: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at"""


class State(StrEnum):
    """The known state of a session, or of an order (`ordered`, `undone`)."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"
    ORDERED = "ordered"
    UNDONE = "undone"

    @property
    def clean(self) -> bool:
        """Whether nothing is left to undo."""
        return self in (State.EXPIRED, State.REFUNDED, State.UNDONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Holds the intent to open a checkout, written before the shop is asked for it. No other run uses `email`."""

    run_id: str
    attempt: int
    journey: str
    location: str
    slot: datetime | None
    email: str
    meant_at: datetime
    tries: int = 0
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Holds a session, or an order.

    `next_try_at` is None if there is no further try. `refund_key` numbers the idempotency key of a refund.

    An order has the `order_id` that its shop gave it, and its journey undoes it at the shop at `base_url`. Its
    `session_id` is only the key of the row, because two shops, or one shop that was reset, may give the same number
    twice.
    """

    session_id: str
    run_id: str
    journey: str
    location: str
    slot: datetime | None
    amount_minor: int | None
    currency: str | None
    state: State
    pay_pressed: bool
    noted_at: datetime
    changed_at: datetime
    held_until: datetime
    next_try_at: datetime | None
    tries: int = 0
    refund_key: int = 1
    last_error: str | None = None
    note: str | None = None
    order_id: str | None = None
    base_url: str | None = None

    @property
    def shown_id(self) -> str:
        """The id that people know: the order's, or the session's."""
        return self.order_id or self.session_id

    def words(self, now: datetime, *, cleans: bool) -> str:
        """Return what is left to do, as text. Without a key (`cleans` is false) nothing is reported as clean by assumption."""
        if self.note:
            return self.note
        match self.state:
            case State.EXPIRED:
                return "expired, nothing left to do"
            case State.REFUNDED:
                return "paid and refunded, nothing left to do"
            case State.UNDONE:
                return "ordered and undone, nothing left to do"
            case State.ORDERED:
                return "ordered, to be undone" if self.next_try_at else NOBODY_UNDOES
            case State.PAID:
                return "paid, to be refunded" if cleans else "paid, not refunded"
        if cleans:
            return "to be undone"
        if self.pay_pressed:
            return PAY_PRESSED
        over = now - self.noted_at >= LIFETIME
        return "open; its 24 h are over, and nobody has looked" if over else "open, expires in 24 h"


def entry_from(row: Mapping[str, Any]) -> Entry:
    """Return the entry of a row of `sessions`."""
    values: dict[str, Any] = dict(row)
    for name in ("slot", "noted_at", "changed_at", "held_until", "next_try_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Entry(**{**values, "state": State(values["state"]), "pay_pressed": bool(values["pay_pressed"])})


def order_from(row: Mapping[str, Any]) -> Order:
    """Return the intent of a row of `orders`."""
    return Order(
        run_id=row["run_id"],
        attempt=row["attempt"],
        journey=row["journey"],
        location=row["location"],
        slot=datetime.fromisoformat(row["slot"]) if row["slot"] else None,
        email=row["email"],
        meant_at=datetime.fromisoformat(row["meant_at"]),
        tries=row["tries"],
        last_error=row["last_error"],
    )
