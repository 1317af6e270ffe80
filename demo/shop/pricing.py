"""What an order costs, as the server reckons it. The pages reckon for themselves and are not always of the same opinion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.shop.catalogue import BULK_MOST_PERCENT, BULK_PERCENT
from demo.shop.settings import ShopSettings


@dataclass(frozen=True, slots=True)
class Quote:
    """Dollars, and why there is a discount."""

    original: float
    final: float
    percent: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As `POST /api/create-checkout-session` answers it."""
        return {
            "originalAmount": _plain(self.original),
            "finalAmount": _plain(self.final),
            "discountAmount": _plain(self.original - self.final),
            "discountPercentage": self.percent,
            "discountReason": self.reason,
        }


def quote(settings: ShopSettings, tier: str, quantity: int, *, is_member: bool) -> Quote:
    """The price of an order. A member's first ticket has the member discount, the others (GA only) the bulk discount."""
    unit = settings.price(tier)
    original = unit * quantity
    if is_member:
        return _member_quote(settings, tier, quantity, original)
    percent = bulk_percent(quantity) if tier == "ga" else 0
    reason = f"Bulk Discount ({quantity} tickets)" if percent else ""
    return Quote(original, original * (100 - percent) / 100, percent, reason)


def _member_quote(settings: ShopSettings, tier: str, quantity: int, original: float) -> Quote:
    own = settings.member_discount[tier]
    if quantity == 1 or tier == "vip":
        return Quote(original, original * (100 - own) / 100, own, "6FB Member Discount")
    rest = bulk_percent(quantity)
    final = settings.member_price(tier) + settings.price(tier) * (quantity - 1) * (100 - rest) / 100
    reason = f"1 Member ticket ({own}% off) + {quantity - 1} Bulk tickets ({rest}% off)"
    return Quote(original, final, round((original - final) / original * 100), reason)


def bulk_percent(quantity: int) -> int:
    """The discount on that many GA tickets."""
    return BULK_PERCENT.get(quantity, BULK_MOST_PERCENT)


def unit_cents(final: float, quantity: int) -> int:
    """What Stripe is told for one ticket: rounded, so three tickets may cost a cent more than the page says."""
    return round(final * 100 / quantity)


def _plain(amount: float) -> float | int:
    return int(amount) if float(amount).is_integer() else round(amount, 2)
