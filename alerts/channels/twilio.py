"""SMS by Twilio's REST API: one segment in the GSM alphabet, what broke first.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import httpx

from alerts.channels.channel import Answer, Arrival, Receipt, ask
from alerts.channels.settings import (
    STRICT,
    Missing,
    Rendered,
    Resources,
    api_base,
    missing_secret,
    must_name_a_variable,
    secret_of,
)
from alerts.channels.text import GSM_SEGMENT, gsm, marked, septets
from alerts.message import Message, duration
from alerts.replies import code_of
from config import Secret
from config.bounds import Flag
from facts import Confirmation, NotificationKind

API_BASE = "TWILIO_API_BASE"
_USUAL = "https://api.twilio.com"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_SID = re.compile(r"(SM|MM)[0-9A-Za-z]{8,64}")
_VALID_S = 600
"""How long Twilio may keep trying: a page that comes later than this is none."""
_TOO_FAST_S = 5.0
_MAYBE_KEPT = 256
_ASK = 48
"""Septets of an SMS for how to acknowledge."""
_LEAST = 15
"""Septets below which another part of an SMS says nothing."""
_NUMBERED = re.compile(r"inc-[0-9]{1,9}")
"""The incidents that a reply can name; trials and digests are none of these."""
_STEP = re.compile(r"^[A-Za-z0-9_]{1,60}: ")
_REQUEST = re.compile(r"(?P<method>(?:[A-Z]{3,7} )?)(?P<path>/[^ ]*) (?P<answer>.*)")
_SENT = ("ReadTimeout", "ReadError", "RemoteProtocolError")
"""How a try ends whose request was sent and whose answer was lost: too late, cut off, or no HTTP."""
# 20429 too many requests, 30001 the queue overflows, 30003 the phone is off or out of reach: these pass.
_PASSING = frozenset({20429, 30001, 30003, 30022})
_STATUSES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), Confirmation.PENDING),
    **dict.fromkeys(("delivered", "read"), Confirmation.CONFIRMED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), Confirmation.UNCONFIRMED),
}
_WORDS = {
    20003: "the account or its token is refused",
    20429: "too many requests",
    21211: "the number to send to is none",
    21212: "the number to send from is none",
    21408: "messages to this country are not allowed for the account",
    21606: "the account may not send from this number",
    21608: "a trial account sends to verified numbers only",
    21610: "the receiver has answered STOP",
    21612: "there is no way from this number to the other",
    21614: "the number to send to takes no SMS",
    21635: "the number to send to is a landline",
    30003: "the phone is off or out of reach",
    30005: "the number is unknown or no longer in use",
    30007: "the carrier filtered it out",
    30006: "the number to send to is a landline or out of reach for good",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """One phone. `to` is its number in E.164 (+15551234567); the SMS come `from_number`, or from a `messaging_service`.

    A number with letters in it (`+1555-ENG-LEAD`) is a placeholder and counts as unset; without `to` it lends its settings to people's
    phones. `account_from` and `token_from` name the
    variables that hold the account's SID and token (or, with `_FILE` behind them, their files). `replies` says that Twilio forwards
    what phones answer to this hub, so that messages tell how to acknowledge by SMS.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["twilio"]
    to: str = ""
    from_number: str | None = None
    messaging_service: str | None = None
    account_from: str = "TWILIO_ACCOUNT_SID"
    token_from: str = "TWILIO_AUTH_TOKEN"
    replies: Annotated[bool, Flag()] = False
    description: str = ""

    def __post_init__(self) -> None:
        must_name_a_variable("account_from", self.account_from, "TWILIO_ACCOUNT_SID")
        must_name_a_variable("token_from", self.token_from, "TWILIO_AUTH_TOKEN")
        for key, number in (("to", self.to), ("from_number", self.from_number)):
            if number is not None and not _is_placeholder(number) and not _E164.fullmatch(number):
                raise ValueError(f"{key}: {number!r:.40} is no number in E.164; write it like +15551234567")
        if self.messaging_service is not None:
            if self.from_number is not None:
                raise ValueError("messaging_service: stands beside from_number; only one of them can hold")
            if not _is_placeholder_service(self.messaging_service) and not _SERVICE.fullmatch(self.messaging_service):
                raise ValueError(
                    f"messaging_service: {self.messaging_service!r:.60} is none; it is MG and 32 hexadecimal digits"
                )

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return the numbers that are placeholders, and the account and token that are not set. Raises ConfigError."""
        account = missing_secret("account_from", self.account_from, environment, what="account SID", shape=_ACCOUNT)
        token = missing_secret("token_from", self.token_from, environment, what="auth token")
        return [*self._placeholders(), *account, *token]

    @property
    def number(self) -> str | None:
        """Return the phone's number; None if it is a placeholder."""
        return None if _is_placeholder(self.to) else self.to

    def _placeholders(self) -> list[Missing]:
        hint = "write a number like +15551234567"
        found = []
        if _is_placeholder(self.to):
            what = f"has no number: {self.to!r:.40} is a placeholder"
            found.append(Missing(key="to", what=what, hint=hint, remedy="its number (to)"))
        if self.messaging_service is None and (self.from_number is None or _is_placeholder(self.from_number)):
            told = f": {self.from_number!r:.40} is a placeholder" if self.from_number else ""
            what = f"has no number to send from{told}"
            found.append(Missing(key="from_number", what=what, hint=hint, remedy="its from_number"))
        if self.messaging_service is not None and _is_placeholder_service(self.messaging_service):
            what = f"has no number to send from: {self.messaging_service!r:.40} is a placeholder"
            hint = "write the service's SID (MG…), or a from_number"
            found.append(Missing(key="messaging_service", what=what, hint=hint, remedy="its messaging_service"))
        return found

    def channel(self, use: Resources) -> Twilio:
        """Return the channel."""
        return Twilio(
            account=secret_of(self.account_from, use.environment),
            token=secret_of(self.token_from, use.environment),
            to=self.to,
            sender={"MessagingServiceSid": self.messaging_service}
            if self.messaging_service
            else {"From": self.from_number or ""},
            base=api_base(API_BASE, use.environment, _USUAL),
            client=use.client,
            replies=self.replies,
        )

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the text of the SMS."""
        return Rendered(text=body(message, replies=self.replies))


def _is_placeholder(number: str) -> bool:
    return not number.strip() or any(character.isalpha() for character in number)


def _is_placeholder_service(service: str) -> bool:
    return not service.strip() or "X" in service.upper().removeprefix("MG")


@dataclass(frozen=True, slots=True, kw_only=True)
class Twilio:
    """Sends SMS to one phone."""

    account: Secret
    token: Secret
    to: str
    sender: Mapping[str, str]
    base: str = field(repr=False)
    client: httpx.Client = field(repr=False)
    replies: bool = False
    _maybe_sent: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def identity(self) -> Secret:
        """Return what the destination is reached by."""
        return Secret(f"{self.account.reveal()} {self.token.reveal()} {self.to} {sorted(self.sender.items())}")

    @property
    def number(self) -> str:
        """Return the number of the phone."""
        return self.to

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send one SMS; the receipt's reference is its SID.

        Twilio has no key by which it would know a message again. One that was sent and not answered may have arrived: it is
        tried once more, and then given up, so that nobody gets the same SMS all night.
        """
        form = {
            "To": self.to,
            **self.sender,
            "Body": body(message, replies=self.replies),
            "ValidityPeriod": str(_VALID_S),
        }
        answer = ask(self.client, self._url("Messages.json"), data=form, headers=self._login())
        if isinstance(answer, Receipt):
            return self._unanswered(answer, dedup_key)
        return _receipt(answer)

    def arrival(self, reference: str) -> Arrival:
        """Ask Twilio what became of an SMS. "sent" is pending: the carrier has it, and the phone perhaps not.

        https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
        """
        answer = ask(self.client, self._url(f"Messages/{reference}.json"), method="GET", headers=self._login())
        if isinstance(answer, Receipt):
            return Arrival(confirmation=Confirmation.PENDING, detail=f"its status is not known ({answer.detail})")
        told = _told(answer)
        status = told.get("status")
        if not answer.is_taken or not isinstance(status, str) or status not in _STATUSES:
            detail = f"its status is not known (answered {answer.status})"
            return Arrival(confirmation=Confirmation.PENDING, detail=detail)
        code = told.get("error_code")
        why = f", error {code}" if isinstance(code, int) and not isinstance(code, bool) else ""
        words = f": {_WORDS[code]}" if why and code in _WORDS else ""
        return Arrival(confirmation=_STATUSES[status], detail=f"{status}{why}{words} ({reference})")

    def _url(self, path: str) -> Secret:
        return Secret(f"{self.base}/2010-04-01/Accounts/{self.account.reveal()}/{path}")

    def _login(self) -> dict[str, str]:
        login = base64.b64encode(f"{self.account.reveal()}:{self.token.reveal()}".encode()).decode()
        return {"Authorization": f"Basic {login}"}

    def _unanswered(self, receipt: Receipt, dedup_key: str) -> Receipt:
        if not receipt.detail.endswith(_SENT):
            return receipt
        with self._lock:
            again = dedup_key in self._maybe_sent
            self._maybe_sent[dedup_key] = None
            while len(self._maybe_sent) > _MAYBE_KEPT:
                del self._maybe_sent[next(iter(self._maybe_sent))]
        if not again:
            return replace(receipt, detail=f"{receipt.detail}; it may have been sent")
        return replace(receipt, permanent=True, detail="sent twice and never answered; it may have arrived")


