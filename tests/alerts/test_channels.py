"""Every channel keeps two promises: it retries exactly what can be retried, and it leaks no secret."""

from __future__ import annotations

import ipaddress
import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpcore
import httpx
import pytest

from alerts.channels import KINDS, Addressed, Channel, ForbiddenTargetError
from alerts.channels.guard import GuardedBackend, is_allowed
from alerts.channels.slack import body as slack_body
from alerts.message import Line, Link, Message, duration
from alerts.retry import next_try
from config import Secret
from facts import NotificationKind, Severity, from_wire, to_wire
from tests.alerts.builders import NOW

SECRET = "https://hooks.example.test/services/T000/B000/very-secret-token"
every_channel = pytest.mark.parametrize("kind", sorted(KINDS))


def a_message(**facts: Any) -> Message:
    """A firing outage of the GA purchase."""
    line = Line(
        alert="F0.ga_purchase.1",
        rule="F0",
        severity=Severity.CRITICAL,
        title="GA purchase: fails at several locations",
        summary="choose_city: GET / answered 500",
        state="firing",
        since=NOW,
    )
    return Message(
        **{
            "incident": "inc-1",
            "kind": NotificationKind.FIRING,
            "severity": Severity.CRITICAL,
            "headline": "Critical: GA purchase fails",
            "summary": "GA purchase fails at 2 of 3 locations",
            "lines": (line,),
            "fired_at": NOW,
            "links": (Link(name="The run that proves it", url="https://hub.test/runs/r1"),),
            "runbook": "docs/runbooks.md#f0",
            **facts,
        }
    )


def a_channel(kind: str, answer: Callable[[httpx.Request], httpx.Response]) -> Channel:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return KINDS[kind](Addressed(url=Secret(SECRET), client=client))


def answers(status: int, *, text: str = "ok", headers: Any = None) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, text=text, headers=headers)


@every_channel
@pytest.mark.parametrize(
    ("status", "ok", "permanent"),
    [
        (200, True, False),
        *((s, False, False) for s in (408, 425, 429, 500, 502, 503, 504)),
        *((s, False, True) for s in (301, 302, 400, 401, 403, 404, 405, 410, 413, 422)),
    ],
)
def test_it_retries_exactly_the_right_statuses(kind: str, status: int, ok: bool, permanent: bool) -> None:
    receipt = a_channel(kind, answers(status)).send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.permanent, receipt.disable) == (ok, permanent, status in (404, 410))


@every_channel
@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError])
def test_it_retries_what_the_network_lost(kind: str, error: type[httpx.RequestError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error(f"lost {request.url}", request=request)

    receipt = a_channel(kind, fail).send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.permanent) == (False, False)


@every_channel
def test_it_waits_as_long_as_it_is_asked_to(kind: str) -> None:
    receipt = a_channel(kind, answers(429, headers={"Retry-After": "17"})).send(a_message(), dedup_key="k")
    assert receipt.retry_after_s == 17


@every_channel
@pytest.mark.parametrize("status", [200, 302, 404, 503, None])
def test_it_leaks_no_secret(kind: str, status: int | None) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError(f"cannot reach {request.url}", request=request)
        return httpx.Response(status, text=f"no {request.url}", headers={"Location": str(request.url)})

    channel = a_channel(kind, answer)
    receipt = channel.send(a_message(), dedup_key="k")
    assert "very-secret-token" not in repr(receipt) + repr(channel) + str(channel)


@every_channel
def test_it_sends_json_with_what_broke(kind: str) -> None:
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(200, text="ok")

    a_channel(kind, answer).send(a_message(), dedup_key="inc-1.1.firing")
    assert got[0].method == "POST"
    text = json.loads(got[0].content)["text"]
    assert "GA purchase fails" in text
    assert "GA purchase fails at 2 of 3 locations" in text


def test_slack_text_calls_nobody_whatever_a_page_said() -> None:
    said = slack_body(a_message(summary="<!channel> & <@U1> <https://evil.test|click>"))
    text = json.dumps(said["blocks"][1:2]) + said["text"]
    assert "<!channel>" not in text
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in text


def test_slack_has_a_message_only_when_it_says_ok() -> None:
    portal = a_channel("slack", answers(200, text="<html>Welcome to our network</html>"))
    receipt = portal.send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.permanent) == (False, False)
    assert a_channel("slack", answers(200, text="ok\n")).send(a_message(), dedup_key="k").ok


def test_slack_calls_people_when_something_fires_and_only_then() -> None:
    mentions = ("<!subteam^S123>",)
    assert "<!subteam^S123>" in json.dumps(slack_body(a_message(), mentions))
    for kind in (NotificationKind.RESOLVED, NotificationKind.UPDATE, NotificationKind.ACKNOWLEDGED):
        assert "<!subteam^S123>" not in json.dumps(slack_body(a_message(kind=kind), mentions))


