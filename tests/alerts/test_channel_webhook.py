"""The plain webhook; the shape of its JSON is checked against docs/alerts.md in tests/test_docs.py."""

from __future__ import annotations

import json

import httpx

from alerts.channels import Resources
from tests.alerts.channel_case import Case, a_message

CASE = Case(
    settings={"kind": "webhook", "url_from": "ALERT_WEBHOOK"},
    environment={"ALERT_WEBHOOK": "{url}"},
    text_of=lambda request: json.dumps(json.loads(request.content), ensure_ascii=False),
)


def test_a_receiver_can_tell_another_try_of_one_message_from_another_message() -> None:
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(500)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://hook.test/x")))
    for key in ("inc-1.1.firing.webhook", "inc-1.1.firing.webhook", "inc-1.2.resolved.webhook"):
        channel.send(a_message(), dedup_key=key)
    assert [request.headers["Idempotency-Key"] for request in got] == [
        "inc-1.1.firing.webhook",
        "inc-1.1.firing.webhook",
        "inc-1.2.resolved.webhook",
    ]
    assert {json.loads(request.content)["dedup_key"] for request in got} == {"inc-1"}
