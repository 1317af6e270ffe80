"""Mails reports to people who need no account: a summary in the mail, and the report itself as a file with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Annotated, Any, ClassVar

from alerts.channels import Receipt
from alerts.channels.email import Email, EmailSettings, is_address, is_placeholder
from alerts.channels.settings import STRICT, Resources
from alerts.channels.text import cut, one_line
from config.bounds import Form, refuse

SCHEDULED = ("daily", "weekly", "monthly")
"""The reports that are written by schedule."""
_MOST_RECIPIENTS = 50
_SUBJECT, _LINE, _LINES = 200, 500, 20
_Name = Annotated[str, Form(r".{1,64}", "is no name of a destination; it is written as under `destinations`")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsSettings:
    """`reports` of alerts.yaml: who gets the daily, weekly and monthly reports by mail. They need no account at the hub.

    `through` is the destination of kind email whose server and sender are used; the first one, if not said. `which` are the reports
    that are sent; every scheduled one, if not said.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    recipients: list[str]
    through: _Name | None = None
    which: list[str] = field(default_factory=lambda: list(SCHEDULED))

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if not 1 <= len(self.recipients) <= _MOST_RECIPIENTS:
            yield f"recipients: there are {len(self.recipients)}; it is 1 to {_MOST_RECIPIENTS} addresses"
        for number, address in enumerate(self.recipients):
            if not is_address(address):
                yield f"recipients.{number}: {address!r:.80} is no address; write it like owner@example.com"
        if not self.which:
            yield "which: is empty, so nothing is sent; leave out `reports`, or name some"
        for number, name in enumerate(self.which):
            if name not in SCHEDULED:
                yield f"which.{number}: {name!r:.60} is no scheduled report; there are: {', '.join(SCHEDULED)}"

    def settings(self, destinations: Mapping[str, Any]) -> EmailSettings | None:
        """Return the settings of the used destination with the report's recipients; None if there is no such destination."""
        mails = {name: one for name, one in destinations.items() if isinstance(one, EmailSettings)}
        found = mails.get(self.through) if self.through is not None else next(iter(mails.values()), None)
        return replace(found, to=list(self.recipients)) if found is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportNote:
    """Holds a report to be mailed: its subject, its one sentence, what to do, and the file.

    `key` names it for ever, so that a mailbox that gets it twice can tell; `link` is where the hub shows it, "" if not known.
    """

    key: str
    subject: str
    sentence: str
    actions: tuple[str, ...]
    file_name: str
    html: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class ReportMail:
    """Sends reports of the kinds `which` by one mail server."""

    channel: Email
    which: frozenset[str]

    def send(self, note: ReportNote) -> Receipt:
        """Send one mail to all recipients. It never raises for anything that the server or the network does."""
        return self.channel.post(report_mail(note, sender=self.channel.sender, to=self.channel.to))


def report_mail_from(settings: ReportsSettings, destinations: Mapping[str, Any], use: Resources) -> ReportMail | None:
    """Return what sends reports; None where the server, the sender or every recipient is a placeholder, or a login is missing."""
    found = settings.settings(destinations)
    if found is None or any(missing.blocks for missing in found.missing(use.environment)):
        return None
    return ReportMail(found.channel(use), frozenset(settings.which))


def unset_recipients(settings: ReportsSettings) -> list[str]:
    """Return the recipients that are placeholders: addresses of example.com and similar domains."""
    return [address for address in settings.recipients if is_placeholder(address)]


def report_mail(note: ReportNote, *, sender: str, to: Sequence[str], now: datetime | None = None) -> EmailMessage:
    """Return the mail: plain text, the same as HTML without anything that a mail program would have to load, and the report's file."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = cut(one_line(note.subject), _SUBJECT)
    made["From"], made["To"] = sender, ", ".join(to)
    made["Date"] = format_datetime(now or datetime.now(UTC))
    made["Message-ID"] = f"<report-{note.key}.sixfb@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    lines = [cut(one_line(text), _LINE) for text in note.actions[:_LINES]]
    end = f"The whole report is in the file with this mail{f', and at {note.link}' if note.link else ''}."
    made.set_content("\n".join([note.sentence, "", "What to do", *(f"- {line}" for line in lines), "", end, ""]))
    items = "".join(f'<li style="margin:4px 0">{escape(line)}</li>' for line in lines)
    made.add_alternative(
        '<!doctype html><html><body style="font-family:sans-serif;max-width:640px">'
        f'<h2 style="font-size:18px">{escape(note.sentence)}</h2><p><b>What to do</b></p><ul>{items}</ul>'
        f'<p style="color:#666">{escape(end)}</p></body></html>',
        subtype="html",
    )
    made.add_attachment(
        note.html.encode(), maintype="text", subtype="html", filename=note.file_name, params={"charset": "utf-8"}
    )
    return made
