"""Webhooks, as a shop receives and checks them."""

from __future__ import annotations

import json
import threading

import httpx
import pytest
import stripe
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.faults import Faults
from demo.stripe import StripeAccount, StripeSettings, create_stripe
from tests.demo.stripe.stand import KEY, WEBHOOK_SECRET, Shop, Stand, a_payment, eventually, served


def pay(stand: Stand, number: str = "4242424242424242") -> str:
    """The id of a session after an attempt to pay it."""
    session = stand.open_session()
    httpx.post(f"{stand.url}/v1/payment_pages/{session.id}/confirm", data=a_payment(number))
    return session.id


def types(shop: Shop) -> set[str]:
    return {json.loads(body)["type"] for body, _signature in shop.received}


def test_a_payment_is_told_in_three_signed_events(stand: Stand, shop: Shop) -> None:
    session_id = pay(stand)
    eventually(lambda: len(shop.received) == 3)
    events = [stripe.Webhook.construct_event(body, header, WEBHOOK_SECRET) for body, header in shop.received]
    told = {event.type: event.data.object for event in events}
    assert set(told) == {"checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"}
    assert told["checkout.session.completed"]["id"] == session_id
    assert told["checkout.session.completed"]["payment_status"] == "paid"


def test_the_completed_session_has_been_told_before_the_buyer_is_sent_on(stand: Stand, shop: Shop) -> None:
    pay(stand)
    assert "checkout.session.completed" in types(shop)


def test_another_secret_does_not_verify(stand: Stand, shop: Shop) -> None:
    pay(stand)
    body, header = shop.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other")


def test_a_decline_is_told(stand: Stand, shop: Shop) -> None:
    pay(stand, "4000000000000002")
    eventually(lambda: types(shop) == {"charge.failed", "payment_intent.payment_failed"})


def test_an_expiry_is_told(stand: Stand, shop: Shop) -> None:
    stand.client.v1.checkout.sessions.expire(stand.open_session().id)
    eventually(lambda: types(shop) == {"checkout.session.expired"})


def test_delivered_events_have_no_pending_webhooks(stand: Stand, shop: Shop) -> None:
    pay(stand)
    eventually(lambda: all(event["pending_webhooks"] == 0 for event in stand.account.events()))
    assert len(stand.client.v1.events.list({"delivery_success": True}).data) == 3
    assert stand.client.v1.events.list({"delivery_success": False}).data == []


def test_refused_events_stay_pending_and_are_found_by_delivery_success(stand: Stand, shop: Shop) -> None:
    shop.status = 500
    pay(stand)
    eventually(lambda: len(shop.received) == 3)
    failed = stand.client.v1.events.list({"delivery_success": False}).data
    assert [event.pending_webhooks for event in failed] == [1, 1, 1]
    assert stand.client.v1.events.list({"delivery_success": True}).data == []


def test_a_shop_that_is_not_there_does_not_stop_the_payment(stand: Stand) -> None:
    stand.account.webhook_url = "http://127.0.0.1:9/hook"
    session_id = pay(stand)
    assert stand.client.v1.checkout.sessions.retrieve(session_id).payment_status == "paid"
    assert len(stand.client.v1.events.list({"delivery_success": False}).data) == 3


def test_a_shop_that_never_answers_does_not_keep_the_buyer() -> None:
    answer_now = threading.Event()

    async def silent(_request: Request) -> Response:
        await run_in_threadpool(answer_now.wait, 30)
        return Response()

    account = StripeAccount(StripeSettings(KEY, WEBHOOK_SECRET))
    shop = Starlette(routes=[Route("/", silent, methods=["POST"])])
    with served(shop) as shop_url, served(create_stripe(account, Faults(), patience=0.1)) as url:
        account.webhook_url = shop_url
        stand = Stand(account, Faults(), url=url)
        try:
            pay(stand)
            [told] = stand.client.v1.events.list({"type": "checkout.session.completed"}).data
            assert told.pending_webhooks == 1
        finally:
            answer_now.set()


def test_without_a_webhook_nothing_is_pending(stand: Stand) -> None:
    pay(stand)
    assert [event["pending_webhooks"] for event in stand.account.events()] == [0, 0, 0]


def test_events_are_filtered_by_type_by_types_and_by_pattern(stand: Stand) -> None:
    pay(stand)
    events = stand.client.v1.events
    assert [event.type for event in events.list({"type": "charge.succeeded"}).data] == ["charge.succeeded"]
    assert [event.type for event in events.list({"type": "payment_intent.*"}).data] == ["payment_intent.succeeded"]
    chosen = events.list({"types": ["charge.succeeded", "checkout.session.completed"]}).data
    assert {event.type for event in chosen} == {"charge.succeeded", "checkout.session.completed"}
    assert events.retrieve(chosen[0].id).type == chosen[0].type


def test_type_and_types_exclude_each_other(stand: Stand) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="only specify one of these parameters"):
        stand.client.v1.events.list({"type": "charge.failed", "types": ["charge.failed"]})


def test_a_refund_is_told_with_the_reduced_charge(stand: Stand, shop: Shop) -> None:
    pay(stand)
    stand.client.v1.refunds.create({"charge": stand.account.charges()[0]["id"], "amount": 30_000})
    [event] = stand.client.v1.events.list({"type": "charge.refunded"}).data
    assert event.data.object["amount_refunded"] == 30_000
    eventually(lambda: "charge.refunded" in types(shop))
