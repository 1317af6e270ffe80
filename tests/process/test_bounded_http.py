"""Every exchange is over in time and reads no more than it may, whatever the server does; and it goes by the proxy that is set."""

from __future__ import annotations

import gzip
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.channels import Receipt, Slack, Webhook, guarded_client
from alerts.message import Message
from config import ConfigError, Secret
from facts import NotificationKind, Severity
from journeys.checkout_session import StripeAccess
from process.bounded_http import AnswerTooLargeError, bounded_client
from process.connecting import Names, open_connection
from runner.ledger.undo import StripeDesk, UndoError
from runner.spool.hub_client import HubClient, HubError
from sources import SourceError
from sources.inventory import read_inventory
from tests.blame.sockets import a_certificate
from tests.receivers import BEHAVIOURS, Behaviour, Call, Rig, answers, ends, no_thread

ROOT = Path(__file__).resolve().parents[2]
SHORT_S = 0.3
LATE = ("silent after accept", "silent after the request", "silent after headers", "drips headers", "drips content")
LARGE = ("endless content", "endless headers", "endless interim answers", "endless compressed", "compressed to much")
NOW = datetime(2026, 11, 23, 16, 20, tzinfo=UTC)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as opened:
        yield opened


def a_client(**how: Any) -> httpx.Client:
    return bounded_client(**{"timeout_s": 20.0, "most_bytes": 10_000, "environment": {}, **how})


def asked(client: httpx.Client, url: str) -> httpx.Response | Exception:
    """What a call brings, or raises."""

    def ask() -> httpx.Response | Exception:
        try:
            return client.get(url)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with client:
        answer: httpx.Response | Exception = ends(ask)
    return answer


@pytest.mark.parametrize("behaviour", LATE)
def test_a_timeout_is_the_total_time_of_an_exchange(rig: Rig, behaviour: str) -> None:
    assert isinstance(asked(a_client(timeout_s=SHORT_S), rig.url(behaviour)), httpx.ReadTimeout)


@pytest.mark.parametrize("behaviour", LARGE)
def test_no_more_is_read_than_may_be_and_none_unpacked(rig: Rig, behaviour: str) -> None:
    error = asked(a_client(), rig.url(behaviour))
    # h11 has a bound of its own for headers.
    assert isinstance(error, AnswerTooLargeError | httpx.RemoteProtocolError), error


def test_an_upload_to_a_server_that_reads_nothing_is_late_too(rig: Rig) -> None:
    client = a_client(timeout_s=SHORT_S)
    with client, pytest.raises(httpx.WriteTimeout):
        client.post(rig.url("silent after accept"), content=b"x" * 50_000_000)


def test_a_call_may_have_a_time_of_its_own(rig: Rig) -> None:
    with a_client(timeout_s=3600.0) as client:
        assert ends(lambda: _raises(lambda: client.get(rig.url("drips content"), timeout=SHORT_S))) == "ReadTimeout"


def test_a_call_without_a_time_has_one_all_the_same(rig: Rig) -> None:
    with a_client() as client:
        assert client.get(rig.url("well"), timeout=None).text == "ok"


def _raises(do: Callable[[], Any]) -> str:
    try:
        do()
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return type(error).__name__
    return "nothing"


def test_what_a_server_packs_unasked_is_unpacked_within_the_bound(rig: Rig) -> None:
    rig.serve("packed", answers(200, body=gzip.compress(b"x" * 9000), Content_Encoding="gzip"))
    answer = asked(a_client(), rig.url("packed"))
    assert isinstance(answer, httpx.Response)
    assert answer.text == "x" * 9000
    assert b"accept-encoding: identity\r\n" in rig.calls("packed")[0].asked.lower()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_what_is_packed_in_another_way_is_not_read(rig: Rig, encoding: str) -> None:
    rig.serve("packed", answers(200, body=b"\x0b\x02\x80xxx\x03", Content_Encoding=encoding))
    assert isinstance(asked(a_client(), rig.url("packed")), httpx.DecodingError)


@pytest.mark.parametrize(
    "charset", ["hex", "rot13", "bz2", "idna", "punycode", "undefined", "utf-16", "no-such", "x" * 3000]
)
def test_an_answer_in_an_encoding_that_is_none_is_read_all_the_same(rig: Rig, charset: str) -> None:
    rig.serve("odd", answers(200, body=b"ok", Content_Type=f"text/plain; charset={charset}"))
    answer = asked(a_client(), rig.url("odd"))
    assert isinstance(answer, httpx.Response), repr(answer)
    assert answer.text == "ok"
    receipt = through(rig, rig.url("odd"), {}, kind="slack", allow=[ipaddress.ip_network("127.0.0.0/8")])
    assert receipt == Receipt(ok=True, status=200, detail="Slack answered ok (200)"), (
        "it said 200, and so has the message"
    )