def body(message: Message, *, replies: bool = False) -> str:
    """Return the text of the SMS: one segment, what broke first, how to acknowledge it and the incident last.

    With `replies` it tells how to acknowledge by an SMS.
    """
    tail = " " + gsm(f"({message.incident})", 40)
    if message.acknowledge:
        tail = f" {_ask(message.acknowledge, message.incident if replies else None)}{tail}"
    mark = f"{gsm(marked(message, ''), 40)} " if message.mark else ""
    return (mark + _said(message, GSM_SEGMENT - septets(mark + tail)) + tail).strip()


def _ask(acknowledge: str, reply_to: str | None) -> str:
    """Return how to acknowledge, in at most 48 septets (GSM characters). A URL that is too long is shortened to its page.

    `reply_to` is the incident that a reply acknowledges; None where no replies are taken.
    """
    if reply_to is not None and _NUMBERED.fullmatch(reply_to):
        short = f"Reply ack {code_of(reply_to)}"
        both = f"{short}, or {gsm(acknowledge, GSM_SEGMENT)}"
        return both if septets(both) <= _ASK else short
    whole = f"Ack: {gsm(acknowledge, GSM_SEGMENT)}"
    if septets(whole) <= _ASK:
        return whole
    page = f"Ack: {gsm(acknowledge.partition('#')[0], GSM_SEGMENT)}"
    return page if septets(page) <= _ASK else "Ack: see /alerts"


