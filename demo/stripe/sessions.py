"""Checkout sessions: opened by the shop, then completed by a payment, expired by the shop, or expired after a day.

Shapes and rules: https://docs.stripe.com/api/checkout/sessions
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from demo.stripe.account import Order, StripeAccount
from demo.stripe.errors import StripeError, invalid, missing, no_such
from demo.stripe.money import shown
from demo.stripe.objects import Object, new_id
from demo.stripe.params import Params

KIND = "checkout.session"
LIFETIME = 24 * 3600
"""Seconds that a session stays open unless `expires_at` says otherwise."""

SHORTEST = 30 * 60
MINIMUM_USD = 50
"""The smallest amount Stripe takes, in cents (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""

_PARAMS = """
    adaptive_pricing after_expiration allow_promotion_codes automatic_tax billing_address_collection
    branding_settings cancel_url client_reference_id consent_collection currency custom_fields custom_text customer
    customer_creation customer_email customer_update discounts excluded_payment_method_types expand expires_at
    invoice_creation line_items locale metadata mode name_collection optional_items origin_context payment_intent_data
    payment_method_collection payment_method_configuration payment_method_data payment_method_options
    payment_method_types permissions phone_number_collection redirect_on_completion return_url
    saved_payment_method_options setup_intent_data shipping_address_collection shipping_options submit_type
    subscription_data success_url tax_id_collection ui_mode wallet_options
"""
KNOWN_PARAMS = frozenset(_PARAMS.split())
"""What Stripe knows; the stand-in acts on those it needs and accepts the others."""

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def create_session(account: StripeAccount, params: Params, base_url: str) -> Object:
    """Open a session. Raises StripeError 400 for parameters that Stripe would refuse."""
    params.allow(KNOWN_PARAMS)
    params.choice("mode", ("payment",))
    _refuse_customer(params)
    items = _items(account, params)
    session = _session(account, params, items, base_url)
    _require_minimum(session)
    account.keep_order(session["id"], _order(items, params.group("payment_intent_data")))
    return account.tables.add(session)


def _session(account: StripeAccount, params: Params, items: list[Object], base_url: str) -> Object:
    session_id = new_id("cs_live_a1" if account.live else "cs_test_a1", 56)
    total = sum(item["amount_total"] for item in items)
    return {
        "id": session_id,
        "object": KIND,
        "amount_subtotal": total,
        "amount_total": total,
        "created": account.now,
        "currency": items[0]["currency"],
        "customer": None,
        "expires_at": _expires_at(account, params),
        "livemode": account.live,
        "metadata": params.metadata(),
        "mode": "payment",
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "ui_mode": "hosted_page",
        "url": f"{base_url}/c/pay/{session_id}",
        **_addresses(params),
        **_collected(params),
        **_constants(),
    }


def _order(items: list[Object], payment: Params) -> Order:
    return Order(tuple(items), payment.optional("description"), payment.metadata())


def _addresses(params: Params) -> Object:
    return {
        "success_url": _url(params, params.text("success_url"), "success_url"),
        "cancel_url": _url(params, params.optional("cancel_url"), "cancel_url"),
    }


def _collected(params: Params) -> Object:
    """What the page asks for, and what is known of the buyer before it does."""
    email = _email(params)
    return {
        "billing_address_collection": params.choice("billing_address_collection", ("auto", "required"), "auto"),
        "client_reference_id": params.optional("client_reference_id"),
        "customer_details": buyer_details(email) if email else None,
        "customer_email": email,
        "payment_method_types": params.words("payment_method_types") or ["card"],
        "phone_number_collection": {"enabled": params.group("phone_number_collection").flag("enabled")},
        "submit_type": params.choice("submit_type", ("auto", "book", "donate", "pay", "subscribe"), "auto"),
    }


def _constants() -> Object:
    """Fields of the real object that never differ here."""
    return {
        "allow_promotion_codes": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "customer_creation": "if_required",
        "invoice": None,
        "locale": None,
        "payment_link": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }


def buyer_details(
    email: str | None, name: str | None = None, phone: str | None = None, address: Object | None = None
) -> Object:
    """A session's `customer_details`."""
    return {"address": address, "email": email, "name": name, "phone": phone, "tax_exempt": "none", "tax_ids": None}


def _items(account: StripeAccount, params: Params) -> list[Object]:
    groups = params.groups("line_items")
    if not groups:
        raise missing("line_items")
    items = [_item(account, group) for group in groups]
    if len({item["currency"] for item in items}) > 1:
        raise invalid("line_items", "All line items must use the same currency.")
    return items


def _item(account: StripeAccount, params: Params) -> Object:
    params.allow(
        ("price", "price_data", "quantity", "adjustable_quantity", "dynamic_tax_rates", "tax_rates", "metadata")
    )
    if "price" in params:
        raise no_such("price", params.text("price"), param=params.name("price"))
    price = _price(account, params.group("price_data"), params.name("price_data"))
    quantity = params.integer("quantity", low=1, high=999_999)
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li_1"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price.pop("product_name"),
        "price": price,
        "quantity": quantity,
    }