def test_an_answer_is_read_in_the_encoding_that_it_names(rig: Rig) -> None:
    rig.serve("old", answers(502, body="Bitte später".encode("latin-1"), Content_Type="text/html; charset=iso-8859-1"))
    answer = asked(a_client(), rig.url("old"))
    assert isinstance(answer, httpx.Response), repr(answer)
    assert answer.text == "Bitte später"


def test_a_server_that_sets_ever_new_cookies_has_none_back(rig: Rig) -> None:
    cookie = "x" * 900

    def sets_one(call: Call) -> None:
        answers(200, Set_Cookie=f"c{len(rig.calls('cookies'))}={cookie}; Max-Age=86400")(call)

    rig.serve("cookies", sets_one)
    with a_client() as client:
        for _ in range(3):
            ends(lambda: client.get(rig.url("cookies")))
        assert not client.cookies
    assert [b"cookie" in call.asked.lower() for call in rig.calls("cookies")] == [False] * 3


def test_a_connection_is_kept_for_the_next_call_where_that_is_wanted(rig: Rig) -> None:
    def twice(call: Call) -> None:
        for _ in range(2):
            call.asked = b""
            call.take()
            call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    rig.serve("twice", twice)
    with a_client() as client:
        assert [client.get(rig.url("twice")).text for _ in range(2)] == ["ok", "ok"]
    assert len(rig.calls("twice")) == 1


# Names and connections


def test_a_name_that_hangs_is_asked_for_once_and_others_are_not_kept_waiting() -> None:
    hangs, looked_up = threading.Event(), []

    def resolve(host: str, port: int) -> list[Any]:
        looked_up.append(host)
        if host == "slow.test":
            hangs.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    names = Names(resolve, most=2)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            names.endpoints("slow.test", 80, within_s=0.01)
    assert names.endpoints("quick.test", 80, within_s=20)[0].sockaddr == ("127.0.0.1", 80)
    assert looked_up == ["slow.test", "quick.test"]
    hangs.set()
    assert names.endpoints("slow.test", 80, within_s=20)


def test_a_name_for_which_there_was_no_thread_is_looked_up_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names()
    with monkeypatch.context() as short_of_threads:
        short_of_threads.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(OSError, match="no thread"):
            names.endpoints("127.0.0.1", 80, within_s=20)
    assert [str(e.address) for e in names.endpoints("127.0.0.1", 80, within_s=20)] == ["127.0.0.1"]


def test_so_many_names_may_hang_and_no_more_threads_are_made() -> None:
    hangs = threading.Event()

    def resolve(_host: str, _port: int) -> list[Any]:
        hangs.wait(30)
        return []

    names = Names(resolve, most=2)
    for host in ("a.test", "b.test"):
        with pytest.raises(TimeoutError):
            names.endpoints(host, 80, within_s=0.01)
    with pytest.raises(OSError, match="2 names wait for the resolver"):
        names.endpoints("c.test", 80, within_s=20)
    hangs.set()


def test_a_connection_goes_to_the_first_address_that_answers(rig: Rig) -> None:
    server = rig.server("well")
    names = rig.names(site=[rig.black_hole(), rig.closed_port(), ("127.0.0.1", server.port)])
    with open_connection("site.test", 80, within_s=20, names=names) as sock:
        assert sock.getpeername() == ("127.0.0.1", server.port)


def test_where_no_address_answers_the_time_is_up_and_where_all_refuse_that_is_said(rig: Rig) -> None:
    names = rig.names(lost=[rig.black_hole(), rig.black_hole()], refused=[rig.closed_port(), rig.closed_port()])
    with pytest.raises(TimeoutError):
        open_connection("lost.test", 80, within_s=0.6, names=names)
    with pytest.raises(ConnectionRefusedError):
        open_connection("refused.test", 80, within_s=20, names=names)


# Who uses it


@pytest.mark.parametrize("behaviour", [*LATE, *LARGE])
def test_an_inventory_that_hangs_or_has_no_end_is_no_sample(rig: Rig, behaviour: str) -> None:
    with a_client(timeout_s=SHORT_S if behaviour in LATE else 20.0) as client:
        assert ends(lambda: _raises(lambda: read_inventory(client, rig.url(behaviour), NOW))) == "SourceError"


