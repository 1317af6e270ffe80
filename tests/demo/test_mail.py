"""The demo's mail server keeps what the email channel sends, and the demo's people have contacts that reach it."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from alerts.routes import routing_from
from cli.demo import demo_alerts, with_demo_contacts
from config import Document, read_document
from demo.inbox import Inbox
from demo.mail import MailServer

ROOT = Path(__file__).resolve().parents[2]
WEBHOOKS = dict.fromkeys(("SLACK_EMERGENCY_WEBHOOK", "SLACK_OPS_WEBHOOK", "ALERT_WEBHOOK"), "https://hooks.test/x")
ALL = {
    **WEBHOOKS,
    "PAGERDUTY_ROUTING_KEY": "d" * 32,
    "TWILIO_ACCOUNT_SID": f"AC{'d' * 32}",
    "TWILIO_AUTH_TOKEN": "the-demos-own-twilio-token",
}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def port(inbox: Inbox) -> Iterator[int]:
    server = MailServer(inbox)
    server.start()
    yield server.port
    server.stop()


def test_a_mail_is_kept_for_each_of_its_recipients(inbox: Inbox, port: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "sixfb@6fb.dev",
        "ann@6fb.dev, bob@6fb.dev",
        "Critical: GA fails \N{EURO SIGN}",
    )
    mail.set_content("The site answered 500.")
    mail.add_alternative("<p>The site answered 500.</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as session:
        session.send_message(mail)
    ann, bob = inbox.all()
    assert (ann.receiver, ann.channel, bob.channel) == ("email", "ann@6fb.dev", "bob@6fb.dev")
    assert ann.text == "Critical: GA fails \N{EURO SIGN}\nThe site answered 500."
    assert ann.body["Subject"] == "Critical: GA fails \N{EURO SIGN}"


def test_what_is_no_mail_is_kept_as_it_came(inbox: Inbox, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as session:
        session.sendmail("a@6fb.dev", ["b@6fb.dev"], b"\xff\xfe no header at all")
    assert [one.channel for one in inbox.all()] == ["b@6fb.dev"]


def shipped() -> dict[str, object]:
    return read_document(ROOT / "alerts.yaml").data


def test_the_demo_has_the_guides_whole_matrix_with_invented_contacts() -> None:
    data = demo_alerts(with_demo_contacts(shipped(), mail_port=2525), ALL)
    routing = routing_from(Document("alerts.yaml", data))
    assert [one.what for one in routing.unset(ALL)] == []
    assert set(data["routes"]["critical"]) >= {"slack-emergency", "eng-lead", "mail-critical", "pagerduty"}
    assert len(data["escalation"]["tiers"]) == 3
    assert "business_hours" not in data
    assert all(mention.startswith("<@U") for mention in data["destinations"]["slack-emergency"]["mentions"])
    assert "+1555-ENG-LEAD" in str(shipped())


def test_who_has_no_contact_is_left_out_with_the_ladder_that_would_call_them() -> None:
    data = demo_alerts(shipped(), WEBHOOKS)
    routing = routing_from(Document("alerts.yaml", data))
    assert data["routes"] == {
        "critical": ["slack-emergency", "webhook"],
        "high": ["slack-ops", "webhook"],
        "medium": ["slack-ops", "webhook"],
    }
    assert [one.what for one in routing.unset(WEBHOOKS)] == []
    assert not {"people", "escalation", "digest", "business_hours"} & set(data)