def _said(message: Message, most: int) -> str:
    risk = f"Money at risk: {message.at_risk}" if message.at_risk else ""
    match message.kind:
        case NotificationKind.RESOLVED:
            how, _, rest = message.headline.partition(":")
            lasted = f" after {duration(message.lasted_s)}" if message.lasted_s is not None else ""
            return _joined(f"{how}{lasted}: ", [message.title or rest.strip()], risk, most)
        case NotificationKind.ACKNOWLEDGED:
            return gsm(message.headline, most)
        case NotificationKind.FIRING | NotificationKind.UPDATE:
            begins = f"{message.severity.value.upper()}: "
            cause = _fitting(message.cause or message.summary, most - septets(begins))
            note = message.note.removeprefix(f"{message.severity.capitalize()}, ")
            return _joined(begins, [cause, note, _context(message)], risk, most)


def _joined(begins: str, parts: Sequence[str], last: str, most: int) -> str:
    """Return as many of the first sentences as fit into so many septets, and `last` if it fits as a whole."""
    said = gsm(begins + parts[0], most)
    for part in filter(None, parts[1:]):
        left = most - septets(said) - 2
        if left >= _LEAST:
            said = f"{said}. {gsm(part, left)}"
    whole = f"{said}. {gsm(last, GSM_SEGMENT)}"
    return whole if last and septets(whole) <= most else said


def _context(message: Message) -> str:
    """Return what the summary says before the cause: what fails, and where."""
    if not message.cause:
        return ""
    before, found, _ = message.summary.partition(message.cause)
    return before.rstrip(" :;") if found else message.title


def _fitting(cause: str, most: int) -> str:
    """Return the cause in at most so many septets; a long one loses its step, then the middle of its path, and never the answer."""
    whole = gsm(cause, 1000)
    if septets(whole) <= most:
        return whole
    short = _STEP.sub("", whole)
    found = _REQUEST.fullmatch(short)
    if septets(short) <= most or found is None:
        return gsm(short, most)
    answer = f" {gsm(found['answer'], most // 2)}"
    path = _without_middle(found["path"], most - septets(found["method"] + answer))
    return gsm(f"{found['method']}{path}{answer}", most)


def _without_middle(text: str, most: int) -> str:
    """Return a text of the GSM alphabet whose middle gives way to three dots where it has more than so many septets."""
    kept, said = len(text), text
    while septets(said) > most and kept > 1:
        kept -= 1
        said = f"{text[: kept // 3]}...{text[len(text) - (kept - kept // 3) :]}"
    return said


def _receipt(answer: Answer) -> Receipt:
    told, receipt = _told(answer), answer.receipt()
    if receipt.ok:
        sid = told.get("sid")
        if isinstance(sid, str) and _SID.fullmatch(sid):
            return replace(receipt, detail=f"Twilio took it ({sid})", reference=sid)
        return replace(receipt, note=answer.odd("a message's SID"))
    code = told.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        return receipt if answer.status != 429 else _slowly(receipt)
    words = _WORDS.get(code)
    said = replace(receipt, detail=f"answered {answer.status}, error {code}" + (f": {words}" if words else ""))
    if code in _PASSING or answer.status == 429:
        return _slowly(replace(said, permanent=False, disable=False))
    return said


def _slowly(receipt: Receipt) -> Receipt:
    return receipt if receipt.retry_after_s is not None else replace(receipt, retry_after_s=_TOO_FAST_S)


def _told(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.content or "")
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
