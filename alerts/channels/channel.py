"""What every channel is: it sends one message once, and says what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from alerts.channels.guard import ForbiddenTargetError
from alerts.message import Message
from alerts.retry import is_permanent
from config import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of one try. `detail` may be shown to anybody: it holds no address and no secret.

    `disable` is true where the receiver says that this address is no more (404, 410).
    """

    ok: bool
    permanent: bool = False
    status: int | None = None
    retry_after_s: float | None = None
    detail: str = ""
    disable: bool = False


class Channel(Protocol):
    """A way to a receiver. `send` never raises for anything that the receiver or the network does."""

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

    `says` is the only body that means yes. Another one comes from somebody in between (a proxy's page, a captive portal),
    and the message is tried again.
    """
    try:
        answer = client.post(url.reveal(), json=body, headers=headers, follow_redirects=False)
    except ForbiddenTargetError as error:
        return Receipt(ok=False, permanent=True, detail=str(error))
    except httpx.InvalidURL:
        return Receipt(ok=False, permanent=True, detail="the address is no URL")
    except httpx.UnsupportedProtocol:
        return Receipt(ok=False, permanent=True, detail="the address is neither https:// nor http://")
    except httpx.HTTPError as error:
        # The exception's own words may hold the address.
        return Receipt(ok=False, detail=f"no answer: {type(error).__name__}")
    if answer.is_success and says is not None and answer.text.strip() != says:
        return Receipt(ok=False, status=answer.status_code, detail=f"answered {answer.status_code}, but not {says!r}")
    return _receipt(answer)


def _receipt(answer: httpx.Response) -> Receipt:
    status = answer.status_code
    if 200 <= status < 300:
        return Receipt(ok=True, status=status, detail=f"{status}")
    return Receipt(
        ok=False,
        permanent=is_permanent(status),
        status=status,
        retry_after_s=_seconds(answer.headers.get("Retry-After")),
        detail=f"answered {status}",
        disable=status in (404, 410),
    )


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; the form with a date is rare and is read as no wish."""
    return float(text) if text and text.strip().isdecimal() else None
