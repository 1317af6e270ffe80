"""Every channel keeps two promises: it retries exactly what can be retried, and it leaks no secret.

They are run over every channel of the registry. What one of them needs is in `tests/alerts/test_channel_KIND.py`, as its `CASE`.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import ssl
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from alerts.channels import KINDS, Channel, Receipt, Resources, resources
from alerts.channels.guard import is_allowed
from alerts.message import Link, Message, duration
from alerts.retry import next_try
from facts import NotificationKind, Severity, from_wire, to_wire
from process.bounded_http import retry_after_s
from tests.alerts.builders import NOW
from tests.alerts.channel_case import SECRET, Case, a_message
from tests.blame.sockets import a_certificate
from tests.receivers import BEHAVIOURS, Rig, drips_headers, ends
from tests.receivers import answers as answers_well

TRY_S = 0.3

every_channel = pytest.mark.parametrize("kind", sorted(KINDS))


def case_of(kind: str) -> Case:
    """What the contract needs to know of a channel; one that is registered without it fails here."""
    case = importlib.import_module(f"tests.alerts.test_channel_{kind}").CASE
    assert isinstance(case, Case)
    return case


over_http = pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if case_of(kind).over_http))


def a_channel(kind: str, answer: Callable[[httpx.Request], httpx.Response]) -> Channel:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    case = case_of(kind)
    return case.channel(Resources(client=client, environment=case.at(SECRET)))


def answers(status: int, *, text: str = "ok", headers: Any = None) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, text=text, headers=headers)


@over_http
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


@over_http
@pytest.mark.parametrize("sent", list(NotificationKind))
def test_a_preview_shows_what_is_sent(kind: str, sent: NotificationKind) -> None:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(200, text="ok")

    message = a_message(kind=sent)
    a_channel(kind, take).send(message, dedup_key="k")
    shown = case_of(kind).parsed().rendered(message, dedup_key="k")
    if shown.text is not None:
        assert shown.text in parse_qs(got[0].content.decode())["Body"]
    else:
        body = json.loads(got[0].content)
        # A key is a secret, and stands in no preview.
        assert shown.data == {**body, **({"routing_key": "(hidden)"} if "routing_key" in body else {})}


@over_http
@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError])
def test_it_retries_what_the_network_lost(kind: str, error: type[httpx.RequestError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error(f"lost {request.url}", request=request)

    receipt = a_channel(kind, fail).send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.permanent) == (False, False)


class _Reset(httpx.SyncByteStream):
    """The beginning of an answer, and then the connection is reset."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"o"
        raise httpx.ReadError("connection reset by peer")


@over_http
def test_a_2xx_and_then_a_reset_is_delivered(kind: str) -> None:
    receipt = a_channel(kind, lambda _request: httpx.Response(200, stream=_Reset())).send(a_message(), dedup_key="k")
    assert receipt.ok, receipt.detail


@over_http
def test_500_twenty_times_is_tried_again_each_time_and_the_next_answer_delivers(kind: str) -> None:
    statuses = iter([500] * 20 + [200])
    channel = a_channel(kind, lambda _request: httpx.Response(next(statuses), text="ok"))
    receipts = [channel.send(a_message(), dedup_key="k") for _ in range(21)]
    assert [(one.ok, one.permanent) for one in receipts] == [(False, False)] * 20 + [(True, False)]


