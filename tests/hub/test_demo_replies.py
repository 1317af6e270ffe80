"""A phone of the demo's inbox answers an SMS as a real one would: signed, through the webhook, with an answer of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from config import Secret
from demo.inbox import Inbox
from demo.serve import Served, a_socket
from hub.app import create_app
from hub.context import DemoLinks
from hub.twilio_webhook import TwilioWebhook
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
    context = replace(
        light.context,
        policy=POLICY,
        demo=DemoLinks(shop=url, inbox=f"{url}/inbox.json"),
        twilio_webhook=TwilioWebhook(tokens=(Secret(TOKEN),), phones=PHONES),
    )
    received.keep("twilio", ANN, "CRITICAL: it fails. Reply ack 1 (inc-1)", {})
    received.keep("twilio", ANN, "Resolved: it fails (inc-0)", {})
    ours = "http://127.0.0.1:8600"
    with TestClient(create_app(context), base_url=ours, client=("127.0.0.1", 50000)) as client:
        hub = replace(light, client=client, context=context)
        tick(hub, quorum())
        page = client.get("/inbox").text
        assert page.count('action="/inbox/replies"') == 1, "only what asks for a reply"
        form = {"csrf": csrf_of(page), "phone": ANN, "text": "ack 1"}
        answer = client.post("/inbox/replies", data=form, follow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
        assert acked_by(hub) == "ann (SMS)"
        assert received.all()[-1].text.startswith("You have inc-1: F0 title")
        assert client.post("/inbox/replies", data={**form, "text": " "}).status_code == 422
        assert client.post("/inbox/replies", data={**form, "csrf": "x"}).status_code == 403
        assert len(received.all()) == 3
