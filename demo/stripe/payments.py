"""Taking a payment for a session: payment intent, charge, balance transaction, and the events that tell of them.

Shapes: https://docs.stripe.com/api/payment_intents, /api/charges, /api/balance_transactions
"""

from __future__ import annotations

from dataclasses import dataclass

from demo.stripe.account import StripeAccount
from demo.stripe.cards import GENERIC, Card, Refusal, judge
from demo.stripe.errors import StripeError
from demo.stripe.money import fee
from demo.stripe.objects import Object, new_id
from demo.stripe.sessions import buyer_details

CARD_ERROR = "card_error"


@dataclass(frozen=True)
class Buyer:
    """What the buyer typed beside the card; empty texts where the page did not ask."""

    email: str
    name: str
    phone: str
    country: str
    postal_code: str
    line1: str
    line2: str
    city: str
    state: str

    def address(self) -> Object:
        """An address object of the API; null where nothing was typed."""
        fields = ("city", "country", "line1", "line2", "postal_code", "state")
        return {field: getattr(self, field) or None for field in fields}


def pay(account: StripeAccount, session: Object, card: Card, buyer: Buyer, *, decline_all: bool = False) -> Object:
    """Complete the session with the card; gives the completed session.

    Raises:
        StripeError: 402, the card was refused; if the bank was asked there is a failed charge, and the session stays open.
    """
    refusal = judge(card, live=session["livemode"], now=account.now)
    if refusal is None and decline_all:
        refusal = GENERIC
    with account.tables.lock:
        if refusal is not None:
            raise _refuse(account, session, card, buyer, refusal)
        return _take(account, session, card, buyer)


def _take(account: StripeAccount, session: Object, card: Card, buyer: Buyer) -> Object:
    tables = account.tables
    intent = _intent(account, session)
    charge = tables.add(_charge(account, session, intent, card, buyer))
    charge = tables.change(
        charge, balance_transaction=book(account, charge, "charge", charge["amount"], fee(charge["amount"]))["id"]
    )
    intent = tables.change(
        intent,
        status="succeeded",
        amount_received=charge["amount"],
        latest_charge=charge["id"],
        last_payment_error=None,
    )
    details = buyer_details(buyer.email, buyer.name, buyer.phone or None, buyer.address())
    session = tables.change(
        session,
        status="complete",
        payment_status="paid",
        payment_intent=intent["id"],
        customer_details=details,
        url=None,
    )
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", intent)
    account.emit("checkout.session.completed", session)
    return session


def _refuse(account: StripeAccount, session: Object, card: Card, buyer: Buyer, refusal: Refusal) -> StripeError:
    charge_id = _fail(account, session, card, buyer, refusal) if refusal.attempted else None
    return StripeError(
        402,
        refusal.message,
        kind=CARD_ERROR,
        code=refusal.code,
        decline_code=refusal.decline_code,
        charge=charge_id,
        page_message=refusal.on_page,
    )


def _fail(account: StripeAccount, session: Object, card: Card, buyer: Buyer, refusal: Refusal) -> str:
    intent = _intent(account, session)
    charge = account.tables.add({**_charge(account, session, intent, card, buyer), **_failure(refusal)})
    error = {"type": CARD_ERROR, "code": refusal.code, "decline_code": refusal.decline_code, "message": refusal.message}
    intent = account.tables.change(
        intent, latest_charge=charge["id"], last_payment_error={**error, "charge": charge["id"]}
    )
    account.tables.change(session, payment_intent=intent["id"])
    account.emit("charge.failed", charge)
    account.emit("payment_intent.payment_failed", intent)
    return str(charge["id"])


def _failure(refusal: Refusal) -> Object:
    return {
        "status": "failed",
        "paid": False,
        "captured": False,
        "amount_captured": 0,
        "failure_code": refusal.code,
        "failure_message": refusal.message,
        "receipt_url": None,
        "outcome": {
            "network_status": "declined_by_network",
            "reason": refusal.decline_code,
            "risk_level": "normal",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        },
    }


def _intent(account: StripeAccount, session: Object) -> Object:
    """The session's payment intent; the first attempt makes it, as with Stripe."""
    known = account.tables.find("payment_intent", session["payment_intent"] or "")
    return known or account.tables.add(_new_intent(account, session))


def _new_intent(account: StripeAccount, session: Object) -> Object:
    intent_id = new_id("pi_3")
    order = account.order(session["id"])
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_received": 0,
        "canceled_at": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{new_id('', 24)}",
        "created": account.now,
        "currency": session["currency"],
        "customer": None,
        "description": order.description,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": session["livemode"],
        "metadata": order.metadata,
        "payment_method_types": session["payment_method_types"],
        "receipt_email": None,
        "status": "requires_payment_method",
    }


def _charge(account: StripeAccount, session: Object, intent: Object, card: Card, buyer: Buyer) -> Object:
    """A charge that went through; a failed one differs in `_failure`."""
    return {
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": session["amount_total"],
        "amount_captured": session["amount_total"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {
            "address": buyer.address(),
            "email": buyer.email,
            "name": buyer.name,
            "phone": buyer.phone or None,
            "tax_id": None,
        },
        "captured": True,
        "created": account.now,
        "currency": session["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": session["livemode"],
        "metadata": intent["metadata"],
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm_1"),
        "payment_method_details": {"type": "card", "card": _card_details(card, buyer)},
        "receipt_email": None,
        "refunded": False,
        "status": "succeeded",
    }


def _card_details(card: Card, buyer: Buyer) -> Object:
    """The part of a card that may be kept: never the number, never the security code."""
    return {
        "brand": card.brand,
        "country": "US",
        "exp_month": card.month,
        "exp_year": card.year,
        "funding": "credit",
        "last4": card.last4,
        "checks": {
            "address_line1_check": "pass" if buyer.line1 else None,
            "address_postal_code_check": "pass" if buyer.postal_code else None,
            "cvc_check": "pass",
        },
    }


def book(account: StripeAccount, source: Object, kind: str, amount: int, cost: int = 0) -> Object:
    """Record what a charge or refund does to the balance: signed amount and fee, in minor units."""
    return account.tables.add(
        {
            "id": new_id("txn_3"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": account.now + 2 * 86_400,
            "created": account.now,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": cost,
            "fee_details": [{"amount": cost, "currency": source["currency"], "type": "stripe_fee"}] if cost else [],
            "net": amount - cost,
            "reporting_category": kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
    )
