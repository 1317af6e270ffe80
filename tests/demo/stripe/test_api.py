"""The API, driven by Stripe's own library."""

from __future__ import annotations

import base64

import httpx
import pytest
import stripe

from tests.demo.stripe.stand import KEY, READ_KEY, Stand, a_session


def test_a_session_opens_unpaid_with_its_amount_in_minor_units(stand: Stand) -> None:
    session = stand.open_session()
    assert (session.amount_total, session.currency, session.status, session.payment_status) == (
        100_000,
        "usd",
        "open",
        "unpaid",
    )
    assert session.id.startswith("cs_test_")
    assert session.livemode is False
    assert session.url == f"{stand.url}/c/pay/{session.id}"
    assert session.expires_at == session.created + 24 * 3600


def test_a_session_adds_up_what_it_sells(stand: Stand) -> None:
    assert stand.open_session(**a_session(amount=95_000, quantity=3)).amount_total == 285_000


def test_a_session_is_read_back_with_its_metadata(stand: Stand) -> None:
    opened = stand.open_session()
    read = stand.client.v1.checkout.sessions.retrieve(opened.id)
    assert read.to_dict() == opened.to_dict()
    assert read.to_dict()["metadata"] == {"ticketType": "GA"}


def test_line_items_are_listed_and_expanded(stand: Stand) -> None:
    session = stand.open_session()
    listed = stand.client.v1.checkout.sessions.line_items.list(session.id)
    expanded = stand.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert [item.description for item in listed.data] == ["6FB Workshop - GA Ticket"]
    assert expanded.line_items is not None
    assert [item.id for item in expanded.line_items.data] == [item.id for item in listed.data]


def test_what_cannot_be_expanded_is_refused(stand: Stand) -> None:
    stand.open_session()
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        stand.client.v1.checkout.sessions.list({"expand": ["data.nothing"]})


def test_a_live_account_opens_live_sessions(stand: Stand) -> None:
    stand.account.live = True
    session = stand.open_session()
    assert session.id.startswith("cs_live_")
    assert session.livemode is True


