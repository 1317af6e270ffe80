"""Sends mail by SMTP: a plain and an HTML part, with the mails of one incident in one thread."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Annotated, Any, ClassVar, Literal

from alerts.channels.channel import Receipt, reason_of
from alerts.channels.guard import ForbiddenTargetError, Network, judge_for
from alerts.channels.settings import (
    STRICT,
    Missing,
    Rendered,
    Resources,
    missing_secret,
    must_name_a_variable,
    secret_of,
)
from alerts.channels.text import cut, facts_of, marked, one_line, runbook_url
from alerts.message import Message
from config import Secret
from config.bounds import Bounds
from facts import NotificationKind
from process.connecting import Names, open_connection
from process.network import tls_context

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}")
_UNSET_DOMAINS = ("example.com", "example.org", "example.net", "example", "invalid", "test")
_MOST_RECIPIENTS = 50
_MOST_READ = 64 * 1024
"""What is read of a server in one exchange; its answers are lines."""
_QUEUED = re.compile(r"queued as ([A-Za-z0-9][A-Za-z0-9-]{3,39})(?![A-Za-z0-9@._-])", re.IGNORECASE)
"""How Postfix, Exim and others name the mail that they took."""
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]")
_SUBJECT, _TEXT, _LINES = 200, 4000, 50
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_Port = Annotated[int | None, Bounds(1, 65535, "that is what ports there are")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """Recipients who get one mail together, by one SMTP server.

    `security` is how the way there is encrypted: `starttls` (port 587), `tls` (port 465) or `none` (port 25). `username_from` and
    `password_from` name the variables of a login (or, with `_FILE` behind them, their files); without them none is made.
    Addresses of example.com and the like are placeholders and count as unset.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["email"]
    host: str
    sender: str
    to: list[str]
    port: _Port = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username_from: str | None = None
    password_from: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        if self.host and not _HOST.fullmatch(self.host):
            raise ValueError(f"host: {self.host!r:.80} is no host's name; write it like smtp.example.com")
        if not _ADDRESS.fullmatch(self.sender):
            raise ValueError(f"sender: {self.sender!r:.80} is no address; write it like alerts@example.com")
        if not 1 <= len(self.to) <= _MOST_RECIPIENTS:
            raise ValueError(f"to: {len(self.to)} recipients; it is 1 to {_MOST_RECIPIENTS}")
        for number, address in enumerate(self.to):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"to.{number}: {address!r:.80} is no address; write it like ops@example.com")
        for key, name in (("username_from", self.username_from), ("password_from", self.password_from)):
            if name is not None:
                must_name_a_variable(key, name, f"SMTP_{key.removesuffix('_from').upper()}")
        if (self.username_from is None) != (self.password_from is None):
            key = "username_from" if self.username_from is None else "password_from"
            raise ValueError(f"{key}: a login needs both username_from and password_from")
        if self.security == "none" and self.username_from is not None:
            raise ValueError("security: a password does not go by a way that is not encrypted; write starttls or tls")

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return the placeholders among host and addresses, and what a login lacks. Raises ConfigError."""
        found = []
        if not self.host or is_placeholder(self.host):
            what = f"has no server: {self.host!r:.80} is a placeholder" if self.host else "has no server"
            found.append(Missing(key="host", what=what, hint="write your mail server's name", remedy="its host"))
        if is_placeholder(self.sender):
            what = f"has no sender: {self.sender!r:.80} is a placeholder"
            found.append(Missing(key="sender", what=what, hint="write an address of your own", remedy="its sender"))
        unset = [address for address in self.to if is_placeholder(address)]
        if unset:
            everybody = len(unset) == len(self.to)
            what = f"has no recipient: {', '.join(unset):.80}" if everybody else f"{', '.join(unset):.80} is nobody"
            hint = "write the addresses of your people"
            found.append(Missing(key="to", what=what, hint=hint, remedy="its recipients (to)", blocks=everybody))
        if self.username_from is not None:
            found += missing_secret("username_from", self.username_from, environment, what="user name", masked=False)
        if self.password_from is not None:
            found += missing_secret("password_from", self.password_from, environment, what="password")
        return found

    def channel(self, use: Resources) -> Email:
        """Return the channel."""
        return Email(
            host=self.host,
            port=self.port or _PORTS[self.security],
            security=self.security,
            sender=self.sender,
            to=tuple(address for address in self.to if not is_placeholder(address)),
            username=secret_of(self.username_from, use.environment, masked=False) if self.username_from else None,
            password=secret_of(self.password_from, use.environment) if self.password_from else None,
            tls=tls_context(use.environment) if self.security != "none" else None,
            allow=tuple(use.allow),
            within_s=use.try_s,
            names=use.names,
        )

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the subject and the plain part of the mail."""
        made = mail(message, dedup_key, sender=self.sender, to=self.to)
        return Rendered(text=f"Subject: {made['Subject']}\n\n{plain_part(message)}")


