"""The demo's mail server: takes what the email channel sends and puts it into the inbox, one message for each recipient."""

from __future__ import annotations

import email
import email.policy
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from demo.inbox import Inbox

_LARGEST = 1_000_000


class MailServer(Controller):
    """An SMTP server on this machine, at a port that the system chooses; `port` is known once it is started."""

    def __init__(self, inbox: Inbox) -> None:
        handler = _Handler(inbox)
        super().__init__(handler, hostname="127.0.0.1", port=0, ready_timeout=30, data_size_limit=_LARGEST)

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class _Handler:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        mail = email.message_from_bytes(content, policy=email.policy.default)
        part = mail.get_body(preferencelist=("plain",))
        text = part.get_content() if part is not None else ""
        headers = {
            name: str(mail[name]) for name in ("From", "To", "Subject", "Message-ID", "In-Reply-To") if mail[name]
        }
        for recipient in envelope.rcpt_tos:
            self._inbox.keep("email", recipient, f"{mail['Subject']}\n{text}".rstrip(), {**headers, "text": text})
        return "250 OK"
