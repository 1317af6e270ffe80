"""What is asked of a request before it may change anything."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.requests import Request

from hub.errors import HubError

_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 10_000
_LONGEST_NAME = 80


async def limited_body(request: Request, largest: int) -> bytes:
    """The body, never more of it in memory than allowed. Raises HubError 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise HubError(413, f"the body may have {largest:,} bytes")
    return bytes(body)


async def csrf_checked(request: Request, token: str) -> bool:
    """Whether the request is a form of our own pages (True) or a program's (False).

    A browser can be made to send a form from anywhere, so a form needs the token its page held; what no form can send
    (a JSON body, a header of our own) and no page of another origin may, is a program's.

    Raises:
        HubError: 403 the request came from another site's page.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise HubError(403, "this came from another site's page; use the hub's own")
    content = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content == "application/json" or "X-Sixfb" in request.headers:
        return False
    if content == _FORM:
        form = parse_qs((await limited_body(request, _LARGEST_FORM)).decode("utf-8", "replace"), max_num_fields=20)
        if hmac.compare_digest(form.get("csrf", [""])[0].encode(), token.encode()):
            return True
        raise HubError(403, "the form is out of date; load its page again")
    raise HubError(415, "send a form of the hub's pages, or JSON with Content-Type: application/json")


def person(request: Request) -> str:
    """Who acts: the name a program gives in `X-Sixfb-Person`, else the hub's page."""
    return (request.headers.get("X-Sixfb-Person") or "the dashboard")[:_LONGEST_NAME]