def is_address(text: str) -> bool:
    """Return whether a text has the form of a mail address."""
    return _ADDRESS.fullmatch(text) is not None


def is_placeholder(address: str) -> bool:
    """Return whether a host or address is a placeholder, because RFC 2606 and RFC 6761 reserve its domain for examples."""
    domain = address.rpartition("@")[2].lower()
    return any(domain == unset or domain.endswith(f".{unset}") for unset in _UNSET_DOMAINS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Sends mail to one list of recipients through one server."""

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    username: Secret | None = None
    password: Secret | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    allow: tuple[Network, ...] = ()
    within_s: float = 10.0
    names: Names | None = field(default=None, repr=False)

    @property
    def identity(self) -> Secret:
        """Return what the destination is reached by."""
        login = [one.reveal() if one else "" for one in (self.username, self.password)]
        return Secret(f"{self.host}:{self.port} {self.security} {self.sender} {self.to} {login}")

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send one mail. Its `Message-ID` is the same for every try, so that a mailbox that gets two can tell."""
        return self.post(mail(message, dedup_key, sender=self.sender, to=self.to))

    def post(self, made: EmailMessage) -> Receipt:
        """Send a mail that is made already.

        The mail is delivered where one recipient at least is taken; who is not is told in the receipt's note.
        """
        session = _Session(self)
        try:
            with session.ending_in_time():
                refused = session.deliver(made)
                answer = session.answer
        except ForbiddenTargetError as error:
            return Receipt(ok=False, permanent=True, detail=str(error))
        except smtplib.SMTPRecipientsRefused as error:
            return _nobody(error.recipients)
        except smtplib.SMTPResponseException as error:
            return _refused(error)
        except smtplib.SMTPNotSupportedError:
            what = "no encryption (STARTTLS)" if session.phase == "starttls" else "no login"
            return Receipt(ok=False, permanent=True, detail=f"the server offers {what}; see `security` in alerts.yaml")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Receipt(ok=False, detail=self._no_answer(session, error))
        return self._taken(refused, answer)

    def _no_answer(self, session: _Session, error: Exception) -> str:
        if session.is_late:
            return f"no answer: not over within {self.within_s:g} s"
        return reason_of(error)

    def _taken(self, refused: Mapping[str, tuple[int, bytes]], answer: str) -> Receipt:
        took = len(self.to) - len(refused)
        if not refused:
            return Receipt(ok=True, status=250, detail=f"the server took it for {took} ({answer})")
        who = ", ".join(
            f"number {self.to.index(one) + 1} ({code})" for one, (code, _) in refused.items() if one in self.to
        )
        told = f"the server took it for {took} of {len(self.to)} recipients, and refused {who} of `to`"
        return Receipt(ok=True, status=250, detail=f"{told} ({answer})", note=told)


def _refused(error: smtplib.SMTPResponseException) -> Receipt:
    code = error.smtp_code if isinstance(error.smtp_code, int) else -1
    if code < 100:
        return Receipt(ok=False, detail="no answer: what answers there speaks no SMTP")
    what = "the login is refused" if isinstance(error, smtplib.SMTPAuthenticationError) else "the server refuses"
    return Receipt(ok=False, permanent=500 <= code < 600, status=code, detail=f"{what}: {code}")


def _nobody(refused: Mapping[str, tuple[int, bytes]]) -> Receipt:
    codes = sorted({code for code, _ in refused.values()})
    passing = any(code < 500 for code in codes)
    told = ", ".join(map(str, codes))
    return Receipt(ok=False, permanent=not passing, status=codes[0], detail=f"every recipient is refused: {told}")


class _Session(smtplib.SMTP):
    """One exchange with a server: connected to a judged address, over in time, with a bound on what is read.

    smtplib's own timeout is for each read, so a server that sends a byte a second is never late. Here a timer hangs up.
    """

    def __init__(self, of: Email) -> None:
        super().__init__(local_hostname=_own_name(of.sender), timeout=of.within_s)
        self._of = of
        self._ends = time.monotonic() + of.within_s
        self._live: socket.socket | None = None
        self._read = 0
        self.is_late = False
        self.phase = ""
        self.answer = "250"
        """What the server said to the mail: the code, and its name for the mail where it tells one."""

    @contextmanager
    def ending_in_time(self) -> Iterator[None]:
        """Close the connection when the time is over, whatever the code inside is waiting for."""
        timer = threading.Timer(self._of.within_s, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self.close()

    def _hang_up(self) -> None:
        self.is_late = True
        live = self._live
        if live is not None:
            with suppress(OSError):
                # The socket below TLS: a TLS socket would first want to say good-bye.
                socket.socket.shutdown(live, socket.SHUT_RDWR)

    def deliver(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Connect, log in and send; return the refused recipients with their codes. Raises smtplib's errors and OSError."""
        of = self._of
        code, _ = self.connect(of.host, of.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, "")
        if of.security == "starttls":
            self.phase = "starttls"
            self.ehlo_or_helo_if_needed()
            self.starttls(context=of.tls)
        self.phase = "login"
        if of.username is not None and of.password is not None:
            self.login(of.username.reveal(), of.password.reveal())
        self.phase = "mail"
        refused: dict[str, tuple[int, bytes]] = self.send_message(mail, of.sender, list(of.to))
        with suppress(smtplib.SMTPException, OSError):
            # The server has the mail by now, whatever becomes of the good-bye.
            self.quit()
        return refused

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the mail, and keep the server's answer to it. Nothing but its name for the mail is kept: it may repeat addresses."""
        code, said = super().data(msg)
        queued = _QUEUED.search(said.decode("ascii", "replace"))
        self.answer = f"{code}, queued as {queued[1]}" if queued else str(code)
        return code, said

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        of = self._of
        left_s = max(0.0, self._ends - time.monotonic())
        sock = open_connection(host, port, within_s=left_s, judge=judge_for(of.allow), names=of.names)
        sock.settimeout(timeout)
        self._live = sock
        if of.security == "tls" and of.tls is not None:
            return self._encrypted(sock, of.tls, host)
        return sock

    def _encrypted(self, sock: socket.socket, tls: ssl.SSLContext, host: str) -> socket.socket:
        encrypted = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self._live = encrypted
        try:
            encrypted.do_handshake()
        except BaseException:
            encrypted.close()
            raise
        return encrypted

    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        """Encrypt the connection like smtplib's own method, but with a handshake that can be ended from outside."""
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("STARTTLS")
        code, said = self.docmd("STARTTLS")
        if code != 220 or context is None or self.sock is None:
            raise smtplib.SMTPResponseException(code, said)
        self.sock = self._encrypted(self.sock, context, self._of.host)
        # What was said before is not believed any more: https://www.rfc-editor.org/rfc/rfc3207#section-4.2
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        return code, said

    def getreply(self) -> tuple[int, bytes]:
        """Read one answer, of a bounded length. Raises smtplib.SMTPServerDisconnected."""
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"), self)
        return super().getreply()

    def count(self, received: int) -> None:
        """Count bytes as they come. Raises SMTPServerDisconnected."""
        self._read += received
        if self._read > _MOST_READ:
            raise smtplib.SMTPServerDisconnected(f"more than {_MOST_READ:,} bytes")


class _Bounded:
    """Reads a server's lines up to a limit."""

    def __init__(self, lines: Any, session: _Session) -> None:
        self._lines, self._session = lines, session

    def readline(self, most: int) -> bytes:
        """Read a line."""
        line: bytes = self._lines.readline(most)
        self._session.count(len(line))
        if len(line) >= most:  # smtplib would take it for a refusal by the server
            raise smtplib.SMTPServerDisconnected("a line without end")
        return line

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()


def _own_name(sender: str) -> str:
    """Return this machine's name for the server. smtplib would ask the resolver, which may take as long as it likes."""
    name = socket.gethostname()
    return name if "." in name and _HOST.fullmatch(name) else sender.rpartition("@")[2]


def mail(
    message: Message, dedup_key: str, *, sender: str, to: Sequence[str], now: datetime | None = None
) -> EmailMessage:
    """Return the mail. That which says that something fires is the first to its recipients: it has the thread's own `Message-ID`, to
    which all others of the incident answer."""
    domain = sender.rpartition("@")[2]
    thread, own = f"<{_id(message.incident)}.sixfb@{domain}>", f"<{_id(dedup_key)}.sixfb@{domain}>"
    is_first = message.kind is NotificationKind.FIRING
    made = EmailMessage(policy=SMTP)
    made["Subject"] = cut(one_line(marked(message, message.headline)), _SUBJECT)
    made["From"], made["To"] = sender, ", ".join(to)
    made["Date"] = format_datetime(now or datetime.now(UTC))
    made["Message-ID"] = thread if is_first else own
    if not is_first:
        made["In-Reply-To"] = made["References"] = thread
    made["Auto-Submitted"] = "auto-generated"
    made["X-Sixfb-Incident"], made["X-Sixfb-Message"] = _id(message.incident), _id(dedup_key)
    made.set_content(plain_part(message))
    made.add_alternative(html_part(message), subtype="html")
    return made


def _id(text: str) -> str:
    return _NOT_IN_AN_ID.sub("-", text)[:200]


def plain_part(message: Message) -> str:
    """Return the text of a mail for programs and people that read no HTML."""
    parts = [marked(message, message.headline), "", cut(message.summary, _TEXT), ""]
    if len(message.lines) > 1:
        shown = message.lines[:_LINES]
        parts += [f"- {cut(line.title, 200)} ({line.state}): {cut(line.summary, 500)}" for line in shown]
    more = len(message.lines) - _LINES
    parts += [f"- and {more} more"] if more > 0 else []
    parts += ["", *(f"{link.name}: {link.url}" for link in message.links)]
    parts += [f"Runbook: {message.runbook}"] if message.runbook else []
    return "\n".join([*parts, "", " · ".join(facts_of(message))]) + "\n"


def html_part(message: Message) -> str:
    """Return the same as HTML; whatever a page said is text here."""
    lines = "".join(
        f"<li><b>{escape(cut(line.title, 200))}</b> ({escape(line.state)}): {escape(cut(line.summary, 500))}</li>"
        for line in (message.lines[:_LINES] if len(message.lines) > 1 else ())
    )
    links = [f'<a href="{escape(link.url)}">{escape(link.name)}</a>' for link in message.links if _is_web(link.url)]
    runbook = runbook_url(message)
    if runbook:
        links.append(f'<a href="{escape(runbook)}">Runbook</a>')
    elif message.runbook:
        links.append(f"Runbook: {escape(message.runbook)}")
    return (
        '<!doctype html><html><body style="font-family:sans-serif">'
        f"<h2>{escape(marked(message, message.headline))}</h2><p>{escape(cut(message.summary, _TEXT))}</p>"
        f"{f'<ul>{lines}</ul>' if lines else ''}<p>{' · '.join(links)}</p>"
        f'<p style="color:#666">{escape(" · ".join(facts_of(message)))}</p></body></html>'
    )


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))
