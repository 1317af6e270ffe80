"""Payments as the hosted page sends them, and what the API then tells of them."""

from __future__ import annotations

import httpx
import pytest
import stripe

from tests.demo.stripe.stand import Stand, a_payment


def confirm(stand: Stand, session: stripe.checkout.Session, payment: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{stand.url}/v1/payment_pages/{session.id}/confirm", data=payment)


def paid(stand: Stand) -> stripe.checkout.Session:
    """A session that was paid."""
    session = stand.open_session()
    assert confirm(stand, session, a_payment()).status_code == 200
    return stand.client.v1.checkout.sessions.retrieve(session.id)


def test_a_test_card_completes_the_session(stand: Stand) -> None:
    session = paid(stand)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer_details is not None
    assert (session.customer_details.email, session.customer_details.name) == ("buyer@example.com", "Sam Buyer")


def test_the_buyer_is_sent_to_the_success_page_of_the_session(stand: Stand) -> None:
    session = stand.open_session()
    answer = confirm(stand, session, a_payment())
    assert answer.json()["redirect_url"] == f"https://shop.example/success?session_id={session.id}"


def test_a_payment_is_an_intent_a_charge_and_a_balance_transaction(stand: Stand) -> None:
    session = paid(stand)
    intent = stand.client.v1.payment_intents.retrieve(str(session.payment_intent), {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    charge = intent.latest_charge
    [booked] = stand.client.v1.balance_transactions.list({"type": "charge"}).data
    assert (intent.status, intent.amount_received, intent.to_dict()["metadata"]) == (
        "succeeded",
        100_000,
        {"city": "Dallas"},
    )
    assert (charge.status, charge.amount, charge.payment_intent) == ("succeeded", 100_000, intent.id)
    assert (booked.source, booked.amount, booked.fee, booked.net) == (charge.id, 100_000, 2_930, 97_070)
    assert stand.client.v1.balance.retrieve().pending[0].amount == 97_070


def test_charges_are_filtered_by_payment_intent(stand: Stand) -> None:
    first, second = paid(stand), paid(stand)
    [charge] = stand.client.v1.charges.list({"payment_intent": str(first.payment_intent)}).data
    assert charge.payment_intent == first.payment_intent != second.payment_intent


def test_no_card_number_is_kept(stand: Stand) -> None:
    paid(stand)
    [charge] = stand.account.charges()
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    assert "4242424242424242" not in str(charge)


@pytest.mark.parametrize(
    ("number", "code", "decline_code", "sentence"),
    [
        (
            "4000000000000002",
            "card_declined",
            "generic_decline",
            "Your credit card was declined. Try paying with a debit card instead.",
        ),
        ("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
        ("4000000000000069", "expired_card", "expired_card", "Your card has expired."),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    ],
)
def test_a_declined_card_leaves_a_failed_charge_and_an_open_session(
    stand: Stand, number: str, code: str, decline_code: str, sentence: str
) -> None:
    session = stand.open_session()
    answer = confirm(stand, session, a_payment(number))
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert (error["decline_code"], error["page_message"]) == (decline_code, sentence)
    [charge] = stand.client.v1.charges.list().data
    assert (charge.status, charge.paid, charge.failure_code, charge.id) == ("failed", False, code, error["charge"])
    assert stand.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert stand.client.v1.balance_transactions.list().data == []


@pytest.mark.parametrize(
    ("payment", "code", "part_of_message"),
    [
        (a_payment("4242424242424241"), "incorrect_number", "Your card number is invalid."),
        (a_payment("4111111111111111"), "card_declined", "test mode, but used a non test card"),
        (a_payment(exp_year="2020"), "invalid_expiry_year", "in the past"),
        (a_payment(cvc="12"), "invalid_cvc", "security code is invalid"),
    ],
)
def test_a_card_that_never_reaches_the_bank_leaves_no_charge(
    stand: Stand, payment: dict[str, str], code: str, part_of_message: str
) -> None:
    answer = confirm(stand, stand.open_session(), payment)
    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == code
    assert part_of_message in answer.json()["error"]["message"]
    assert stand.account.charges() == []


def test_a_second_card_pays_after_a_first_was_declined_on_the_same_intent(stand: Stand) -> None:
    session = stand.open_session()
    confirm(stand, session, a_payment("4000000000000002"))
    assert confirm(stand, session, a_payment()).status_code == 200
    [intent] = stand.client.v1.payment_intents.list().data
    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    assert [charge["status"] for charge in stand.account.charges()] == ["failed", "succeeded"]


def test_a_session_is_paid_once(stand: Stand) -> None:
    session = stand.open_session()
    confirm(stand, session, a_payment())
    assert confirm(stand, session, a_payment()).status_code == 400
    assert len(stand.account.charges()) == 1


def test_a_required_address_is_required_by_the_server_too(stand: Stand) -> None:
    payment = {key: value for key, value in a_payment().items() if "line1" not in key}
    answer = confirm(stand, stand.open_session(), payment)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "billing_details[address][line1]"


def test_a_live_session_takes_no_test_card(stand: Stand) -> None:
    stand.account.live = True
    answer = confirm(stand, stand.open_session(), a_payment())
    assert answer.json()["error"]["decline_code"] == "live_mode_test_card"
    assert stand.account.charges() == []


def test_the_fault_declined_card_declines_a_card_that_would_pay(stand: Stand) -> None:
    stand.faults.start("declined_card")
    assert confirm(stand, stand.open_session(), a_payment()).json()["error"]["decline_code"] == "generic_decline"


def test_the_fault_success_unpaid_sends_the_buyer_on_without_a_payment(stand: Stand) -> None:
    stand.faults.start("success_unpaid")
    session = stand.open_session()
    assert confirm(stand, session, a_payment()).json()["redirect_url"].endswith(session.id)
    [kept] = stand.account.sessions()
    assert (kept["status"], kept["payment_status"]) == ("open", "unpaid")
    assert stand.account.charges() == []


def test_a_refund_gives_everything_back(stand: Stand) -> None:
    intent = str(paid(stand).payment_intent)
    refund = stand.client.v1.refunds.create({"payment_intent": intent})
    [charge] = stand.account.charges()
    assert (refund.amount, refund.status, refund.charge) == (100_000, "succeeded", charge["id"])
    assert (charge["refunded"], charge["amount_refunded"]) == (True, 100_000)
    [booked] = stand.client.v1.balance_transactions.list({"type": "refund"}).data
    assert (booked.amount, booked.source) == (-100_000, refund.id)
    assert [row.id for row in stand.client.v1.refunds.list({"payment_intent": intent}).data] == [refund.id]
    assert stand.client.v1.refunds.retrieve(refund.id).to_dict() == refund.to_dict()


def test_a_partial_refund_leaves_the_rest(stand: Stand) -> None:
    intent = str(paid(stand).payment_intent)
    stand.client.v1.refunds.create({"payment_intent": intent, "amount": 30_000})
    with pytest.raises(
        stripe.InvalidRequestError, match=r"Refund amount \(\$700\.01\) is greater than unrefunded amount"
    ):
        stand.client.v1.refunds.create({"payment_intent": intent, "amount": 70_001})
    assert stand.client.v1.refunds.create({"payment_intent": intent}).amount == 70_000


def test_a_charge_is_not_refunded_twice(stand: Stand) -> None:
    intent = str(paid(stand).payment_intent)
    stand.client.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stand.client.v1.refunds.create({"payment_intent": intent})
    assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")
    assert len(stand.account.refunds()) == 1


def test_a_failed_charge_is_not_refunded(stand: Stand) -> None:
    confirm(stand, stand.open_session(), a_payment("4000000000000002"))
    [charge] = stand.account.charges()
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge to refund"):
        stand.client.v1.refunds.create({"charge": charge["id"]})


def test_an_expired_session_takes_no_payment(stand: Stand) -> None:
    session = stand.open_session()
    expired = stand.client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert confirm(stand, session, a_payment()).status_code == 400
    assert stand.account.charges() == []


def test_only_an_open_session_expires(stand: Stand) -> None:
    session = paid(stand)
    with pytest.raises(stripe.InvalidRequestError, match="has a status of complete"):
        stand.client.v1.checkout.sessions.expire(session.id)
    assert stand.account.sessions()[0]["status"] == "complete"


@pytest.mark.parametrize(("seconds", "status"), [(24 * 3600 - 2, "open"), (24 * 3600, "expired")])
def test_a_session_expires_by_itself_after_a_day(stand: Stand, seconds: int, status: str) -> None:
    session = stand.open_session()
    stand.clock.seconds += seconds
    assert stand.client.v1.checkout.sessions.retrieve(session.id).status == status