def _price(account: StripeAccount, params: Params, name: str) -> Object:
    if not params.tree:
        raise missing(name)
    params.allow(
        ("currency", "product", "product_data", "recurring", "tax_behavior", "unit_amount", "unit_amount_decimal")
    )
    product = params.group("product_data")
    amount = params.integer("unit_amount", low=0)
    return {
        "id": new_id("price_1"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": account.now,
        "currency": _currency(params),
        "livemode": account.live,
        "metadata": {},
        "product": new_id("prod_", 14),
        "product_name": product.text("name"),
        "recurring": None,
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _currency(params: Params) -> str:
    value = params.text("currency").lower()
    if not re.fullmatch("[a-z]{3}", value):
        raise invalid(params.name("currency"), f"Invalid currency: {value}.")
    return value


def _refuse_customer(params: Params) -> None:
    """The stand-in keeps no customers, so naming one is an error."""
    if "customer" in params:
        raise no_such("customer", params.text("customer"), param="customer")


def _url(params: Params, value: str | None, key: str) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid(params.name(key), "Not a valid URL", "url_invalid")
    return value


def _email(params: Params) -> str | None:
    email = params.optional("customer_email")
    if email and not _EMAIL.match(email):
        raise invalid("customer_email", f"Invalid email address: {email}", "email_invalid")
    return email


def _expires_at(account: StripeAccount, params: Params) -> int:
    if "expires_at" not in params:
        return account.now + LIFETIME
    moment = params.integer("expires_at", low=0, high=99_999_999_999)
    if not SHORTEST <= moment - account.now <= LIFETIME:
        raise invalid(
            "expires_at",
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
        )
    return moment


def _require_minimum(session: Object) -> None:
    if session["currency"] == "usd" and session["amount_total"] < MINIMUM_USD:
        least = shown(MINIMUM_USD, "usd")
        message = f"The Checkout Session's total amount due must add up to at least {least} usd"
        raise StripeError(400, message, code="amount_too_small")


def expire_session(account: StripeAccount, session: Object) -> Object:
    """Close an open session. Raises StripeError 400 for one that is complete or expired."""
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired.'
            f" This Checkout Session has a status of {session['status']}."
        )
        raise StripeError(400, message)
    expired = account.tables.change(session, status="expired", url=None)
    account.emit("checkout.session.expired", expired)
    return expired


def expire_overdue(account: StripeAccount) -> None:
    """Close every open session whose time is over. Called before anything is answered, so nobody sees one open too long."""
    for session in account.tables.rows(KIND):
        if session["status"] == "open" and session["expires_at"] <= account.now:
            expire_session(account, session)


def success_url(session: Object) -> str:
    """Where the browser goes after paying (https://docs.stripe.com/payments/checkout/custom-success-page)."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
