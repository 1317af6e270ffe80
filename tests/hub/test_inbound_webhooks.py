"""PagerDuty's webhooks and SMS replies: what is signed acts once, and everything else is refused and changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.testclient import TestClient

from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from alerts.machine import advance
from alerts.message import line_of
from alerts.policy import Policy
from alerts.roll_up import Burst, Member
from config import Secret
from facts import LadderStatus, Notification, NotificationKind, NotificationState, Severity, Verdict, to_wire
from hub.acknowledge import take_on
from hub.app import create_app
from hub.cycle import BURSTS, save_step, standing_alerts
from hub.pagerduty_webhook import LARGEST_EVENT, PagerDutyWebhook
from hub.twilio_webhook import LARGEST_FORM, PhoneOwner, TwilioWebhook, signature_of
from store import Store, ladder, meta, outbox
from store import alerts as alert_rows
from tests.alerts.builders import GA, breach, clear
from tests.hub.conftest import Bench, a_bench

PD_SECRET, TOKEN = "the secret of the subscription", "the account's token"
PD_DOOR, SMS_DOOR = "/api/webhooks/pagerduty", "/api/webhooks/twilio"
BASE = "https://hub.test/monitor"
ANN, BOB = "+15550100002", "+15550100003"
CRITICAL = Severity.CRITICAL
F0 = f"F0.{GA}.1"
POLICY = Policy(
    routes={CRITICAL: ("slack", "pagerduty", "ann/phone", "bob/phone")},
    base_url=BASE,
    escalation=Escalation(
        tiers=(
            Tier(after=timedelta(0), recipients={CRITICAL: ("ann",)}),
            Tier(after=timedelta(minutes=5), recipients={CRITICAL: ("bob",)}),
            Tier(after=timedelta(minutes=15), recipients={CRITICAL: ("cto",)}),
        ),
    ),
    directory=Directory(
        destinations=frozenset({"slack", "pagerduty", "cto/phone"}),
        ways={"ann": ("ann/phone",), "bob": ("bob/phone",), "cto": ("cto/phone",)},
    ),
)
PHONES = {
    ANN: PhoneOwner(name="ann", destinations=frozenset({"ann/phone"})),
    BOB: PhoneOwner(name="bob", destinations=frozenset({"bob/phone"})),
}


def opened(bench: Bench) -> Iterator[Bench]:
    context = replace(
        bench.context,
        policy=POLICY,
        pagerduty_webhook=PagerDutyWebhook(secret=Secret(PD_SECRET), destinations={"pagerduty"}),
        twilio_webhook=TwilioWebhook(tokens=(Secret("an older token"), Secret(TOKEN)), phones=PHONES),
    )
    ours = "http://127.0.0.1:8600"
    with TestClient(create_app(context), base_url=ours, client=("127.0.0.1", 50000)) as client:
        yield replace(bench, client=client, context=context)


@pytest.fixture
def hub(light: Bench) -> Iterator[Bench]:
    """A hub that takes both, with a critical incident that four destinations were told of."""
    for bench in opened(light):
        tick(bench, quorum())
        yield bench


@pytest.fixture
def both(store: Store, tmp_path: Path) -> Iterator[Bench]:
    """The same, on each kind of database."""
    with a_bench(store, tmp_path) as made:
        for bench in opened(made):
            tick(bench, quorum())
            yield bench


def quorum(rule: str = "F0", journey: str | None = GA, **facts: Any) -> Verdict:
    return breach(rule, journey, counted=("us-east", "us-west"), **facts)


def tick(bench: Bench, *verdicts: Verdict, after_s: float = 10) -> None:
    """One tick of an evaluator that remembers nothing but what is stored; all that is due is delivered."""
    bench.now += timedelta(seconds=after_s)
    # The bench that the fixture was made from keeps the time of the hub.
    with bench.store.write() as connection:
        standing = standing_alerts(connection)
        before = bench.now - timedelta(seconds=10)
        save_step(connection, advance(standing, verdicts, POLICY, bench.now, previous=before), bench.now)
        for one in outbox.claim(connection, holder="me", now=bench.now, lease_s=60, limit=100):
            outbox.delivered(connection, one.id, holder="me", at=bench.now, detail="ok")


def pagerduty(
    bench: Bench,
    kind: str = "incident.acknowledged",
    *,
    event_id: str = "01A",
    key: Any = "inc-1",
    agent: Any = ("Ann Lee", "user_reference"),
    at: str | None = None,
    header: str | None = None,
    secret: str = PD_SECRET,
    content_type: str = "application/json",
    body: bytes | None = None,
) -> httpx.Response:
    event = {
        "id": event_id,
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": at or to_wire(bench.now),
        "agent": {"summary": agent[0], "type": agent[1], "id": "PLH1HKV"} if agent else None,
        "data": {"id": "PGR0VU2", "type": "incident", "incident_key": key, "status": "acknowledged"},
    }
    told = json.dumps({"event": event}).encode() if body is None else body
    signed = "v1=" + hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()
    headers = {"Content-Type": content_type, "X-PagerDuty-Signature": signed if header is None else header}
    answer: httpx.Response = bench.client.post(PD_DOOR, content=told, headers={k: v for k, v in headers.items() if v})
    return answer


def sms(
    bench: Bench,
    text: str,
    *,
    sender: str = ANN,
    sid: str = "SM1",
    url: str = f"{BASE}{SMS_DOOR}",
    query: str = "",
    token: str = TOKEN,
    header: str | bytes | None = None,
    **more: str,
) -> httpx.Response:
    form = {"MessageSid": sid, "From": sender, "To": "+15550100001", "Body": text, "AccountSid": "AC1", **more}
    signed = signature_of(Secret(token), url, list(form.items())) if header is None else header
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "X-Twilio-Signature": signed}
    answer: httpx.Response = bench.client.post(
        SMS_DOOR + query, content=urlencode(form), headers={k: v for k, v in headers.items() if v}
    )
    return answer


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/xml")
    found = re.search(r"<Message>(.*)</Message>", answer.text, re.DOTALL)
    return found[1] if found else ""


def acked_by(bench: Bench, alert_id: str = F0) -> str | None:
    with bench.store.read() as connection:
        alert = alert_rows.get(connection, alert_id)
    assert alert is not None
    return alert.acked_by


def owed(bench: Bench, kind: NotificationKind = NotificationKind.ACKNOWLEDGED) -> list[str]:
    with bench.store.read() as connection:
        found: list[Notification] = outbox.of_threads(connection, ["inc-1"])
    return sorted(n.destination for n in found if n.kind is kind and n.state is not NotificationState.SUPPRESSED)


def statuses(bench: Bench) -> list[tuple[int, int, LadderStatus]]:
    with bench.store.read() as connection:
        return sorted((row.round, row.tier, row.status) for row in ladder.of_incidents(connection, ["inc-1"]))


def test_an_acknowledgement_in_pagerduty_is_one_here_and_is_not_sent_back(both: Bench) -> None:
    answer = pagerduty(both)
    assert (answer.status_code, answer.json()) == (200, {"result": "acknowledged", "incident": "inc-1", "why": None})
    assert acked_by(both) == "Ann Lee (PagerDuty)"
    assert owed(both) == ["ann/phone", "bob/phone", "slack"]
    assert {status for _, tier, status in statuses(both) if tier > 1} == {LadderStatus.CANCELLED}
    assert pagerduty(both).json()["result"] == "duplicate"
    assert pagerduty(both, event_id="01B").json()["result"] == "ignored", "it is acknowledged already"
    assert len(owed(both)) == 3


def test_an_acknowledgement_made_here_goes_to_pagerduty_and_its_echo_changes_nothing(hub: Bench) -> None:
    take_on(hub.store, POLICY, F0, by="bob", now=hub.now)
    assert "pagerduty" in owed(hub)
    take_on(hub.store, POLICY, F0, by="bob", now=hub.now, take=False)
    echo = pagerduty(hub, agent=("Events API v2", "events_api_v2_inbound_integration_reference"))
    assert (echo.json()["result"], acked_by(hub)) == ("ignored", None)


def test_what_pagerduty_gives_back_escalates_again_and_what_was_acknowledged_here_stays(hub: Bench) -> None:
    pagerduty(hub, event_id="a")
    assert pagerduty(hub, "incident.unacknowledged", event_id="b", agent=None).json()["result"] == "unacknowledged"
    assert acked_by(hub) is None
    assert [(number, tier) for number, tier, status in statuses(hub) if status is LadderStatus.PENDING] == [
        (2, 1),
        (2, 2),
        (2, 3),
    ]
    take_on(hub.store, POLICY, F0, by="bob", now=hub.now)
    assert pagerduty(hub, "incident.unacknowledged", event_id="c", agent=None).json()["result"] == "ignored"
    assert acked_by(hub) == "bob"


def test_events_that_come_in_the_wrong_order_end_as_they_happened(hub: Bench) -> None:
    early, late = to_wire(hub.now - timedelta(minutes=2)), to_wire(hub.now - timedelta(minutes=1))
    pagerduty(hub, event_id="a", at=early)
    pagerduty(hub, "incident.unacknowledged", event_id="c", agent=None, at=late)
    late_one = pagerduty(hub, event_id="b", at=to_wire(hub.now - timedelta(seconds=90)))
    assert (late_one.json()["result"], acked_by(hub)) == ("ignored", None)
    assert pagerduty(hub, event_id="d", at="2999-01-01T00:00:00Z").json()["result"] == "acknowledged"
    assert pagerduty(hub, "incident.unacknowledged", event_id="e", agent=None).json()["result"] == "unacknowledged"


def test_acknowledging_a_roll_up_in_pagerduty_acknowledges_every_incident_that_it_lists(hub: Bench) -> None:
    lows = [breach("H4", None, subject=f"city-{n}", severity=Severity.HIGH) for n in range(4)]
    tick(hub, quorum(), *lows, after_s=1200)
    with hub.store.write() as connection:
        standing = standing_alerts(connection)
        listed = [one for one in standing.alerts if one.rule == "H4"][1:]
        members = tuple(
            Member(incident=one.incident or "", alert=one.id, line=line_of(one), due_at=hub.now) for one in listed
        )
        bursts = [
            Burst(destination="slack", thread="rollup-1", members=members[:1]),
            Burst(destination="pagerduty", thread="rollup-1", members=members),
        ]
        meta.put(connection, BURSTS, to_wire(bursts))
    answer = pagerduty(hub, key="rollup-1").json()
    assert (answer["result"], answer["incident"]) == ("acknowledged", "rollup-1")
    assert [acked_by(hub, one.id) for one in listed] == ["Ann Lee (PagerDuty)"] * 3
    assert acked_by(hub, "H4.city-0.1") is None
    assert acked_by(hub) is None
    assert (
        pagerduty(hub, "incident.unacknowledged", key="rollup-1", event_id="01B").json()["result"] == "unacknowledged"
    )
    assert {acked_by(hub, one.id) for one in listed} == {None}
    assert pagerduty(hub, key="rollup-2", event_id="01C").json()["why"] == "no open incident has this key"


def test_whoever_resolves_in_pagerduty_has_it_until_it_is_resolved_here(hub: Bench) -> None:
    assert pagerduty(hub, "incident.resolved", agent=None).json()["result"] == "ignored", "a timeout is nobody's"
    assert pagerduty(hub, "incident.resolved", event_id="b").json()["result"] == "acknowledged"
    tick(hub, clear())
    assert pagerduty(hub, "incident.resolved", event_id="c").json()["why"] == "no open incident has this key"


IGNORED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "incident.escalated"}, "incident.escalated changes nothing here"),
    ({"kind": "incident.reassigned"}, "incident.reassigned changes nothing here"),
    ({"kind": "incident.a_kind_to_come"}, "incident.a_kind_to_come changes nothing here"),
    ({"kind": "pagey.ping"}, "pagey.ping changes nothing here"),
    ({"key": None}, "its incident has no incident_key"),
    ({"key": "a key\0 with NUL"}, "its incident has no incident_key"),
    ({"key": 7}, "its incident has no incident_key"),
    ({"key": "inc-2"}, "no open incident has this key"),
    ({"key": "another-tool"}, "no open incident has this key"),
    ({"agent": None}, "no person did it"),
]


def test_an_event_that_is_not_about_this_is_taken_and_ignored(hub: Bench) -> None:
    for number, (event, why) in enumerate(IGNORED):
        answer = pagerduty(hub, **{"event_id": f"e{number}", **event})
        assert (answer.status_code, answer.json()["result"], answer.json()["why"]) == (200, "ignored", why)
    assert acked_by(hub) is None


GOOD = "v1=" + "0" * 64
NOT_PAGERDUTY: list[tuple[dict[str, Any], int, str]] = [
    ({"header": ""}, 400, "X-PagerDuty-Signature is missing"),
    ({"header": "t=1,v0=abc"}, 400, "written v1="),
    ({"header": "v1=" + "Z" * 64}, 400, "written v1="),
    ({"header": GOOD}, 400, "not of this secret"),
    ({"header": ",".join([GOOD] * 1000)}, 400, "not of this secret"),
    ({"secret": "another"}, 400, "PAGERDUTY_WEBHOOK_SECRET"),
    ({"content_type": "text/plain"}, 415, "application/json"),
    ({"content_type": ""}, 415, "application/json"),
    ({"body": b"x" * (LARGEST_EVENT + 1)}, 413, "bytes"),
    ({"body": b"{"}, 400, "not JSON"),
    ({"body": b"\xff"}, 400, "not JSON"),
    ({"body": b"[" * 100_000}, 400, "not JSON"),
    ({"body": b"[]"}, 422, "an `event`"),
    ({"body": b'{"messages": []}'}, 422, "v3"),
    ({"body": b'{"event": {"event_type": "incident.acknowledged"}}'}, 422, "event.id"),
    ({"body": b'{"event": {"id": "\\ud800", "event_type": "x"}}'}, 422, "event.id"),
    ({"event_id": "x" * 101}, 422, "event.id"),
    ({"event_id": ""}, 422, "event.id"),
    ({"body": b'{"event": {"id": "a", "event_type": 7}}'}, 422, "event_type"),
]


def test_what_is_no_event_of_pagerdutys_is_refused(hub: Bench) -> None:
    for facts, status, words in NOT_PAGERDUTY:
        answer = pagerduty(hub, **facts)
        assert answer.status_code == status, facts
        assert words in answer.json()["error"]
    assert acked_by(hub) is None


def test_one_right_signature_among_several_is_enough(hub: Bench) -> None:
    event = {"id": "a", "event_type": "incident.acknowledged", "data": {"incident_key": "inc-1"}}
    body = json.dumps(
        {"event": {**event, "agent": {"type": "user_reference", "summary": "\x1b[31mEve\u202e"}}}
    ).encode()
    right = "v1=" + hmac.new(PD_SECRET.encode(), body, hashlib.sha256).hexdigest()
    answer = pagerduty(hub, body=body, header=f"{GOOD}, {right}")
    assert answer.json()["result"] == "acknowledged"
    assert acked_by(hub) == r"\x1b[31mEve\u202e (PagerDuty)"


def test_a_reply_acknowledges_once_and_says_what_was_done(both: Bench) -> None:
    answer = said(sms(both, "ack"))
    assert answer == "You have inc-1: F0 title. It comes back in 30 min if it still fires."
    assert acked_by(both) == "ann (SMS)"
    assert owed(both) == ["bob/phone", "pagerduty", "slack"], "the phone that answered knows it"
    assert said(sms(both, "ack")) == answer, "Twilio asks again for the same message"
    assert said(sms(both, "ack 1", sender=BOB, sid="SM2")) == "inc-1 is acknowledged already, by ann (SMS): F0 title"
    assert len(owed(both)) == 3


def test_esc_calls_the_next_tier_at_once(hub: Bench) -> None:
    assert said(sms(hub, "esc")) == "Escalated inc-1: bob called now. F0 title"
    assert (1, 2, LadderStatus.DONE) in statuses(hub)
    assert said(sms(hub, "2 1", sid="SM2")) == "Escalated inc-1: cto called now. F0 title"
    assert owed(hub, NotificationKind.FIRING).count("cto/phone") == 1
    assert said(sms(hub, "ack", sid="SM3")).startswith("You have inc-1")
    assert said(sms(hub, "esc", sid="SM4")) == "Escalated inc-1: cto called now. F0 title", (
        "the first two had their turn"
    )
    assert acked_by(hub) is None, "whoever hands it on has it no more"


def test_esc_is_refused_with_the_reason_where_the_incident_is_silenced(hub: Bench) -> None:
    hub.client.post("/api/silences", json={"match": {"rule": "*"}, "for": "2h", "reason": "deploy"})
    answer = said(sms(hub, "esc"))
    assert answer.startswith("nobody is called for inc-1 now: silence-")
    assert answer.endswith("Reply ack 1 if you have it.")
    assert {status for _, tier, status in statuses(hub) if tier > 1} == {LadderStatus.PENDING}


def test_with_several_open_incidents_a_reply_names_one(hub: Bench) -> None:
    tick(hub, quorum(), quorum("W4", None, title="Messages wait"))
    told = said(sms(hub, "ack"))
    assert told == "2 incidents are open. Reply ack 1 (F0 title), ack 2 (Messages wait)"
    assert (acked_by(hub), acked_by(hub, "W4.1")) == (None, None)
    assert said(sms(hub, "ack 2", sid="SM2")).startswith("You have inc-2: Messages wait")
    assert acked_by(hub) is None
    assert said(sms(hub, "ok", sid="SM3")).startswith("You have inc-1"), "only one waits for somebody now"
    assert said(sms(hub, "ack 9", sid="SM4")).startswith("inc-9 is not open. 2 incidents are open.")


def test_anything_else_is_answered_by_how_to_reply(hub: Bench) -> None:
    for number, text in enumerate(["help", "what?", "", "7", "\0", "<b>&amp;</b>"]):
        answer = said(sms(hub, text, sid=f"SM{number}"))
        assert answer.startswith("Reply ack (or 1) to acknowledge, esc (or 2) to call the next tier")
    assert acked_by(hub) is None


def test_a_phone_that_is_not_in_the_directory_does_nothing_and_gets_no_answer(hub: Bench) -> None:
    assert said(sms(hub, "ack 1", sender="+15550109999")) == ""
    assert said(sms(hub, "STOP")) == ""
    assert acked_by(hub) is None


def test_an_answer_is_one_segment_and_safe_as_xml(hub: Bench) -> None:
    tick(hub, clear())
    tick(hub, quorum("F1", title="Slow <&> " + "page " * 40))
    answer = sms(hub, "ack")
    assert "Slow &lt;&amp;&gt;" in answer.text
    assert len(said(answer)) <= 170


NOT_TWILIO: list[tuple[dict[str, Any], int, str]] = [
    ({"header": ""}, 400, "X-Twilio-Signature is missing"),
    ({"header": "AAAA"}, 400, f"of the address {BASE}{SMS_DOOR}"),
    ({"header": b"\xfc"}, 400, "base_url"),
    ({"token": "another"}, 400, "base_url"),
    ({"url": f"http://127.0.0.1:8600{SMS_DOOR}"}, 400, "base_url"),
    ({"sid": ""}, 422, "no SMS"),
    ({"sid": "SM\0"}, 422, "no SMS"),
    ({"sender": ""}, 422, "no SMS"),
    ({"Padding": "x" * LARGEST_FORM}, 413, "bytes"),
    ({f"Field{n}": "x" for n in range(250)}, 413, "fields"),
]


def test_what_is_no_reply_of_twilios_is_refused(hub: Bench) -> None:
    for facts, status, words in NOT_TWILIO:
        answer = sms(hub, "ack", **facts)
        assert answer.status_code == status, facts
        assert words in answer.json()["error"]
    assert acked_by(hub) is None
    answer = hub.client.post(SMS_DOOR, json={"Body": "ack"}, headers={"X-Twilio-Signature": "x"})
    assert answer.status_code == 415


def test_the_public_address_is_what_is_signed(hub: Bench) -> None:
    with_port, query = f"https://hub.test:443/monitor{SMS_DOOR}", "?from=twilio"
    assert said(sms(hub, "ack", url=with_port)).startswith("You have inc-1")
    answer = said(sms(hub, "ack", sid="SM2", url=f"{BASE}{SMS_DOOR}{query}", query=query))
    assert answer.startswith("inc-1 is acknowledged already")


def test_the_signature_is_twilios_own() -> None:
    # The example in the tests of https://github.com/twilio/twilio-python.
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    made = signature_of(Secret("12345"), "https://mycompany.com/myapp.php?foo=1&bar=2", list(form.items()))
    assert made == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_without_a_secret_neither_address_is_there(light: Bench) -> None:
    for door, name in ((PD_DOOR, "PAGERDUTY_WEBHOOK_SECRET"), (SMS_DOOR, "TWILIO_AUTH_TOKEN")):
        answer = light.client.post(door, content=b"{}")
        assert answer.status_code == 404
        assert name in answer.json()["error"]
