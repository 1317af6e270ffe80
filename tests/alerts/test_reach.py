"""Who would be reached, and a trial that says what each destination answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from alerts import trial
from alerts.channels import Receipt
from alerts.channels.pagerduty import PagerDuty
from alerts.message import Message
from alerts.reach import TRIAL, Reach, reach, trial_message, unreached
from alerts.routes import Routing, routing_from
from config import Document
from facts import NotificationKind, Severity
from tests.alerts.builders import NOW
from tests.alerts.test_ladder import a_machine

CRITICAL = Severity.CRITICAL


@dataclass
class AReceiver:
    """A channel that keeps what it is sent."""

    receipt: Receipt = field(default_factory=lambda: Receipt(ok=True, detail="taken"))
    got: list[tuple[Message, str]] = field(default_factory=list)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        self.got.append((message, dedup_key))
        return self.receipt


class APager(PagerDuty):
    """A PagerDuty that keeps what it is sent."""

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        SENT.append((message.kind, message.incident))
        return Receipt(ok=True, detail="PagerDuty took it (202)")


SENT: list[tuple[NotificationKind, str]] = []


def of(rows: list[Reach], severity: Severity = CRITICAL) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(row.when, row.name): row.destinations for row in rows if row.severity is severity}


def test_routes_and_tiers_are_listed_with_the_destinations_behind_each_name() -> None:
    rows = reach(a_machine().policy, NOW)
    assert of(rows) == {
        ("at once", "slack"): ("slack",),
        ("tier 1, at once", "lead"): ("ann/sms",),
        ("tier 1, at once", "oncall"): ("bob/sms",),
        ("tier 2, after 5 min", "cto"): ("cto/sms",),
        ("tier 3, after 15 min", "ceo"): ("ceo/sms",),
    }
    assert next(row.people for row in rows if row.name == "oncall") == ("bob",)
    assert unreached(rows) == {}


def test_what_reaches_nobody_is_named_with_when_it_would_be_called() -> None:
    rows = reach(a_machine().policy, NOW, reached=frozenset({"slack", "ops", "ann/sms", "bob/sms", "ceo/sms"}))
    assert unreached(rows) == {"cto": ["critical tier 2, after 5 min", "high tier 3, after 15 min"]}


def test_a_trial_message_says_that_nothing_is_broken() -> None:
    message = trial_message("test-1", NOW, by="ann")
    assert (message.mark, message.kind, message.severity) == (TRIAL, NotificationKind.FIRING, Severity.LOW)
    assert "This is a test of the alert channels by ann" in message.headline
    assert "Nothing is broken" in message.summary
    assert trial_message("test-1", NOW, by="ann", over=True).kind is NotificationKind.RESOLVED


def a_routing(**destinations: dict[str, Any]) -> Routing:
    data = {"destinations": destinations, "routes": {"critical": list(destinations)}}
    return routing_from(Document(file="alerts.yaml", data=data, lines={}))


def test_every_destination_is_tried_and_says_what_it_answered_or_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    routing = a_routing(
        good={"kind": "webhook", "url_from": "GOOD"},
        bad={"kind": "webhook", "url_from": "BAD"},
        unset={"kind": "webhook", "url_from": "UNSET"},
        other={"kind": "webhook", "url_from": "GOOD"},
    )
    good, bad, other = AReceiver(), AReceiver(Receipt(ok=False, permanent=True, detail="answered 404")), AReceiver()
    monkeypatch.setattr(Routing, "channels", lambda *_, **__: {"good": good, "bad": bad, "other": other})
    results = trial.send_trial(routing, {}, {"good", "bad", "unset"}, now=NOW, by="ann")
    assert [(one.destination, one.ok, one.detail) for one in results] == [
        ("bad", False, "answered 404"),
        ("good", True, "taken"),
        ("unset", False, "has no address; set UNSET or UNSET_FILE"),
    ]
    ((message, key),) = good.got
    assert message.mark == TRIAL
    assert key.endswith(".good")
    assert other.got == []


def test_two_trials_are_two_incidents_to_a_receiver_and_a_pager_is_told_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    SENT.clear()
    routing = a_routing(pager={"kind": "pagerduty", "key_from": "KEY"})
    pager = object.__new__(APager)
    monkeypatch.setattr(Routing, "channels", lambda *_, **__: {"pager": pager})
    for later in (timedelta(0), timedelta(seconds=1)):
        trial.send_trial(routing, {}, {"pager"}, now=NOW + later, by="ann")
    assert [kind.value for kind, _ in SENT] == ["firing", "resolved"] * 2
    assert SENT[0][1] == SENT[1][1] != SENT[2][1]
