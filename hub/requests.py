"""Reads request bodies with limits, and verifies that a changing request comes from the hub's own pages or a program."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qs

from starlette.requests import Request

from hub.decoding import decoded
from hub.errors import HubError
from hub.guard import content_type, is_form, visitor_of

_LARGEST_FORM = 10_000
_BACK = re.compile(r"/(?:alerts|incidents)(?:/[A-Za-z0-9._~-]{1,200})?")
"""The pages of the hub that a form may name; an address of another site never matches."""


async def limited_body(request: Request, largest: int) -> bytes:
    """Return the body, never holding more than `largest` bytes in memory. Raises HubError 413, 415 if it is compressed."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise HubError(415, f"Content-Encoding: {encoding:.20} is not read here; send the body as it is")
    return await _read(request.stream(), f"the body may have {largest:,} bytes", largest)


async def unpacked_body(request: Request, largest: int) -> bytes:
    """Return the body, unpacked where it came as gzip or deflate, never holding more than `largest` bytes in memory.

    Raises:
        HubError: 413 larger, as it came or unpacked; 415 another encoding; 400 the bytes do not have the encoding that they claim.
    """
    chunks = decoded(request.stream(), request.headers.get("Content-Encoding", ""))
    return await _read(chunks, f"the body may have {largest:,} bytes, unpacked", largest)


async def _read(chunks: AsyncIterator[bytes], refusal: str, largest: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > largest:
            raise HubError(413, refusal)
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first value of each name. Raises HubError 413, 415."""
    if not is_form(request):
        raise HubError(415, "send a form of the hub's pages")
    body = await limited_body(request, _LARGEST_FORM)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise HubError(413, "a form may have 20 fields") from None
    return {name: values[0].replace("\0", "\ufffd") for name, values in fields.items()}


async def csrf_checked(request: Request) -> dict[str, str] | None:
    """Return the fields of a form of the hub's own pages, or None for a program's request.

    A browser can be made to send a form from any page, so a form needs the CSRF token of its page. A request that no
    form can send and no page of another origin may send (a JSON body, or our own header) is a program's.
    `Guard.check_way` has already refused other sites' pages.

    Raises:
        HubError: 403 the form is out of date, 415 the body is neither a form nor JSON.
    """
    if content_type(request) == "application/json" or "X-Sixfb" in request.headers:
        return None
    if is_form(request):
        form = await read_form(request)
        if hmac.compare_digest(form.get("csrf", "").encode(), visitor_of(request).csrf.encode()):
            return form
        raise HubError(403, "the form is out of date; load its page again")
    raise HubError(415, "send a form of the hub's pages, or JSON with Content-Type: application/json")


def back_to(form: Mapping[str, str], otherwise: str = "/alerts") -> str:
    """Return the page that a form wants to be led back to; only an incident, an alert or the list of alerts can be named."""
    wanted = form.get("to", "")
    return wanted if _BACK.fullmatch(wanted) else otherwise


def person(request: Request) -> str:
    """Return the name of the acting person: the logged-in user, or without logins the name that a program gives in `X-Sixfb-Person`."""
    return visitor_of(request).name
