"""A phone of the demo's inbox answers an SMS as a real one would: signed, through the webhook, with an answer of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from config import Secret
from demo.hub_pages import DemoPages, signature
from demo.inbox import Inbox
from demo.serve import Served, a_socket
from hub.app import create_app
from hub.twilio_webhook import TwilioWebhook, signature_of, webhook_address
from tests.hub.conftest import Bench, csrf_of
from tests.hub.test_inbound_webhooks import ANN, PHONES, POLICY, TOKEN, acked_by, quorum, tick


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    """The demo's receivers, and their address."""
    made = Inbox()
    receivers = Served(made.app(), [a_socket()])
    receivers.start()
    yield made, receivers.urls[0]
    receivers.stop()


def test_a_reply_in_the_inbox_acknowledges_and_its_answer_arrives_there(light: Bench, inbox: tuple[Inbox, str]) -> None:
    received, url = inbox
    socket = a_socket()
    ours = f"http://127.0.0.1:{socket.getsockname()[1]}"
    pages = DemoPages(shop=url, inbox=f"{url}/inbox.json")
    pages.answer_sms(webhook_address(ours), Secret(TOKEN))
    context = replace(
        light.context,
        policy=replace(POLICY, base_url=ours),
        additions=(pages,),
        twilio_webhook=TwilioWebhook(tokens=(Secret(TOKEN),), phones=PHONES),
    )
    received.keep("twilio", ANN, "CRITICAL: it fails. Reply ack 1 (inc-1)", {})
    received.keep("twilio", ANN, "Resolved: it fails (inc-0)", {})
    hub = Served(create_app(context), [socket])
    hub.start()
    try:
        tick(light, quorum())
        page = httpx.get(f"{ours}/inbox").text
        assert page.count('action="/inbox/replies"') == 1, "only what asks for a reply"
        form = {"csrf": csrf_of(page), "phone": ANN, "text": "ack 1"}
        answer = httpx.post(f"{ours}/inbox/replies", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
        assert acked_by(light) == "ann (SMS)"
        assert received.all()[-1].text.startswith("You have inc-1: F0 title")
        assert httpx.post(f"{ours}/inbox/replies", data={**form, "text": " "}).status_code == 422
        assert httpx.post(f"{ours}/inbox/replies", data={**form, "csrf": "x"}).status_code == 403
        assert len(received.all()) == 3
    finally:
        hub.stop()


def test_the_demo_signs_as_the_hub_verifies() -> None:
    form = {"From": ANN, "Body": "ack", "MessageSid": "SM1"}
    assert signature(Secret(TOKEN), "https://x.test", form) == signature_of(
        Secret(TOKEN), "https://x.test", list(form.items())
    )
