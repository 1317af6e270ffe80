"""The demo's receivers take what our channels send, and refuse what the real services would."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from alerts.channels import Resources
from demo.inbox import Inbox
from facts import NotificationKind
from tests.alerts.channel_case import a_message

PATHS = {
    "slack": "/slack/ops",
    "webhook": "/webhook/ops",
    "teams": "/teams/ops",
    "pagerduty": "/pagerduty",
    "twilio": "/twilio",
    "telegram": "/telegram",
}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def client(inbox: Inbox) -> Iterator[TestClient]:
    with TestClient(inbox.app(), base_url="http://inbox.test") as opened:
        yield opened


@pytest.mark.parametrize("kind", sorted(PATHS))
def test_it_takes_the_messages_of_a_channel(kind: str, inbox: Inbox, client: TestClient) -> None:
    case = importlib.import_module(f"tests.alerts.test_channel_{kind}").CASE
    through: Any = client
    channel = case.channel(Resources(client=through, environment=case.at(f"http://inbox.test{PATHS[kind]}")))
    for number, one in enumerate(NotificationKind):
        receipt = channel.send(a_message(kind=one), dedup_key=f"inc-1.{number}")
        assert (receipt.ok, receipt.note) == (True, None), receipt
    kept = client.get("/inbox.json").json()
    assert [entry["receiver"] for entry in kept] == [kind] * 4
    assert "GA purchase fails" in kept[0]["text"]


def test_pagerdutys_alerts_are_told_apart_by_their_key_and_show_no_integration_key(
    inbox: Inbox, client: TestClient
) -> None:
    key = "a" * 32
    event = {"routing_key": key, "event_action": "resolve", "dedup_key": "inc-7"}
    assert client.post("/pagerduty/v2/enqueue", json=event).status_code == 202
    (kept,) = inbox.all()
    assert kept.channel == "inc-7"
    assert key not in str(kept)


@pytest.mark.parametrize(
    ("path", "how", "status"),
    [
        ("/slack/ops", {"json": {}}, 400),
        ("/webhook/ops", {"json": [1]}, 400),
        ("/teams/ops", {"json": {"text": "x"}}, 400),
        ("/pagerduty/v2/enqueue", {"json": {"routing_key": "short", "event_action": "trigger"}}, 400),
        ("/pagerduty/v2/enqueue", {"json": {"routing_key": "a" * 32, "event_action": "page"}}, 400),
        ("/pagerduty/v2/enqueue", {"content": b"x"}, 400),
        ("/twilio/2010-04-01/Accounts/AC1/Messages.json", {"data": {"To": "+15551234567"}}, 401),
        ("/telegram/bot1:x/sendMessage", {"json": {"chat_id": 1}}, 400),
        ("/telegram/1:x/sendMessage", {"json": {"chat_id": 1, "text": "x"}}, 404),
    ],
)
def test_it_refuses_what_is_no_message(client: TestClient, path: str, how: dict[str, Any], status: int) -> None:
    assert client.post(path, **how).status_code == status
    assert client.get("/inbox.json").json() == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "+1555-ENG-LEAD", "From": "+15551234567", "Body": "x"}, 21211),
        ({"To": "+15551234567", "Body": "x"}, 21603),
        ({"To": "+15551234567", "From": "+15551234567"}, 21602),
    ],
)
def test_twilio_says_what_is_wrong_by_its_codes(client: TestClient, form: dict[str, str], code: int) -> None:
    login = httpx.BasicAuth("AC1", "token")._auth_header
    path = "/twilio/2010-04-01/Accounts/AC1/Messages.json"
    answer = client.post(path, data=form, headers={"Authorization": login})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