@over_http
def test_it_waits_as_long_as_it_is_asked_to(kind: str) -> None:
    receipt = a_channel(kind, answers(429, headers={"Retry-After": "17"})).send(a_message(), dedup_key="k")
    assert receipt.retry_after_s == 17


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2026 07:29:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
        ({"Retry-After": "Wednesday, 21-Oct-26 07:29:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
        ({"Retry-After": "Wed Oct 21 07:29:00 2026", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
        ({"Retry-After": "Mon, 23 Nov 2026 16:21:00 GMT"}, 60),
        ({"Retry-After": "Mon, 23 Nov 2026 16:21:00 GMT", "Date": "nonsense"}, 60),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 86_400),
        ({"Retry-After": "9" * 400}, 86_400),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_what_an_answer_asks_to_wait_is_read_in_every_form_and_bounded(
    told: dict[str, str], wait_s: float | None
) -> None:
    moment = datetime(2026, 11, 23, 16, 20, tzinfo=UTC)
    assert retry_after_s(httpx.Headers(told), now=moment) == wait_s


@over_http
@pytest.mark.parametrize("status", [200, 302, 404, 503, None])
def test_it_leaks_no_secret(kind: str, status: int | None) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError(f"cannot reach {request.url}", request=request)
        return httpx.Response(status, text=f"no {request.url}", headers={"Location": str(request.url)})

    channel = a_channel(kind, answer)
    receipt = channel.send(a_message(), dedup_key="k")
    assert "very-secret-token" not in repr(receipt) + repr(channel) + str(channel)


@over_http
def test_it_posts_what_broke(kind: str) -> None:
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(200, text="ok")

    a_channel(kind, answer).send(a_message(), dedup_key="inc-1.1.firing")
    assert got[0].method == "POST"
    assert "GA purchase fails" in case_of(kind).text_of(got[0])


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
        ("64:ff9b:1::a00:1", False),
        ("fec0::1", False),
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
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


def a_guarded_channel(kind: str, url: str, *, allow: Any = ("127.0.0.0/8",), **how: Any) -> Channel:
    """A channel as the hub makes it, whose tries are short."""
    case, proxies = case_of(kind), how.pop("environment", {})
    networks = [ipaddress.ip_network(network) for network in allow]
    return case.channel(resources(case.at(url), **{"allow": networks, "try_s": TRY_S, "proxies": proxies, **how}))


def sent(channel: Channel) -> Receipt:
    receipt: Receipt = ends(lambda: channel.send(a_message(), dedup_key="k"))
    return receipt


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hook.test that nobody has signed but itself."""
    return a_certificate(tmp_path_factory.mktemp("tls"), name="hook.test", of="DNS:hook.test")


def with_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as opened:
        yield opened


RECEIVERS: list[tuple[str, bool, bool, float | None]] = [
    ("well", True, False, None),
    ("silent after accept", False, False, None),
    ("silent after the request", False, False, None),
    ("silent after headers", True, False, None),
    ("drips headers", False, False, None),
    ("drips content", True, False, None),
    ("endless content", True, False, None),
    ("endless headers", False, False, None),
    ("endless interim answers", False, False, None),
    ("endless compressed", True, False, None),
    ("compressed to much", True, False, None),
    ("429 with seconds", False, False, 60.0),
    ("429 with a date", False, False, 60.0),
    ("500", False, False, None),
    ("redirect", False, True, None),
    ("200 with another body", True, False, None),
    ("204", True, False, None),
    ("resets", False, False, None),
    ("not HTTP", False, False, None),
]
"""What comes of a try at each receiver of the rig: whether it has the message, whether another try is useless, the wait it asks."""


@over_http
@pytest.mark.parametrize(("behaviour", "ok", "permanent", "wait_s"), RECEIVERS)
def test_a_try_comes_to_its_end_whatever_the_receiver_does(
    kind: str, rig: Rig, behaviour: str, ok: bool, permanent: bool, wait_s: float | None
) -> None:
    receipt = sent(a_guarded_channel(kind, rig.url(behaviour)))
    assert (receipt.ok, receipt.permanent, receipt.retry_after_s) == (ok, permanent, wait_s)


def test_every_behaviour_of_the_rig_is_tried_by_every_channel() -> None:
    assert {row[0] for row in RECEIVERS} == set(BEHAVIOURS)


@over_http
def test_little_is_read_of_an_answer_without_end(kind: str, rig: Rig) -> None:
    assert sent(a_guarded_channel(kind, rig.url("endless content"), try_s=20.0)).ok
    # The rest lies in the buffers of the two sockets, which the system bounds; ours has taken a few KiB of it.
    assert rig.calls("endless content")[0].sent < 20_000_000


@over_http
def test_what_is_sent_asks_for_an_answer_that_is_not_packed(kind: str, rig: Rig) -> None:
    assert sent(a_guarded_channel(kind, rig.url("well"))).ok
    assert b"accept-encoding: identity\r\n" in rig.calls("well")[0].asked.lower()


@over_http
def test_a_name_that_is_never_resolved_takes_no_longer_than_a_try(kind: str, rig: Rig) -> None:
    receipt = sent(a_guarded_channel(kind, "http://slow.test/hook", names=rig.names()))
    assert (receipt.ok, receipt.permanent, receipt.detail) == (False, False, "no answer: ConnectTimeout")


@over_http
@pytest.mark.parametrize("first", ["black_hole", "closed_port"])
def test_each_address_of_a_name_is_tried_in_turn(kind: str, rig: Rig, first: str) -> None:
    broken = getattr(rig, first)()
    names = rig.names(hook=[broken, ("127.0.0.1", rig.server("well").port)])
    assert sent(a_guarded_channel(kind, "http://hook.test/hook", names=names, try_s=20.0)).ok


@over_http
def test_an_address_of_the_other_family_is_tried_when_the_first_fails(kind: str, rig: Rig) -> None:
    names = rig.names(hook=[("::1", rig.closed_port()[1]), ("127.0.0.1", rig.server("well").port)])
    how = {"names": names, "allow": ("127.0.0.0/8", "::1/128"), "try_s": 20.0}
    assert sent(a_guarded_channel(kind, "http://hook.test/", **how)).ok


@over_http
def test_where_one_address_is_forbidden_none_is_connected_to(kind: str, rig: Rig) -> None:
    names = rig.names(hook=[("127.0.0.1", rig.server("well").port), ("10.0.0.1", 80)])
    receipt = sent(a_guarded_channel(kind, "http://hook.test/hook", names=names))
    assert (receipt.ok, receipt.permanent) == (False, True)
    assert "10.0.0.1, which is not a public address" in receipt.detail
    assert rig.calls("well") == []


@over_http
def test_a_certificate_that_nobody_signed_is_refused_and_named(kind: str, rig: Rig, certificate: Path) -> None:
    server = rig.serve("wrong TLS", answers_well(200), tls=with_tls(certificate))
    receipt = sent(a_guarded_channel(kind, f"https://127.0.0.1:{server.port}/secret", try_s=20.0))
    assert (receipt.ok, receipt.permanent) == (False, False)
    assert receipt.detail == "its certificate is refused: self-signed certificate"


@over_http
def test_a_certificate_of_an_authority_of_ones_own_is_trusted(kind: str, rig: Rig, certificate: Path) -> None:
    server = rig.serve("TLS", answers_well(200), tls=with_tls(certificate))
    names = rig.names(hook=[("127.0.0.1", server.port)])
    how = {"names": names, "environment": {"NODE_EXTRA_CA_CERTS": str(certificate)}, "try_s": 20.0}
    assert sent(a_guarded_channel(kind, "https://hook.test/hook", **how)).ok


def test_a_certificate_for_another_name_tells_no_address(rig: Rig, certificate: Path) -> None:
    server = rig.serve("TLS", answers_well(200), tls=with_tls(certificate))
    how = {
        "names": rig.names(other=[("127.0.0.1", server.port)]),
        "environment": {"NODE_EXTRA_CA_CERTS": str(certificate)},
        "try_s": 20.0,
    }
    receipt = sent(a_guarded_channel("webhook", "https://other.test/hook", **how))
    assert receipt.detail == "its certificate is refused: Hostname mismatch, certificate is not valid for this name."


@over_http
@pytest.mark.parametrize("behaviour", ["silent after accept", "drips headers"])
def test_a_receiver_that_hangs_in_the_middle_of_tls_is_given_up(kind: str, rig: Rig, behaviour: str) -> None:
    url = rig.url(behaviour).replace("http:", "https:")
    assert sent(a_guarded_channel(kind, url)).detail == "no answer: ConnectTimeout"


@over_http
def test_bytes_that_drip_through_tls_are_late_too(kind: str, rig: Rig, certificate: Path) -> None:
    server = rig.serve("drips through TLS", drips_headers, tls=with_tls(certificate))
    how = {
        "names": rig.names(hook=[("127.0.0.1", server.port)]),
        "environment": {"NODE_EXTRA_CA_CERTS": str(certificate)},
        "try_s": 2.0,
    }
    assert sent(a_guarded_channel(kind, "https://hook.test/hook", **how)).detail.startswith("no answer: ReadTimeout")


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


def test_no_wish_of_a_receiver_puts_the_last_try_off_beyond_the_day() -> None:
    when = next_try(
        Severity.HIGH,
        tries=2,
        first_at=NOW,
        now=NOW + timedelta(hours=23),
        retry_after_s=86_400.0,
        jitter=lambda: 1.0,
    )
    assert when == NOW + timedelta(hours=24)


def test_after_a_day_it_is_given_up() -> None:
    late = NOW + timedelta(hours=24)
    assert next_try(Severity.HIGH, tries=9, first_at=NOW, now=late, retry_after_s=None, jitter=lambda: 1.0) is None


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 s"), (200, "3 min 20 s"), (240, "4 min"), (7500, "2 h 5 min")])
def test_a_length_of_time_is_said_as_a_person_says_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@over_http
def test_nothing_that_hides_or_turns_text_leaves_by_a_channel(kind: str) -> None:
    evil = "\u202egnp.exe\u2066\u200b\x00\x9b\x1b[31m\ud800"
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
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
    told = case_of(kind).text_of(sent[0])
    assert "gnp.exe" in told
    assert [c for c in told if unicodedata.category(c) in ("Cc", "Cf", "Cs")] == []


def test_a_message_that_was_stored_before_is_stripped_as_it_is_read() -> None:
    stored = to_wire(a_message()) | {"headline": "Critical\u202e"}
    assert from_wire(Message, stored).headline == "Critical"
