"""`/api/create-checkout-session`: opens checkouts at Stripe, and tells what became of them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import stripe
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from demo.faults import Faults
from demo.shop.pricing import Quote, quote, unit_cents
from demo.shop.settings import ShopSettings

PATH = "/api/create-checkout-session"
CHAIN = ("/checkout/start", "/checkout/redirect")
"""The addresses that lead a buyer to Stripe, one after the other, while `slow_chain` is on."""
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_WRONG_BY_CENTS = 10_000
_ON_DETAILS = ("firstName", "lastName", "businessType", "yearsExperience", "phone")


class RefusedError(Exception):
    """An order that cannot be taken; the message is the answer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a checkout is asked for."""

    tier: str
    quantity: float
    email: str | None
    name: str
    is_member: bool
    details: dict[str, Any]


class Checkout:
    """The shop's side of Stripe."""

    def __init__(self, settings: ShopSettings, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self._connection = stripe.HTTPXClient(timeout=80)
        self._stripe = stripe.StripeClient(
            settings.stripe_key,
            base_addresses={"api": settings.stripe_api_base},
            http_client=self._connection,
            max_network_retries=1,
        )

    async def close(self) -> None:
        """Let go of the connection to Stripe."""
        await self._connection.close_async()  # type: ignore[no-untyped-call]

    async def open(self, request: Request) -> Response:
        """`POST`: a session at Stripe for an order, or why not."""
        if self._faults.on("checkout_hang"):
            await _until_gone(request)
        if self._faults.on("says_no_with_200"):
            return _error("Ticket sales are closed", 200)
        if self._faults.on("html_for_json"):
            return HTMLResponse("<!doctype html><title>6FB Methodologies</title><h1>Please log in</h1>")
        try:
            order = _order(await request.json())
        except RefusedError as refused:
            return _error(str(refused), 400)
        except ValueError:
            return _error("Failed to create checkout session", 500)
        try:
            return await self._create(order, _origin(request))
        except stripe.AuthenticationError:
            return _error("Payment system configuration error", 500)
        except (stripe.StripeError, TypeError, ValueError):
            return _error("Failed to create checkout session", 500)

    async def _create(self, order: Order, origin: str) -> Response:
        quantity = _whole(order.quantity)
        settings = self._settings
        price = quote(
            settings, order.tier, quantity, is_member=order.is_member and not self._faults.on("discount_lost")
        )
        created = await self._stripe.v1.checkout.sessions.create_async(self._params(order, quantity, price, origin))
        url = created.url
        if self._faults.on("slow_chain"):
            url = f"{origin}{CHAIN[0]}?{urlencode({'to': url})}"
        answer = {"success": True, "sessionId": created.id, "checkoutUrl": url, "pricing": price.to_json()}
        return JSONResponse(answer)

    def _params(self, order: Order, quantity: int, price: Quote, origin: str) -> Any:
        cents = unit_cents(price.final, quantity)
        if self._faults.on("wrong_price"):
            cents += _WRONG_BY_CENTS
        off = f" ({price.percent}% off - {price.reason})" if price.percent else ""
        product = {"name": f"6FB Methodologies Workshop - {order.tier.upper()} Ticket{off}"}
        params: dict[str, Any] = {
            "mode": "payment",
            "payment_method_types": ["card"],
            "billing_address_collection": "required",
            "submit_type": "pay",
            "line_items": [
                {"quantity": quantity, "price_data": {"currency": "usd", "unit_amount": cents, "product_data": product}}
            ],
            "success_url": f"{origin}/success?session_id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{origin}/register?cancelled=true",
            "metadata": _metadata(order, quantity, price),
        }
        if order.email:
            params["customer_email"] = order.email
        return params

    async def lead_on(self, request: Request) -> Response:
        """`GET /checkout/...?to=`: send the buyer on to Stripe, the first address by way of the second."""
        to = request.query_params.get("to", "")
        if not to.startswith(self._settings.stripe_api_base + "/"):
            return _error("Failed to find the checkout", 404)
        is_last = request.url.path == CHAIN[-1]
        return RedirectResponse(to if is_last else f"{CHAIN[-1]}?{urlencode({'to': to})}", status_code=302)

    async def tell(self, request: Request) -> Response:
        """`GET ?session_id=`: what became of a session. An unknown one is answered as if Stripe were down."""
        session_id = request.query_params.get("session_id")
        if not session_id:
            return _error("Session ID is required", 400)
        try:
            session = await self._stripe.v1.checkout.sessions.retrieve_async(session_id)
        except stripe.StripeError:
            return _error("Failed to retrieve session", 500)
        told = {
            "id": session.id,
            "paymentStatus": session.payment_status,
            "customerEmail": session.customer_email,
            "amountTotal": _dollars(session.amount_total),
            "currency": session.currency,
            "metadata": session.metadata.to_dict() if session.metadata else {},
        }
        return JSONResponse({"success": True, "session": told})


def _order(body: Any) -> Order:
    if not isinstance(body, dict):
        raise ValueError
    tier = str(body.get("ticketType") or "")
    if tier.lower() not in ("ga", "vip") or tier not in ("GA", "VIP", "ga", "vip"):
        raise RefusedError("Valid ticket type is required (GA, VIP, ga, or vip)")
    quantity = _number(body.get("quantity"))
    if not quantity or not 1 <= quantity <= 10:
        raise RefusedError("Quantity must be between 1 and 10")
    email, details = body.get("customerEmail"), body.get("registrationData")
    if email and not _EMAIL.fullmatch(str(email)):
        raise RefusedError("Valid customer email is required")
    return Order(
        tier=tier.lower(),
        quantity=quantity,
        email=str(email) if email else None,
        name=str(body.get("customerName") or ""),
        # Any client may claim to be a member: nobody checks.
        is_member=bool(body.get("isSixFBMember")),
        details=details if isinstance(details, dict) else {},
    )


def _number(value: Any) -> float:
    """A number, or text that is one; 0 for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _whole(quantity: float) -> int:
    """Half a ticket goes as far as Stripe, and fails there."""
    if quantity != int(quantity):
        raise ValueError(quantity)
    return int(quantity)


def _metadata(order: Order, quantity: int, price: Quote) -> dict[str, str]:
    return {
        "ticketType": order.tier,
        "quantity": str(quantity),
        "isSixFBMember": str(order.is_member).lower(),
        "originalAmount": str(price.original),
        "discountAmount": str(price.original - price.final),
        "discountReason": price.reason,
        "workshopEvent": "6FB Methodologies Workshop",
        "registrationSource": "website",
        "createdAt": datetime.now(UTC).isoformat(),
        "customerName": order.name,
        **{key: str(order.details[key]) for key in _ON_DETAILS if order.details.get(key)},
    }


def _dollars(cents: int | None) -> float | int:
    dollars = (cents or 0) / 100
    return int(dollars) if dollars.is_integer() else dollars


def _origin(request: Request) -> str:
    """The address by which the buyer came: one shop is reached by several doors."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def _error(message: str, status: int) -> Response:
    return JSONResponse({"success": False, "error": message}, status_code=status)


async def _until_gone(request: Request) -> None:
    """Never answer. Ends when the client goes away, or the server is closed."""
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)