def test_an_inventory_behind_a_date_is_waited_for(rig: Rig) -> None:
    with a_client() as client, pytest.raises(SourceError) as told:
        read_inventory(client, rig.url("429 with a date"), NOW)
    assert told.value.retry_after_s == 60


@pytest.mark.parametrize("behaviour", [*LATE, *LARGE])
def test_a_hub_that_hangs_or_has_no_end_does_not_hold_a_runner_up(rig: Rig, behaviour: str) -> None:
    with a_client(timeout_s=SHORT_S if behaviour in LATE else 20.0) as client:
        hub = HubClient(rig.url(behaviour), location="us-east", client=client)
        assert ends(lambda: _raises(hub.get_plan)) == "HubError"


def test_a_hub_whose_answer_is_nested_too_deeply_is_not_understood(rig: Rig) -> None:
    rig.serve("deep", answers(200, body=b"[" * 200_000))
    with a_client(most_bytes=1_000_000) as client:
        hub = HubClient(rig.url("deep"), location="us-east", client=client)
        for ask in (hub.get_plan, lambda: hub.send_runs([], spooled=0), lambda: hub.claim("f0", NOW, "runner-1")):
            with pytest.raises(HubError, match="recursion"):
                ask()


def test_a_hub_behind_a_date_is_waited_for(rig: Rig) -> None:
    with a_client() as client, pytest.raises(HubError) as told:
        HubClient(rig.url("429 with a date"), location="us-east", client=client).get_plan()
    assert told.value.wait_s == 60


@pytest.mark.parametrize("behaviour", ["silent after headers", "drips content"])
def test_a_stripe_that_hangs_does_not_hold_the_cleaner_up(rig: Rig, behaviour: str) -> None:
    desk = StripeDesk(StripeAccess("sk_test_1", rig.url(behaviour)), timeout_s=SHORT_S)
    try:
        assert ends(lambda: _raises(lambda: desk.find("cs_test_1"))) == UndoError.__name__
    finally:
        desk.close()


# Proxies


def a_proxy(rig: Rig, *, tunnels_to: Mapping[str, int] | None = None) -> Behaviour:
    """A proxy: it answers plain requests itself, and connects a tunnel to a port of this machine."""

    def behave(call: Call) -> None:
        call.take()
        method, target, _ = call.asked.split(b" ", 2)
        if method != b"CONNECT":
            call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        with socket.create_connection(("127.0.0.1", (tunnels_to or {})[target.decode()])) as there:
            call.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, call.sock), daemon=True)
            back.start()
            _pump(call.sock, there)
            back.join(10)

    return behave


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def through(rig: Rig, url: str, environment: Mapping[str, str], **how: Any) -> Receipt:
    """Send a message where these variables are set."""
    message = Message(
        incident="inc-1", kind=NotificationKind.FIRING, severity=Severity.HIGH, headline="F0", summary="it fails"
    )
    kind, allow = how.pop("kind", "webhook"), how.pop("allow", ())
    client = guarded_client(allow, try_s=20.0, environment=environment, names=rig.names(**how))
    with client:
        made = {"slack": Slack, "webhook": Webhook}[kind]
        channel = made(url=Secret(url), client=client)
        receipt: Receipt = ends(lambda: channel.send(message, dedup_key="k"))
    return receipt


def heads(rig: Rig, name: str) -> list[str]:
    return [call.asked.partition(b"\r\n")[0].decode() for call in rig.calls(name)]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_messages_go_by_the_proxy_that_is_set_and_the_proxy_resolves_the_name(rig: Rig, variable: str) -> None:
    proxy = rig.serve("proxy", a_proxy(rig))
    environment = {variable: f"http://127.0.0.1:{proxy.port}"}
    assert through(rig, "http://hooks.only-the-proxy-knows.invalid/x", environment).ok
    assert heads(rig, "proxy") == ["POST http://hooks.only-the-proxy-knows.invalid/x HTTP/1.1"]