def test_slack_keeps_within_its_limits_however_long_the_message_is() -> None:
    line = a_message().lines[0]
    message = a_message(
        headline="h" * 4000, summary="<" * 9000, lines=tuple(replace(line, summary="&" * 4000) for _ in range(80))
    )
    said = slack_body(message)
    assert len(said["blocks"]) <= 50
    assert len(said["blocks"][0]["text"]["text"]) <= 150
    sections = [b["text"]["text"] for b in said["blocks"] if b["type"] == "section"]
    assert max(len(text) for text in sections) <= 3000
    assert "and 60 more" in sections[1] or len(sections[1]) == 3000


def test_a_demo_says_that_it_is_one() -> None:
    assert "[demo, clock 1:5]" in slack_body(a_message(mark="demo, clock 1:5"))["text"]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:a00:1::", False),
        ("2002:808:808::", True),
    ],
)
def test_messages_go_to_public_addresses_only(address: str, allowed: bool) -> None:
    assert is_allowed(ipaddress.ip_address(address)) is allowed


def test_a_private_network_that_was_named_is_allowed_and_its_neighbour_is_not() -> None:
    allow = [ipaddress.ip_network("10.1.2.0/24")]
    assert is_allowed(ipaddress.ip_address("10.1.2.3"), allow)
    assert is_allowed(ipaddress.ip_address("::ffff:10.1.2.3"), allow)
    assert not is_allowed(ipaddress.ip_address("10.1.3.3"), allow)


class Recording(httpcore.NetworkBackend):
    """Notes where it would connect."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        self.hosts.append(host)
        return httpcore.MockStream([])


def test_the_address_that_was_judged_is_the_one_that_is_connected_to() -> None:
    backend = Recording()
    GuardedBackend([ipaddress.ip_network("127.0.0.0/8")], backend).connect_tcp("127.0.0.1", 80)
    assert backend.hosts == ["127.0.0.1"]
    with pytest.raises(ForbiddenTargetError, match=r"127\.0\.0\.1, which is not a public address"):
        GuardedBackend((), backend).connect_tcp("127.0.0.1", 80)
    assert backend.hosts == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("severity", "tries", "most_s"),
    [
        (Severity.CRITICAL, 1, 2),
        (Severity.CRITICAL, 3, 8),
        (Severity.CRITICAL, 30, 60),
        (Severity.HIGH, 30, 600),
        (Severity.MEDIUM, 1000, 600),
    ],
)
def test_a_try_waits_a_random_part_of_a_doubling_time(severity: Severity, tries: int, most_s: float) -> None:
    def at(jitter: float, **facts: Any) -> float:
        when = next_try(
            severity,
            tries=tries,
            **{"first_at": NOW, "now": NOW, "retry_after_s": None, "jitter": lambda: jitter, **facts},
        )
        assert when is not None
        return (when - NOW).total_seconds()

    assert at(1.0) == most_s
    assert at(0.0) == 0
    assert at(0.5) == most_s / 2
    assert at(0.0, retry_after_s=700.0) == 700


def test_after_a_day_it_is_given_up() -> None:
    late = NOW + timedelta(hours=24)
    assert next_try(Severity.HIGH, tries=9, first_at=NOW, now=late, retry_after_s=None, jitter=lambda: 1.0) is None


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 s"), (200, "3 min 20 s"), (240, "4 min"), (7500, "2 h 5 min")])
def test_a_length_of_time_is_said_as_a_person_says_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@every_channel
def test_nothing_that_hides_or_turns_text_leaves_by_a_channel(kind: str) -> None:
    evil = "\u202egnp.exe\u2066\u200b\x00\x9b\x1b[31m\ud800"
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, text="ok")

    line = replace(a_message().lines[0], title=f"title {evil}", summary=evil, subject=evil)
    message = a_message(
        headline=f"headline {evil}",
        summary=evil,
        lines=(line, line),
        counted=(evil,),
        left_out=(evil,),
        links=(Link(name=evil, url=f"https://hub.test/{evil}"),),
        runbook=evil,
        by=evil,
        mark=evil,
    )
    assert a_channel(kind, answer).send(message, dedup_key="k").ok
    told = json.dumps(json.loads(sent[0]), ensure_ascii=False)
    assert "gnp.exe" in told
    assert [c for c in told if unicodedata.category(c) in ("Cc", "Cf", "Cs")] == []


def test_a_message_that_was_stored_before_is_stripped_as_it_is_read() -> None:
    stored = to_wire(a_message()) | {"headline": "Critical\u202e"}
    assert from_wire(Message, stored).headline == "Critical"
