"""PagerDuty: one alert there for each incident, found again by its key; what it takes, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from alerts.channels import Resources
from alerts.channels.pagerduty import event
from alerts.message import Link
from config import Secret
from facts import NotificationKind, Severity
from tests.alerts.builders import NOW
from tests.alerts.channel_case import Case, a_message

KEY = "0123456789abcdefABCDEF0123456789"
CASE = Case(
    settings={"kind": "pagerduty"},
    environment={"PAGERDUTY_ROUTING_KEY": KEY, "PAGERDUTY_API_BASE": "{url}"},
    text_of=lambda request: json.dumps(json.loads(request.content), ensure_ascii=False),
)


def sent(answer: httpx.Response | None = None, **facts: Any) -> tuple[httpx.Request, Any]:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return answer or httpx.Response(202, json={"status": "success", "dedup_key": "inc-1"})

    client = httpx.Client(transport=httpx.MockTransport(take))
    channel = CASE.channel(Resources(client=client, environment={"PAGERDUTY_ROUTING_KEY": KEY}))
    return got[0] if got else None, channel.send(a_message(**facts), dedup_key="inc-1.1.firing.pager")  # type: ignore[return-value]


def test_it_goes_to_the_events_api_and_202_is_the_receipt() -> None:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(202)

    client = httpx.Client(transport=httpx.MockTransport(take))
    for region, host in (("us", "events.pagerduty.com"), ("eu", "events.eu.pagerduty.com")):
        channel = CASE.channel(Resources(client=client, environment={"PAGERDUTY_ROUTING_KEY": KEY}), region=region)
        receipt = channel.send(a_message(), dedup_key="k")
        assert (receipt.ok, receipt.detail, receipt.note) == (True, "PagerDuty took it (202)", None)
        assert str(got[-1].url) == f"https://{host}/v2/enqueue"


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (NotificationKind.FIRING, "trigger"),
        (NotificationKind.UPDATE, "trigger"),
        (NotificationKind.ACKNOWLEDGED, "acknowledge"),
        (NotificationKind.RESOLVED, "resolve"),
    ],
)
def test_each_kind_of_message_is_an_action_under_the_incidents_key(kind: NotificationKind, action: str) -> None:
    said = event(a_message(kind=kind), Secret(KEY))
    assert (said["event_action"], said["dedup_key"], said["routing_key"]) == (action, "inc-1", KEY)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Severity.CRITICAL, "critical"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "info"),
        (Severity.INFO, "info"),
    ],
)
def test_severities_are_said_in_pagerdutys_words(ours: Severity, theirs: str) -> None:
    assert event(a_message(severity=ours), Secret(KEY))["payload"]["severity"] == theirs


def test_every_severity_and_kind_has_a_word() -> None:
    for severity in Severity:
        for kind in NotificationKind:
            assert event(a_message(severity=severity, kind=kind), Secret(KEY))


def test_it_links_to_the_run_and_to_a_runbook_that_is_an_address() -> None:
    said = event(a_message(runbook="https://wiki.test/f0"), Secret(KEY))
    assert said["links"] == [
        {"href": "https://hub.test/runs/r1", "text": "The run that proves it"},
        {"href": "https://wiki.test/f0", "text": "Runbook"},
    ]
    assert said["client_url"] == "https://hub.test/runs/r1"
    said = event(a_message(), Secret(KEY))
    assert [link["text"] for link in said["links"]] == ["The run that proves it"]
    assert said["payload"]["custom_details"]["runbook"] == "docs/runbooks.md#f0"


def test_the_payload_says_what_a_person_needs() -> None:
    line = replace(a_message().lines[0], journey="ga_purchase")
    payload = event(a_message(lines=(line,), counted=("us-east", "us-west"), since=NOW), Secret(KEY))["payload"]
    assert payload["summary"] == "Critical: GA purchase fails: GA purchase fails at 2 of 3 locations"
    assert (payload["component"], payload["source"], payload["class"]) == ("ga_purchase", "ga_purchase", "F0")
    assert payload["timestamp"].startswith(f"{NOW:%Y-%m-%dT%H:%M}")
    details = payload["custom_details"]
    assert "counted: us-east, us-west" in details["facts"]
    assert details["alerts"] == ["GA purchase: fails at several locations (firing): choose_city: GET / answered 500"]


def test_it_keeps_within_its_limits_however_long_the_message_is() -> None:
    line = replace(a_message().lines[0], summary="ü" * 4000, title="t" * 4000)
    long = a_message(
        headline="h" * 5000,
        summary="s\n" * 50_000,
        incident="i" * 400,
        lines=(line,) * 300,
        links=tuple(Link(name="n" * 900, url=f"https://hub.test/{n}") for n in range(100)),
        counted=("c" * 100,) * 5000,
    )
    said = event(long, Secret(KEY))
    assert len(said["payload"]["summary"]) == 1024
    assert "\n" not in said["payload"]["summary"]
    assert len(said["dedup_key"]) == 255
    assert said["payload"]["custom_details"]["more_alerts"] == 280
    assert len(json.dumps(said).encode()) < 512_000


def test_the_mark_of_a_demo_comes_first() -> None:
    assert event(a_message(mark="demo"), Secret(KEY))["payload"]["summary"].startswith("[demo] Critical")


@pytest.mark.parametrize(
    ("headers", "wait_s"), [({}, 60.0), ({"Retry-After": "5"}, 5.0), ({"Retry-After": "900"}, 900.0)]
)
def test_too_many_events_wait_a_minute_at_least_where_nothing_is_asked(headers: dict[str, str], wait_s: float) -> None:
    _, receipt = sent(httpx.Response(429, headers=headers))
    assert (receipt.ok, receipt.permanent, receipt.retry_after_s) == (False, False, wait_s)


def test_an_event_that_is_refused_is_not_sent_again_and_its_answer_is_not_repeated() -> None:
    _, receipt = sent(httpx.Response(400, json={"message": f"invalid routing key {KEY}"}))
    assert (receipt.ok, receipt.permanent, receipt.detail) == (False, True, "answered 400")


def test_another_2xx_counts_as_delivered_and_is_noted() -> None:
    _, receipt = sent(httpx.Response(200, text="<html>Welcome</html>"))
    assert receipt.ok
    assert receipt.note == "it answers 200 with something else than 202, which counts as delivered"


@pytest.mark.parametrize("key", ["", "+1555-ENG-LEAD", "short", "x" * 33, "x" * 31 + "!", "YOUR_PAGERDUTY_KEY"])
def test_a_key_that_is_none_counts_as_unset(key: str) -> None:
    (missing,) = CASE.parsed().missing({"PAGERDUTY_ROUTING_KEY": key})
    assert missing.blocks
    assert (missing.key, missing.remedy) == ("key_from", "PAGERDUTY_ROUTING_KEY")
    assert missing.what == "has no integration key" + (": what is set is none" if key else "")


def test_the_key_may_stand_in_a_file(tmp_path: Any) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert CASE.parsed().missing({"PAGERDUTY_ROUTING_KEY_FILE": str(file)}) == []


@pytest.mark.parametrize(
    "wrong", [{"key_from": KEY.lower()}, {"key_from": "https://x"}, {"region": "ap"}, {"routing_key": KEY}]
)
def test_a_key_does_not_stand_in_yaml(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CASE.parsed(**wrong)