def test_an_encrypted_receiver_is_reached_by_a_tunnel_with_the_proxys_login(rig: Rig, tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, name="hook.test", of="DNS:hook.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver = rig.serve("receiver", answers(200), tls=context)
    proxy = rig.serve("proxy", a_proxy(rig, tunnels_to={"hook.test:443": receiver.port}))
    environment = {
        "HTTPS_PROXY": f"http://user:pass@127.0.0.1:{proxy.port}",
        "NODE_EXTRA_CA_CERTS": str(certificate),
    }
    receipt = through(rig, "https://hook.test/x", environment, hook=[("8.8.8.8", 443)])
    assert receipt.ok, receipt.detail
    assert heads(rig, "proxy") == ["CONNECT hook.test:443 HTTP/1.1"]
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in rig.calls("proxy")[0].asked
    assert heads(rig, "receiver") == ["POST /x HTTP/1.1"]


def test_a_tunnel_through_an_encrypted_proxy_works_too(rig: Rig, tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, name="hook.test", of="DNS:hook.test,IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver = rig.serve("receiver", answers(200), tls=context)
    proxy = rig.serve("proxy", a_proxy(rig, tunnels_to={"hook.test:443": receiver.port}), tls=context)
    environment = {"HTTPS_PROXY": f"https://127.0.0.1:{proxy.port}", "NODE_EXTRA_CA_CERTS": str(certificate)}
    receipt = through(rig, "https://hook.test/x", environment, hook=[("8.8.8.8", 443)])
    assert receipt.ok, receipt.detail
    assert heads(rig, "receiver") == ["POST /x HTTP/1.1"]


@pytest.mark.parametrize("without", ["hook.test", ".test", "*", "other.example, hook.test"])
def test_what_no_proxy_names_is_reached_directly(rig: Rig, without: str) -> None:
    proxy = rig.serve("proxy", a_proxy(rig))
    environment = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": without}
    receiver = rig.server("well")
    allow = [ipaddress.ip_network("127.0.0.0/8")]
    assert through(rig, "http://hook.test/x", environment, allow=allow, hook=[("127.0.0.1", receiver.port)]).ok
    assert (heads(rig, "proxy"), heads(rig, "well")) == ([], ["POST /x HTTP/1.1"])


@pytest.mark.parametrize("host", ["10.1.2.3", "[fd00::1]", "169.254.169.254", "0x0a010203", "inside.test"])
def test_no_proxy_is_asked_for_a_private_address(rig: Rig, host: str) -> None:
    proxy = rig.serve("proxy", a_proxy(rig))
    environment = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"}
    receipt = through(rig, f"http://{host}/x", environment, inside=[("10.1.2.3", 80)])
    assert (receipt.ok, receipt.permanent) == (False, True)
    assert "is not a public address" in receipt.detail
    assert heads(rig, "proxy") == []


def test_a_private_network_that_was_named_is_asked_for(rig: Rig) -> None:
    proxy = rig.serve("proxy", a_proxy(rig))
    environment = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"}
    assert through(rig, "http://10.1.2.3/x", environment, allow=[ipaddress.ip_network("10.1.2.0/24")]).ok


@pytest.mark.parametrize("behaviour", ["silent after accept", "drips headers"])
def test_a_proxy_that_hangs_is_late_as_a_receiver_is(rig: Rig, behaviour: str) -> None:
    proxy = rig.server(behaviour)
    client = a_client(timeout_s=SHORT_S, environment={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    assert isinstance(asked(client, "https://site.invalid/"), httpx.ReadTimeout)


def test_a_variable_that_holds_no_proxy_is_found_at_the_start() -> None:
    with pytest.raises(ConfigError, match="HTTPS_PROXY"):
        a_client(environment={"HTTPS_PROXY": "ftp://proxy.test"})


def test_a_socks_proxy_is_refused_with_a_reason() -> None:
    error = asked(a_client(environment={"ALL_PROXY": "socks5://127.0.0.1:1"}), "http://site.invalid/")
    assert "a SOCKS proxy is for browsers only" in str(error)


def test_nobody_calls_over_http_in_another_way() -> None:
    # The demo speaks with itself, on this machine.
    excepted = {"process/bounded_http.py", "cli/demo.py"}
    other_ways = re.compile(r"httpx\.(Client|AsyncClient|get|post|put|request|stream)\(|urlopen\(|import requests")
    rooms = ("facts", "config", "journeys", "runner", "sources", "store", "sla", "alerts", "reports", "hub", "cli")
    found = {
        str(file.relative_to(ROOT))
        for room in rooms
        for file in (ROOT / room).rglob("*.py")
        if other_ways.search(file.read_text(encoding="utf-8"))
    }
    assert found <= excepted


def test_every_behaviour_is_known_as_late_or_large_or_harmless() -> None:
    harmless = {"well", "429 with seconds", "429 with a date", "500", "redirect", "200 with another body", "204"}
    assert set(BEHAVIOURS) == {*LATE, *LARGE, *harmless, "resets", "not HTTP"}
