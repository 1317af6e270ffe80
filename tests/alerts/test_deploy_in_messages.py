"""Which channels name the deploy that an incident came after: all that have room for it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from alerts.channels import email, pagerduty, slack, teams, telegram, twilio, webhook
from alerts.message import Message
from config import Secret
from tests.alerts.channel_case import a_message

DEPLOY = "2 minutes after deploy 4f2a1 to production"


@pytest.mark.parametrize(
    ("said", "names_it"),
    [
        (lambda m: json.dumps(slack.body(m)), True),
        (lambda m: json.dumps(teams.body(m)), True),
        (lambda m: json.dumps(pagerduty.event(m, Secret("k" * 32))), True),
        (lambda m: json.dumps(webhook.body(m, "id")), True),
        (lambda m: json.dumps(telegram.body(m, "1")), True),
        (lambda m: email.plain_part(m), True),
        (lambda m: twilio.body(m), False),
    ],
    ids=["slack", "teams", "pagerduty", "webhook", "telegram", "email", "sms"],
)
def test_the_deploy_stands_in_every_message_but_the_sms(said: Callable[[Message], str], names_it: bool) -> None:
    assert (DEPLOY in said(a_message(deploy=DEPLOY))) is names_it
    assert "deploy 4f2a1" not in said(a_message())