@pytest.mark.parametrize(
    ("change", "message", "param"),
    [
        ({"line_items": []}, "Missing required param: line_items.", "line_items"),
        ({"success_url": "/success"}, "Not a valid URL", "success_url"),
        ({"success_url": "javascript:alert(1)"}, "Not a valid URL", "success_url"),
        ({"cancel_url": "shop.example"}, "Not a valid URL", "cancel_url"),
        ({"customer_email": "bad"}, "Invalid email address: bad", "customer_email"),
        ({"customer": "cus_x"}, "No such customer: 'cus_x'", "customer"),
        ({"mode": "subscription"}, "Invalid mode: must be one of payment", "mode"),
        ({"sucess_url": "https://x.example"}, "Received unknown parameter: sucess_url", "sucess_url"),
        (
            {"metadata": {"note": "x" * 501}},
            "Metadata values can have up to 500 characters, but you passed 501.",
            "metadata[note]",
        ),
        ({"line_items": [{"quantity": 1, "price": "price_x"}]}, "No such price: 'price_x'", "line_items[0][price]"),
    ],
)
def test_what_stripe_refuses_is_refused_with_the_parameter_named(
    stand: Stand, change: dict[str, object], message: str, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stand.open_session(**change)
    assert (refused.value.http_status, refused.value.user_message, refused.value.param) == (400, message, param)
    assert stand.account.sessions() == []


@pytest.mark.parametrize("amount", [0, 49])
def test_less_than_fifty_cents_is_too_little(stand: Stand, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stand.open_session(**a_session(amount=amount))
    assert refused.value.code == "amount_too_small"


@pytest.mark.parametrize("quantity", [0, -1, "two"])
def test_a_quantity_has_to_be_a_positive_whole_number(stand: Stand, quantity: object) -> None:
    items = [{**a_session()["line_items"][0], "quantity": quantity}]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stand.open_session(line_items=items)
    assert refused.value.param == "line_items[0][quantity]"


@pytest.mark.parametrize(
    ("noun", "row_id"),
    [
        ("checkout.session", "cs_test_x"),
        ("payment_intent", "pi_x"),
        ("charge", "ch_x"),
        ("refund", "re_x"),
        ("event", "evt_x"),
    ],
)
def test_an_unknown_id_is_missing(stand: Stand, noun: str, row_id: str) -> None:
    path = {"checkout.session": "checkout/sessions"}.get(noun, f"{noun}s")
    answer = httpx.get(f"{stand.url}/v1/{path}/{row_id}", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "resource_missing"
    assert answer.json()["error"]["message"] == f"No such {noun}: '{row_id}'"


def test_a_wrong_key_is_refused_and_shown_masked(stand: Stand) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        stand.client_with("sk_test_abcdefghijklmnop9999").v1.balance.retrieve()
    assert refused.value.http_status == 401
    assert refused.value.user_message == f"Invalid API Key provided: sk_test_{'*' * 16}9999"


@pytest.mark.parametrize("header", [None, "Basic Og==", "Basic !!!", "Digest abc"])
def test_no_key_is_refused(stand: Stand, header: str | None) -> None:
    answer = httpx.get(f"{stand.url}/v1/balance", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert "You did not provide an API key" in answer.json()["error"]["message"]


def test_the_key_is_also_taken_as_the_user_of_basic_authentication(stand: Stand) -> None:
    credentials = base64.b64encode(f"{KEY}:".encode()).decode()
    answer = httpx.get(f"{stand.url}/v1/balance", headers={"Authorization": f"Basic {credentials}"})
    assert answer.status_code == 200


def test_a_restricted_key_reads(stand: Stand) -> None:
    session = stand.open_session()
    assert stand.client_with(READ_KEY).v1.checkout.sessions.retrieve(session.id).id == session.id


def test_a_restricted_key_does_not_write(stand: Stand) -> None:
    session = stand.open_session()
    reader = stand.client_with(READ_KEY)
    with pytest.raises(stripe.PermissionError) as refused:
        reader.v1.checkout.sessions.expire(session.id)
    assert refused.value.http_status == 403
    assert stand.account.sessions()[0]["status"] == "open"


def test_the_same_idempotency_key_opens_one_session(stand: Stand) -> None:
    first = stand.client.v1.checkout.sessions.create(a_session(), {"idempotency_key": "order-1"})  # type: ignore[arg-type]
    again = stand.client.v1.checkout.sessions.create(a_session(), {"idempotency_key": "order-1"})  # type: ignore[arg-type]
    assert again.to_dict() == first.to_dict()
    assert len(stand.account.sessions()) == 1


def test_an_idempotency_key_is_for_one_request_only(stand: Stand) -> None:
    stand.client.v1.checkout.sessions.create(a_session(), {"idempotency_key": "order-1"})  # type: ignore[arg-type]
    with pytest.raises(stripe.IdempotencyError):
        stand.client.v1.checkout.sessions.create(a_session(quantity=2), {"idempotency_key": "order-1"})  # type: ignore[arg-type]
    assert len(stand.account.sessions()) == 1


def test_a_failure_of_stripes_own_is_given_again_for_its_key_after_it_is_mended(stand: Stand) -> None:
    stand.faults.start("payment_500")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as broken:
            stand.client.v1.checkout.sessions.create(a_session(), {"idempotency_key": "order-1"})  # type: ignore[arg-type]
        stand.faults.clear()
    assert broken.value.http_status == 500
    stand.client.v1.checkout.sessions.create(a_session(), {"idempotency_key": "order-2"})  # type: ignore[arg-type]
    assert len(stand.account.sessions()) == 1


def test_a_refusal_is_not_kept_for_its_key(stand: Stand) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        stand.client.v1.refunds.create({"charge": "ch_none"}, {"idempotency_key": "refund-1"})
    session = stand.client.v1.checkout.sessions.create(a_session(), {"idempotency_key": "refund-1"})  # type: ignore[arg-type]
    assert session.status == "open"


def test_calls_over_the_limit_of_a_second_get_429_and_do_nothing(stand: Stand) -> None:
    stand.account.calls_a_second = 2
    stand.open_session()
    stand.open_session()
    with pytest.raises(stripe.RateLimitError) as limited:
        stand.open_session()
    assert (limited.value.http_status, limited.value.json_body["error"]["code"]) == (429, "rate_limit")  # type: ignore[index]
    assert len(stand.account.sessions()) == 2
    stand.clock.seconds += 1
    stand.open_session()
    assert len(stand.account.sessions()) == 3


def test_the_fault_payment_500_opens_no_session_until_it_is_mended(stand: Stand) -> None:
    stand.faults.start("payment_500")
    with pytest.raises(stripe.APIError) as broken:
        stand.open_session()
    assert broken.value.http_status == 500
    stand.faults.stop("payment_500")
    stand.open_session()
    assert len(stand.account.sessions()) == 1


def test_every_answer_carries_a_request_id(stand: Stand) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stand.client.v1.charges.retrieve("ch_x")
    assert (refused.value.request_id or "").startswith("req_")
    answer = stand.open_session().last_response
    assert answer is not None
    assert (answer.request_id or "").startswith("req_")


def test_an_unknown_path_is_told_as_stripe_tells_it(stand: Stand) -> None:
    answer = httpx.get(f"{stand.url}/v1/nothing", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Unrecognized request URL (GET: /v1/nothing)."


def test_a_key_that_is_both_a_value_and_a_group_is_refused(stand: Stand) -> None:
    body = "metadata=x&metadata[a]=y"
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(f"{stand.url}/v1/checkout/sessions", content=body, headers=headers).status_code == 400
