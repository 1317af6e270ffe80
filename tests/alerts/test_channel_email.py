"""Mail: what arrives at a real SMTP server, how it threads, whom a server may refuse, and servers that misbehave."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError

from alerts.channels import Receipt, Resources, resources
from alerts.channels.email import mail
from alerts.message import Link
from facts import NotificationKind
from redact.masking import KNOWN
from tests.alerts.channel_case import Case, a_message
from tests.blame.sockets import a_certificate
from tests.receivers import BEHAVIOURS, Call, Rig, ends

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PASSWORD = "very-secret-token of the mail server"
CASE = Case(
    settings={"kind": "email", "host": "127.0.0.1", "sender": "alerts@6fb.dev", "to": ["ops@6fb.dev", "lead@6fb.dev"]},
    environment={},
    over_http=False,
)


class Mailbox:
    """A server's handler: keeps what it gets, and refuses whom it is told to, with that answer."""

    def __init__(self) -> None:
        self.got: list[tuple[Envelope, EmailMessage]] = []
        self.refuses: dict[str, str] = {}
        self.answer = "250 taken"
        self.logged_in: list[bytes] = []
        self.encrypted: list[bool] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        found = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        self.encrypted.append(session.ssl is not None)
        self.got.append((envelope, found))
        return self.answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.logged_in.append(login.login)
        return AuthResult(success=login.password.decode() == PASSWORD, handled=False)


