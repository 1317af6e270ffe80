"""What every channel is: it sends one message once, and says what came of it."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from alerts.channels.guard import ForbiddenTargetError
from alerts.message import Message
from alerts.retry import is_permanent
from config import Secret
from process.bounded_http import retry_after_s

_QUOTED = re.compile(r"'[^']*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of one try. `detail` may be shown to anybody: it holds no address and no secret.

    `disable` is true where the receiver says that this address is no more (404, 410). `note` is what is odd about a receiver
    that takes messages.
    """

    ok: bool
    permanent: bool = False
    status: int | None = None
    retry_after_s: float | None = None
    detail: str = ""
    disable: bool = False
    note: str | None = None


class Channel(Protocol):
    """A way to a receiver. `send` never raises for anything that the receiver or the network does, and is over within a time
    that is shorter than the claim of a message (`guard.TRY_S`)."""

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once; `dedup_key` is the same for every try of one message."""
        ...


def post(
    client: httpx.Client,
    url: Secret,
    *,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
    says: str | None = None,
) -> Receipt:
    """POST JSON to a secret address; redirects are not followed: they would carry the message to somebody else.

    The status decides, as soon as it is there: a receiver that answers 2xx has the message, whatever follows or fails to.
    `says` is the content that it should have beside it; another one is noted, for it may come from somebody in between (a
    proxy's page, a captive portal).
    """
    try:
        with client.stream("POST", url.reveal(), json=body, headers=headers, follow_redirects=False) as answer:
            return _receipt(answer, _content(answer), says)
    except ForbiddenTargetError as error:
        return Receipt(ok=False, permanent=True, detail=str(error))
    except httpx.InvalidURL:
        return Receipt(ok=False, permanent=True, detail="the address is no URL")
    except httpx.UnsupportedProtocol:
        return Receipt(ok=False, permanent=True, detail="the address is neither https:// nor http://")
    except httpx.HTTPError as error:
        return Receipt(ok=False, detail=_reason(error))


def _content(answer: httpx.Response) -> str | None:
    """What an answer says; None where it has more than is read, or does not come to its end in time."""
    try:
        answer.read()
    except httpx.HTTPError:
        return None
    return answer.text.strip()


def _receipt(answer: httpx.Response, content: str | None, says: str | None) -> Receipt:
    status = answer.status_code
    if 200 <= status < 300:
        # The content itself is not repeated: it may echo the address.
        odd = says is not None and content != says
        note = f"it answers {status} with something else than {says!r}, which counts as delivered" if odd else None
        return Receipt(ok=True, status=status, detail=f"{status}", note=note)
    return Receipt(
        ok=False,
        permanent=is_permanent(status),
        status=status,
        retry_after_s=retry_after_s(answer.headers),
        detail=f"answered {status}",
        disable=status in (404, 410),
    )


def _reason(error: httpx.HTTPError) -> str:
    """Why there was no answer, in words of our own: the exception's may hold the address."""
    for cause in _causes(error) if not isinstance(error, httpx.TimeoutException) else ():
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
