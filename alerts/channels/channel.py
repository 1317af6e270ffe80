"""Defines the interface of a channel: it sends one message once, and returns the result."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import httpx

from alerts.channels.guard import ForbiddenTargetError
from alerts.message import Message
from alerts.retry import is_permanent
from config import Secret
from facts import Confirmation
from process.bounded_http import retry_after_s

_QUOTED = re.compile(r"'[^']*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of one try. `detail` may be shown to anybody: it holds no address and no secret.

    `disable` is true where the receiver says that this address is no more (404, 410). `note` is what is odd about a receiver
    that takes messages. `reference` is the service's name for a message of which it tells later whether it arrived (`Confirming`).
    """

    ok: bool
    permanent: bool = False
    status: int | None = None
    retry_after_s: float | None = None
    detail: str = ""
    disable: bool = False
    note: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Holds whether a message arrived, as its service reports. `detail` may be shown to anybody, as that of a receipt may."""

    confirmation: Confirmation
    detail: str


@runtime_checkable
class Confirming(Protocol):
    """A channel of a service that reports later whether a message arrived."""

    def arrival(self, reference: str) -> Arrival:
        """Ask the service what became of a message; pending where it does not answer. Never raises, and ends in time, like `send`."""
        ...


@runtime_checkable
class Phone(Protocol):
    """A channel to one phone; the number of its messages is limited."""

    @property
    def number(self) -> str:
        """Return the number; destinations with the same one share its limit."""
        ...


class Channel(Protocol):
    """A way to a receiver. `send` never raises for anything that the receiver or the network does, and is over within a time
    that is shorter than the claim of a message (`guard.TRY_S`)."""

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once; `dedup_key` is the same for every try of one message."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver answered. `content` is None where it has more than is read, or does not come to its end in time."""

    status: int
    content: str | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_taken(self) -> bool:
        """Return whether the receiver has the message: the status decides, whatever follows or fails to."""
        return 200 <= self.status < 300

    def receipt(self) -> Receipt:
        """Return what the status says. Nothing of the content is repeated: it may echo the address."""
        if self.is_taken:
            return Receipt(ok=True, status=self.status, detail=f"{self.status}")
        return Receipt(
            ok=False,
            permanent=is_permanent(self.status),
            status=self.status,
            retry_after_s=retry_after_s(self.headers),
            detail=f"answered {self.status}",
            disable=self.status in (404, 410),
        )

    def odd(self, wanted: str) -> str:
        """Return the note for a receiver that takes messages and answers something else than the service would."""
        return f"it answers {self.status} with something else than {wanted}, which counts as delivered"


def ask(client: httpx.Client, url: Secret, *, method: str = "POST", **request: Any) -> Answer | Receipt:
    """Make a request to a secret address and return the answer, or the receipt where there is none.

    `request` is what httpx takes (`json`, `data`, `headers`). Redirects are not followed: they would carry the message to
    somebody else.
    """
    try:
        with client.stream(method, url.reveal(), follow_redirects=False, **request) as answer:
            return Answer(status=answer.status_code, content=_content(answer), headers=dict(answer.headers))
    except ForbiddenTargetError as error:
        return Receipt(ok=False, permanent=True, detail=str(error))
    except httpx.InvalidURL:
        return Receipt(ok=False, permanent=True, detail="the address is no URL")
    except httpx.UnsupportedProtocol:
        return Receipt(ok=False, permanent=True, detail="the address is neither https:// nor http://")
    except httpx.HTTPError as error:
        return Receipt(ok=False, detail=reason_of(error))


def post(
    client: httpx.Client,
    url: Secret,
    *,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
    says: str | None = None,
) -> Receipt:
    """POST JSON to a secret address.

    `says` is the content that a receiver should have beside a 2xx; another one is noted, for it may come from somebody in
    between (a proxy's page, a captive portal).
    """
    answer = ask(client, url, json=body, headers=headers)
    if isinstance(answer, Receipt):
        return answer
    odd = answer.is_taken and says is not None and answer.content != says
    receipt = answer.receipt()
    return (
        Receipt(ok=True, status=answer.status, detail=receipt.detail, note=answer.odd(repr(says))) if odd else receipt
    )


def _content(answer: httpx.Response) -> str | None:
    try:
        answer.read()
    except httpx.HTTPError:
        return None
    return answer.text.strip()


def reason_of(error: Exception) -> str:
    """Return why there was no answer, in words of our own: the exception's may hold the address."""
    late = isinstance(error, httpx.TimeoutException | TimeoutError)
    for cause in _causes(error) if not late else ():
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {_QUOTED.sub('this name', cause.verify_message)}"
        if isinstance(cause, ssl.SSLError):
            return f"no answer: TLS failed ({cause.reason or 'it was cut off'})"
        if isinstance(cause, socket.gaierror):
            return "no answer: its name cannot be resolved"
    return f"no answer: {type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        # The pool raises what went wrong anew, without its cause.
        cause = cause.__cause__ or cause.__context__