class _Server(Controller):
    """On a port that the system chose."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def a_server(box: Mailbox, **how: Any) -> Iterator[int]:
    server = _Server(box, hostname="127.0.0.1", port=0, ready_timeout=30, **how)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


def send(port: int, *, try_s: float = 10.0, environment: Any = None, **settings: Any) -> Receipt:
    how = {"port": port, "security": "none", **settings}
    use = resources(environment or {}, allow=LOOPBACK, try_s=try_s, proxies={}, names=how.pop("names", None))
    facts, key = how.pop("facts", {}), how.pop("dedup_key", "inc-1.1.firing.mail")
    channel = CASE.channel(use, **how)
    receipt: Receipt = ends(lambda: channel.send(a_message(**facts), dedup_key=key))
    return receipt


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("250 2.0.0 Ok: queued as 4FzQ2x1Zz9", "250, queued as 4FzQ2x1Zz9"),
        ("250 OK queued as 1a2b-3c4d for ops@shop.test", "250, queued as 1a2b-3c4d"),
        ("250 queued as ops@shop.test", "250"),
        ("250 taken by very-secret", "250"),
    ],
)
def test_the_servers_answer_is_the_receipt_without_whatever_it_repeats(box: Mailbox, answer: str, told: str) -> None:
    box.answer = answer
    with a_server(box) as port:
        assert send(port).detail == f"the server took it for 2 ({told})"


def test_a_mail_arrives_at_all_with_a_plain_and_an_html_part(box: Mailbox) -> None:
    with a_server(box) as port:
        receipt = send(port)
    assert (receipt.ok, receipt.note, receipt.detail) == (True, None, "the server took it for 2 (250)")
    envelope, got = box.got[0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@6fb.dev", ["ops@6fb.dev", "lead@6fb.dev"])
    assert (got["Subject"], got["From"]) == ("Critical: GA purchase fails", "alerts@6fb.dev")
    assert got["To"] == "ops@6fb.dev, lead@6fb.dev"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Date"].datetime.tzinfo is not None
    plain, html = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None
    assert html is not None
    for part in (plain, html):
        assert "GA purchase fails at 2 of 3 locations" in part.get_content()
        assert "https://hub.test/runs/r1" in part.get_content()


def test_the_mails_of_an_incident_are_one_thread(box: Mailbox) -> None:
    with a_server(box) as port:
        send(port, dedup_key="inc-7.1.firing.mail", facts={"incident": "inc-7"})
        for number, kind in ((2, NotificationKind.UPDATE), (3, NotificationKind.RESOLVED)):
            send(port, dedup_key=f"inc-7.{number}.{kind}.mail", facts={"incident": "inc-7", "kind": kind})
    first, second, third = (got for _, got in box.got)
    assert first["References"] is None
    for later in (second, third):
        assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert len({one["Message-ID"] for one in (first, second, third)}) == 3
    assert str(first["Message-ID"]).endswith("@6fb.dev>")


def test_another_try_of_one_mail_is_the_same_mail() -> None:
    one, two = (mail(a_message(), "inc-1.1.firing.mail", sender="a@6fb.dev", to=["b@6fb.dev"]) for _ in range(2))
    assert one["Message-ID"] == two["Message-ID"]
    other = mail(a_message(incident="inc-2"), "inc-2.1.firing.mail", sender="a@6fb.dev", to=["b@6fb.dev"])
    assert other["Message-ID"] != one["Message-ID"]


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: everybody@evil.test", "x\nBcc: e@evil.test", "x\r\n\r\nbody", "\u2028Bcc: e"]
)
def test_no_text_makes_a_header(box: Mailbox, evil: str) -> None:
    with a_server(box) as port:
        assert send(port, facts={"headline": evil, "incident": evil, "mark": evil}, dedup_key=evil).ok
    envelope, got = box.got[0]
    assert got["Bcc"] is None
    assert envelope.rcpt_tos == ["ops@6fb.dev", "lead@6fb.dev"]
    assert set(got.keys()) == {
        "Subject",
        "From",
        "To",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Sixfb-Incident",
        "X-Sixfb-Message",
        "MIME-Version",
        "Content-Type",
    }


def test_a_pages_text_is_text_and_a_strange_link_is_none() -> None:
    message = a_message(
        summary="<script>alert(1)</script>", links=(Link(name="x", url="javascript:alert(1)"),), runbook="docs/x#y"
    )
    made = mail(message, "k", sender="a@6fb.dev", to=["b@6fb.dev"])
    html = made.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert "javascript:" not in html.get_content()


def test_it_goes_by_starttls_with_a_login(box: Mailbox, tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, name="127.0.0.1", of="IP:127.0.0.1")
    environment = {"SMTP_USER": "alerts", "SMTP_PASSWORD": PASSWORD, "NODE_EXTRA_CA_CERTS": str(certificate)}
    login: dict[str, Any] = {"username_from": "SMTP_USER", "password_from": "SMTP_PASSWORD", "security": "starttls"}
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    how = {"tls_context": tls, "require_starttls": True, "authenticator": box.authenticate, "auth_required": True}
    with a_server(box, **how) as port:
        assert send(port, environment=environment, **login).ok
        refused = send(port, environment={**environment, "SMTP_PASSWORD": "wrong"}, **login)
        untrusted = send(port, environment={**environment, "NODE_EXTRA_CA_CERTS": ""}, **login)
    assert box.encrypted == [True]
    assert set(box.logged_in) == {b"alerts"}
    assert (refused.ok, refused.permanent, refused.detail) == (False, True, "the login is refused: 535")
    assert not untrusted.ok
    assert untrusted.detail == "its certificate is refused: self-signed certificate"


def test_it_goes_by_tls_from_the_first_byte(box: Mailbox, tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, name="127.0.0.1", of="IP:127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with a_server(box, ssl_context=tls) as port:
        assert send(port, security="tls", environment={"NODE_EXTRA_CA_CERTS": str(certificate)}).ok
    assert len(box.got) == 1


def test_nothing_is_sent_in_the_open_where_encryption_was_asked_for(box: Mailbox) -> None:
    with a_server(box) as port:
        receipt = send(port, security="starttls")
    assert (receipt.ok, receipt.permanent) == (False, True)
    assert "no encryption" in receipt.detail
    assert box.got == []


def test_who_is_refused_is_told_and_the_others_have_it(box: Mailbox) -> None:
    box.refuses["lead@6fb.dev"] = "550 no such user here"
    with a_server(box) as port:
        receipt = send(port)
    assert receipt.ok
    assert receipt.note == "the server took it for 1 of 2 recipients, and refused number 2 (550) of `to`"
    assert box.got[0][0].rcpt_tos == ["ops@6fb.dev"]


@pytest.mark.parametrize(
    ("answers", "permanent"),
    [(("550 no", "551 no"), True), (("450 later", "550 no"), False), (("451 greylisted", "451 greylisted"), False)],
)
def test_where_everybody_is_refused_it_is_tried_again_if_that_may_pass(
    box: Mailbox, answers: tuple[str, str], permanent: bool
) -> None:
    box.refuses = dict(zip(("ops@6fb.dev", "lead@6fb.dev"), answers, strict=True))
    with a_server(box) as port:
        receipt = send(port)
    assert (receipt.ok, receipt.permanent) == (False, permanent)
    assert "6fb.dev" not in receipt.detail


@pytest.mark.parametrize(("answer", "permanent"), [("451 disk full", False), ("554 spam", True)])
def test_a_mail_that_is_refused_is_tried_again_if_that_may_pass(box: Mailbox, answer: str, permanent: bool) -> None:
    box.answer = answer
    with a_server(box) as port:
        receipt = send(port)
    assert (receipt.ok, receipt.permanent, receipt.detail) == (False, permanent, f"the server refuses: {answer[:3]}")


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
@pytest.mark.parametrize("security", ["none", "tls"])
def test_a_try_comes_to_its_end_whatever_answers(tmp_path: Path, behaviour: str, security: str) -> None:
    with Rig(tmp_path) as rig:
        receipt = send(rig.server(behaviour).port, try_s=0.5, security=security)
    assert (receipt.ok, receipt.permanent) == (False, False)
    assert receipt.detail.startswith(("no answer", "its certificate"))


def says(*lines: bytes, drips: bool = False, for_ever: bool = False) -> Any:
    """A server that says these lines, one after each line that it hears."""

    def behave(call: Call) -> None:
        for number, line in enumerate(lines):
            if number:
                call.sock.recv(65536)
            (call.drip if drips else call.say)(line)
        while for_ever and not call.over.is_set():
            call.say(b"250-and more of it\r\n" * 1000)
        call.over.wait()

    return behave


@pytest.mark.parametrize(
    ("behave", "permanent"),
    [
        (says(b"220 hello\r\n", b"250-x\r\n", for_ever=True), False),
        (says(b"220 " + b"x" * 200_000 + b"\r\n"), False),
        (says(b"220-x\r\n" * 100_000), False),
        (says(b"220 hello\r\n", b"250 " + b"slow " * 10_000, drips=True), False),
        (says(b"220 hello\r\n"), False),
        (says(b"421 too busy\r\n"), False),
        (says(b"554 no mail from you\r\n"), True),
        (says(b"220 hello\r\n", b"250 hi\r\n", b"421 going down\r\n"), False),
    ],
)
def test_a_server_that_drips_or_never_stops_is_given_up(tmp_path: Path, behave: Any, permanent: bool) -> None:
    with Rig(tmp_path) as rig:
        receipt = send(rig.serve("server", behave).port, try_s=1.0)
        calls = rig.calls("server")
    assert (receipt.ok, receipt.permanent) == (False, permanent)
    assert sum(call.sent for call in calls) < 20_000_000


def test_a_mail_that_the_server_took_is_sent_though_it_says_no_good_bye(tmp_path: Path) -> None:
    lines = [b"220 hello\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"]

    def behave(call: Call) -> None:
        for number, line in enumerate(lines):
            if number:
                call.sock.recv(65536)
            call.say(line)
        heard = b""
        while not heard.endswith(b"\r\n.\r\n"):
            heard += call.sock.recv(65536)
        call.say(b"250 taken\r\n")
        call.over.wait()

    with Rig(tmp_path) as rig:
        assert send(rig.serve("server", behave).port, try_s=2.0).ok


def test_nothing_is_connected_to_that_messages_may_not_go_to(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        port = rig.server("well").port
        channel = CASE.channel(resources({}, allow=(), try_s=2.0, proxies={}), port=port, security="none")
        receipt = ends(lambda: channel.send(a_message(), dedup_key="k"))
        assert (receipt.ok, receipt.permanent) == (False, True)
        assert "not a public address" in receipt.detail
        assert rig.calls("well") == []


def test_a_name_that_is_never_resolved_and_a_closed_port_are_no_answer(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        slow = send(25, try_s=0.5, host="slow.test.dev", names=rig.names())
        closed = send(rig.closed_port()[1], try_s=2.0, host=rig.closed_port()[0])
    assert (slow.ok, slow.permanent) == (False, False)
    assert (closed.ok, closed.permanent, closed.detail) == (False, False, "no answer: ConnectionRefusedError")


def test_the_password_is_shown_nowhere() -> None:
    environment = {"SMTP_USER": "alerts", "SMTP_PASSWORD": PASSWORD}
    use = Resources(client=httpx.Client(), environment=environment)
    channel = CASE.channel(use, username_from="SMTP_USER", password_from="SMTP_PASSWORD")
    assert PASSWORD not in repr(channel)


def test_the_password_is_masked_everywhere_and_the_user_name_nowhere() -> None:
    environment = {"SMTP_USER": "alerts", "SMTP_PASSWORD": PASSWORD}
    login = {"username_from": "SMTP_USER", "password_from": "SMTP_PASSWORD"}
    assert not [one for one in CASE.parsed(**login).missing(environment) if one.key in login]
    CASE.channel(Resources(client=httpx.Client(), environment=environment), **login)
    assert KNOWN.mask(f"alerts.yaml: alerts logs in with {PASSWORD}") == "alerts.yaml: alerts logs in with ***"


@pytest.mark.parametrize(
    ("changes", "key", "blocks"),
    [
        ({"host": "smtp.example.com"}, "host", True),
        ({"host": ""}, "host", True),
        ({"sender": "alerts@example.com"}, "sender", True),
        ({"to": ["ops@example.com"]}, "to", True),
        ({"to": ["ops@6fb.dev", "engineering-lead@example.org"]}, "to", False),
        ({"username_from": "SMTP_USER", "password_from": "SMTP_PASSWORD"}, "username_from", True),
    ],
)
def test_placeholders_and_a_login_that_is_not_set_are_told(changes: dict[str, Any], key: str, blocks: bool) -> None:
    missing = CASE.parsed(**changes).missing({})
    assert (missing[0].key, missing[0].blocks) == (key, blocks)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"host": "smtp host"}, "no host's name"),
        ({"sender": "alerts"}, "no address"),
        ({"sender": "a@b\r\nBcc: c@d"}, "no address"),
        ({"to": []}, "0 recipients"),
        ({"to": ["a@b.dev", "Ops <ops@b.dev>"]}, "no address"),
        ({"port": 0}, "1"),
        ({"port": 65536}, "65,535"),
        ({"username_from": "SMTP_USER"}, "needs both"),
        ({"password_from": "SMTP_PASSWORD"}, "needs both"),
        ({"username_from": "a@b", "password_from": "SMTP_PASSWORD"}, "no environment variable"),
        ({"username_from": "SMTP_USER", "password_from": "SMTP_PW", "security": "none"}, "not encrypted"),
        ({"security": "ssl"}, "starttls"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CASE.parsed(**wrong)
