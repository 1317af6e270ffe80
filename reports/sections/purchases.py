"""Builds the section on purchases and open checkouts."""

from __future__ import annotations

from dataclasses import dataclass

from facts import Purchase
from reports import words
from reports.sections.headline import ORDERS, proof

_STATES = {
    "paid": "Paid",
    "refunded": "Paid and refunded",
    "open": "Open, not paid",
    "expired": "Expired, not paid",
    "ordered": "Ordered",
    "undone": "Ordered and undone",
}
_TONES = {"paid": "good", "refunded": "good", "open": "warn", "ordered": "warn", "undone": "good"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRow:
    """Holds one checkout session, or one order."""

    session_id: str
    is_session: bool
    amount: str
    state: str
    tone: str
    proved_by: str
    note: str | None


def purchase_row(purchase: Purchase) -> PurchaseRow:
    """Return one purchase as text."""
    return PurchaseRow(
        session_id=purchase.session_id,
        is_session=purchase.state not in ORDERS,
        amount=words.money(purchase.amount_minor, purchase.currency),
        state=_STATES.get(purchase.state, purchase.state),
        tone=_TONES.get(purchase.state, "mute"),
        proved_by=proof(purchase),
        note=purchase.note,
    )
