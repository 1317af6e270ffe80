"""What buyers buy, and what Stripe and Twilio tell of it, in the shapes in which their APIs answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from demo.shop.catalogue import CITIES

SHOP_NUMBER = "+15005550006"
"""From which the shop sends its texts."""
CITY_SHARES: Mapping[str, int] = dict(zip((city.id for city in CITIES), (5, 3, 4, 2, 2, 4), strict=True))
"""How many of twenty orders are for each city."""
CHANNELS: Mapping[str, int] = {"search": 7, "instagram": 5, "newsletter": 4, "referral": 3, "direct": 1}
_CURRENCY = "usd"
TEXT_CENTS = 0.79
"""What one part of a text costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One kind of order: tier, tickets, whether a member buys, and the price in cents."""

    tier: str
    quantity: int
    is_member: bool
    cents: int


def products(ga: int, vip: int, discounts: Mapping[str, int]) -> dict[str, Product]:
    """Return what is bought, by the key of `PRODUCT_SHARES`; prices are dollars, discounts of members percent."""

    def of(tier: str, price: int, quantity: int = 1, *, is_member: bool = False, percent: int = 0) -> Product:
        return Product(tier=tier, quantity=quantity, is_member=is_member, cents=price * quantity * (100 - percent))

    return {
        "ga": of("ga", ga),
        "ga_member": of("ga", ga, is_member=True, percent=discounts["ga"]),
        "ga_pair": of("ga", ga, 2, percent=5),
        "vip": of("vip", vip),
        "vip_member": of("vip", vip, is_member=True, percent=discounts["vip"]),
    }


PRODUCT_SHARES: Mapping[str, int] = {"ga": 9, "ga_member": 2, "ga_pair": 2, "vip": 4, "vip_member": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order: its number, the product, the city's id, and the channel that brought the buyer."""

    number: str
    product: Product
    city: str
    channel: str


def _id(prefix: str, *parts: str) -> str:
    return prefix + hashlib.sha256("/".join(parts).encode()).hexdigest()[:24]


def stripe_event(
    kind: str, number: str, at: float, subject: Mapping[str, Any], *, pending: int = 0, **data: Any
) -> dict[str, Any]:
    """Return an event as Stripe's API lists it; its id follows from its kind and the number of what it is about."""
    return {
        "id": _id("evt_1", kind, number),
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(at),
        "data": {"object": dict(subject), **data},
        "livemode": False,
        "pending_webhooks": pending,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def charge(order: Order, *, outcome: str = "authorized", failure_code: str | None = None) -> dict[str, Any]:
    """Return the charge of an order; one with a `failure_code` failed."""
    return {
        "id": _id("ch_3", order.number),
        "object": "charge",
        "amount": order.product.cents,
        "amount_refunded": 0,
        "currency": _CURRENCY,
        "failure_code": failure_code,
        "livemode": False,
        "outcome": {"type": outcome},
        "paid": failure_code is None,
        "status": "succeeded" if failure_code is None else "failed",
    }


def session(order: Order, *, paid: bool) -> dict[str, Any]:
    """Return the checkout session of an order, paid or expired."""
    product = order.product
    return {
        "id": _id("cs_test_", order.number),
        "object": "checkout.session",
        "amount_total": product.cents,
        "currency": _CURRENCY,
        "livemode": False,
        "metadata": {
            "cityId": order.city,
            "ticketType": product.tier,
            "quantity": str(product.quantity),
            "isSixFBMember": str(product.is_member).lower(),
        },
        "payment_status": "paid" if paid else "unpaid",
        "status": "complete" if paid else "expired",
    }


def paid_events(order: Order, at: float, *, pending: int = 0) -> Sequence[dict[str, Any]]:
    """Return what Stripe tells of a paid order."""
    return (
        stripe_event("charge.succeeded", order.number, at, charge(order), pending=pending),
        stripe_event("checkout.session.completed", order.number, at, session(order, paid=True), pending=pending),
    )


def declined_event(order: Order, at: float) -> dict[str, Any]:
    """Return what Stripe tells of a card that its bank declined."""
    failed = charge(order, outcome="issuer_declined", failure_code="card_declined")
    return stripe_event("charge.failed", order.number, at, failed)


def failed_event(order: Order, at: float) -> dict[str, Any]:
    """Return what Stripe tells of a payment that failed, and not because of the card."""
    failed = charge(order, outcome="invalid", failure_code="processing_error")
    return stripe_event("charge.failed", order.number, at, failed)


def expired_event(order: Order, at: float) -> dict[str, Any]:
    """Return what Stripe tells of a checkout that nobody completed for a day."""
    return stripe_event("checkout.session.expired", order.number, at, session(order, paid=False))


def refunded_event(order: Order, at: float) -> dict[str, Any]:
    """Return what Stripe tells of an order that is refunded as a whole."""
    refunded = {**charge(order), "amount_refunded": order.product.cents, "refunded": True}
    before = {"amount_refunded": 0, "refunded": False}
    return stripe_event("charge.refunded", order.number, at, refunded, previous_attributes=before)


def text_message(number: str, at: float, status: str) -> dict[str, Any]:
    """Return a text as Twilio lists it, without what it says and to whom."""
    moment = format_datetime(datetime.fromtimestamp(int(at), UTC))
    return {
        "sid": _id("SM", number)[:34],
        "status": status,
        "direction": "outbound-api",
        "from": SHOP_NUMBER,
        "date_sent": moment,
        "date_created": moment,
        "num_segments": "1",
        "price": f"-{TEXT_CENTS / 100:.5f}",
        "price_unit": "USD",
        "error_code": 30005 if status == "undelivered" else None,
    }


def in_parts(text: Mapping[str, Any], parts: int) -> dict[str, Any]:
    """Return a text that is so long that it is sent in parts, each of which costs as much as a short one."""
    return {**text, "num_segments": str(parts), "price": f"-{parts * TEXT_CENTS / 100:.5f}"}
