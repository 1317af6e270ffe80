"""Giving money back, whole or in part: https://docs.stripe.com/api/refunds"""

from __future__ import annotations

from demo.stripe.account import StripeAccount
from demo.stripe.errors import StripeError, invalid, no_such
from demo.stripe.money import shown
from demo.stripe.objects import Object, new_id
from demo.stripe.params import Params
from demo.stripe.payments import book

_PARAMS = """
    amount charge currency customer expand instructions_email metadata origin payment_intent reason
    refund_application_fee reverse_transfer
"""
KNOWN_PARAMS = frozenset(_PARAMS.split())
REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create_refund(account: StripeAccount, params: Params) -> Object:
    """Refund a charge, named by itself or by its payment intent; all that is left of it unless `amount` says less.

    Raises:
        StripeError: 400, there is no such payment, it did not succeed, or less than that is left of it.
    """
    params.allow(KNOWN_PARAMS)
    charge = _charge(account, params)
    left = _left(charge)
    amount = params.integer("amount", low=1, default=left)
    if amount > left:
        asked, rest = shown(amount, charge["currency"]), shown(left, charge["currency"])
        raise invalid("amount", f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})")
    reason = params.choice("reason", REASONS) if "reason" in params else None
    return _refund(account, charge, amount, reason, params.metadata())


def _charge(account: StripeAccount, params: Params) -> Object:
    if "charge" in params:
        charge_id = params.text("charge")
        charge = account.tables.find("charge", charge_id)
        if charge is None:
            raise no_such("charge", charge_id, param="charge")
        return charge
    if "payment_intent" in params:
        return _charge_of_intent(account, params.text("payment_intent"))
    raise StripeError(400, "One of the following params should be provided for this request: payment_intent or charge.")


def _charge_of_intent(account: StripeAccount, intent_id: str) -> Object:
    intent = account.tables.find("payment_intent", intent_id)
    if intent is None:
        raise no_such("payment_intent", intent_id, param="payment_intent")
    charge = account.tables.find("charge", intent["latest_charge"] or "")
    if charge is None:
        raise _not_paid(f"This PaymentIntent ({intent_id})")
    return charge


def _left(charge: Object) -> int:
    """What can still be refunded, in minor units; never 0."""
    if charge["status"] != "succeeded":
        raise _not_paid(f"Charge {charge['id']}")
    if charge["refunded"]:
        raise StripeError(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    return int(charge["amount"] - charge["amount_refunded"])


def _not_paid(subject: str) -> StripeError:
    return StripeError(400, f"{subject} does not have a successful charge to refund.")


def _refund(
    account: StripeAccount, charge: Object, amount: int, reason: str | None, metadata: dict[str, str]
) -> Object:
    refund = {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": account.now,
        "currency": charge["currency"],
        "destination_details": {"type": "card"},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "status": "succeeded",
    }
    with account.tables.lock:
        account.tables.add(refund)
        refund = account.tables.change(refund, balance_transaction=book(account, refund, "refund", -amount)["id"])
        account.emit("charge.refunded", _reduced(account, charge, amount))
        account.emit("refund.created", refund)
    return refund


def _reduced(account: StripeAccount, charge: Object, amount: int) -> Object:
    refunded = charge["amount_refunded"] + amount
    return account.tables.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])
