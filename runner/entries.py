"""What stands in the ledger: intents to open a checkout, and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from journeys.till import PAY_PRESSED

LIFETIME = timedelta(hours=24)
"""How long a checkout session stays open: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at"""


class State(StrEnum):
    """What is known of a session."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"

    @property
    def clean(self) -> bool:
        """Whether nothing is left to undo."""
        return self in (State.EXPIRED, State.REFUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The intent to open a checkout, written before the shop is asked for one. `email` is this run's alone."""

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
    """A session. `next_try_at` is None where nobody will try again; `refund_key` numbers the idempotency key of its refund."""

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

    def words(self, now: datetime, *, cleans: bool) -> str:
        """What is left to do, for people. Without a key (`cleans` is false) nothing is ever called clean on a guess."""
        if self.note:
            return self.note
        match self.state:
            case State.EXPIRED:
                return "expired, nothing left to do"
            case State.REFUNDED:
                return "paid and refunded, nothing left to do"
            case State.PAID:
                return "paid, to be refunded" if cleans else "paid, not refunded"
        if cleans:
            return "to be undone"
        if self.pay_pressed:
            return PAY_PRESSED
        over = now - self.noted_at >= LIFETIME
        return "open; its 24 h are over, and nobody has looked" if over else "open, expires in 24 h"


def entry_from(row: Mapping[str, Any]) -> Entry:
    """A row of the sessions."""
    values: dict[str, Any] = dict(row)
    for name in ("slot", "noted_at", "changed_at", "held_until", "next_try_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Entry(**{**values, "state": State(values["state"]), "pay_pressed": bool(values["pay_pressed"])})


def order_from(row: Mapping[str, Any]) -> Order:
    """A row of the intents."""
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
