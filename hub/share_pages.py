"""Serves share links: the page that a link shows, the list of links, and the endpoints that make and revoke them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Scope

from facts import Role, Share, to_wire
from hub.answers import answering, told
from hub.context import HubContext
from hub.decoding import json_in
from hub.errors import HubError, TooManyError
from hub.guard import Visitor
from hub.rates import Buckets, Rate
from hub.reader_zone import COOKIE
from hub.requests import csrf_checked, limited_body, person
from hub.shares import Shares, quoted_path, read_lifetime, read_page, refuse_missing, shown_query
from process.logs import get_logger
from reports.live.shared import shared_page
from reports.live.shares import closed_page, shares_page
from store import evidence

if TYPE_CHECKING:
    from hub.site import Pages

_log = get_logger("sixfb.hub")
_LARGEST = 4096
_LARGEST_PICTURE = 5_000_000
_RATE = Rate(per_second=5.0, burst=60)
"""How often one link may be opened: many people may have it, and each page costs the hub time."""
_READER = Visitor(name="", role=Role.VIEWER, csrf="", known=False)
_BODY = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
_FORM = {303: {"description": "A form came; the list of links is at `Location`."}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareShown(Share):
    """A share link, whether it is active, expired or revoked, and the address that opens it; null where it opens nothing."""

    now: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesListed:
    """The share links, the newest first."""

    shares: list[ShareShown]


class _Links:
    """Offers the share links with their whole addresses."""

    def __init__(self, context: HubContext) -> None:
        self.rows = context.guard.shares
        self._base = (context.policy.base_url or "").rstrip("/")

    def url_of(self, share: Share) -> str | None:
        path = self.rows.path_of(share)
        return f"{self._base}{path}" if path is not None else None

    def shown(self, share: Share, now: datetime) -> dict[str, Any]:
        state = share.state(now)
        return {**to_wire(share), "now": state, "url": self.url_of(share) if state == "active" else None}


def add_share_endpoints(router: APIRouter, context: HubContext) -> None:
    """Add `/api/shares` and what is below it."""
    links = _Links(context)

    @router.get("/api/shares", **answering(SharesListed, "The links."))
    def list_shares() -> Response:
        """Return the share links, the newest first, with the address of each that is active."""
        now = context.clock()
        return JSONResponse({"shares": [links.shown(one, now) for one in links.rows.listed()]})

    @router.post(
        "/api/shares",
        **answering(
            ShareShown,
            "The link.",
            reads_json=True,
            also={201: told(ShareShown, "The link was made."), **_FORM},
            _404="There is no such page.",
            _413="A form of this size is none.",
            _422="No page that can be shared, or no length of time.",
        ),
        openapi_extra=_BODY,
    )
    async def make_share(request: Request) -> Response:
        """Make a link that shows one page: `{"path": "/runs/ID", "for": "7d"}`; 10 minutes to 90 days."""
        form = await csrf_checked(request)
        asked = json_in(await limited_body(request, _LARGEST)) if form is None else form
        share = await run_in_threadpool(_make, context, links.rows, asked, by=person(request))
        if form is not None:
            return Response(status_code=303, headers={"Location": f"/shares#share-{share.id}"})
        return JSONResponse(links.shown(share, context.clock()), status_code=201)

    @router.post(
        "/api/shares/{share_id}/revoke",
        **answering(
            ShareShown,
            "The link, revoked.",
            reads_json=True,
            also=_FORM,
            _404="No such link.",
            _413="A form of this size is none.",
        ),
        openapi_extra=_BODY,
    )
    async def revoke_share(share_id: str, request: Request) -> Response:
        """Revoke a share link; it opens nothing from now on."""
        form = await csrf_checked(request)
        await run_in_threadpool(links.rows.revoke, share_id, by=person(request), now=context.clock())
        _log.info("share_revoked", share=share_id, by=person(request))
        if form is not None:
            return Response(status_code=303, headers={"Location": "/shares"})
        revoked = next(one for one in links.rows.listed() if one.id == share_id)
        return JSONResponse(links.shown(revoked, context.clock()))


def _make(context: HubContext, shares: Shares, asked: Any, *, by: str) -> Share:
    if not isinstance(asked, dict) or not isinstance(asked.get("path"), str):
        raise HubError(422, 'send an object: {"path": "/runs/ID", "for": "7d"}')
    page = read_page(asked["path"], context.guard.access.prefix)
    lasts, now = read_lifetime(asked.get("for")), context.clock()
    with context.store.read() as connection:
        refuse_missing(connection, page, journeys=list(context.watched.schedules()))
    share = shares.make(page, by=by, lasts=lasts, now=now)
    _log.info("share_made", share=share.id, by=by, path=page, until=to_wire(share.expires_at))
    return share


def add_share_pages(router: APIRouter, pages: Pages, site: ASGIApp) -> None:
    """Add `/shares` and `/share/{token}`; `site` makes the pages, without asking who wants them."""
    context, links = pages.context, _Links(pages.context)
    buckets = Buckets(_RATE)

    @router.get("/shares")
    def list_links(request: Request) -> str:
        frame = pages.seen_by(request).frame("Share links", "/shares", refresh_s=30)
        return shares_page(frame, links.rows.listed(), links.url_of, context.clock())

    @router.get("/share/{token}")
    async def show_shared(token: str, request: Request) -> Response:
        prefix = context.guard.access.prefix
        try:
            share = await run_in_threadpool(links.rows.opened, token, now=context.clock())
            wait_s = buckets.take(share.id, context.guard.monotonic())
            if wait_s > 0:
                raise TooManyError("this link is opened too often", wait_s=wait_s)
            answer = await _made(site, request, share)
            if answer.status not in (200, 304):
                raise HubError(404, "the page of this link is not there any more")
        except HubError as error:
            return HTMLResponse(closed_page(str(error), prefix), error.status, headers=_private(error.headers))
        headers = _private({"ETag": answer.etag} if answer.etag else {})
        if answer.status == 304:
            return Response(status_code=304, headers=headers)
        html = await run_in_threadpool(_for_reader, pages, answer.body.decode(), share)
        return HTMLResponse(html, headers=headers)


def _for_reader(pages: Pages, html: str, share: Share) -> str:
    context = pages.context
    ends = pages.zone.clock(share.expires_at, context.clock())
    note = f"Shared by {share.by}, read-only, until {ends} {share.expires_at.astimezone(pages.zone.zone):%Z}."
    return shared_page(html, note, prefix=context.guard.access.prefix, picture=lambda sha256: _picture(context, sha256))


def _picture(context: HubContext, sha256: str) -> bytes | None:
    """Return a picture that a page shows; None for evidence of any other kind, and where it is gone."""
    path = context.artifacts.path(sha256)
    with context.store.read() as connection:
        kind = evidence.kind_of(connection, sha256)
    if path is None or kind != "screenshot" or path.stat().st_size > _LARGEST_PICTURE:
        return None
    return path.read_bytes()


def _private(more: dict[str, str]) -> dict[str, str]:
    """Return the headers of everything that a link answers: kept by nobody, found by no search engine, told to no other site."""
    return {
        **more,
        "Cache-Control": "no-store, private",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the pages answered to a request for the page of a link."""

    status: int
    etag: str
    body: bytes


async def _made(site: ASGIApp, request: Request, share: Share) -> _Answer:
    """Return the page of a link as a viewer sees it; of the request nothing but the time zone and the known version is passed on."""
    query = shown_query(share, request.query_params)
    kept = {"host": request.headers.get("Host", ""), "if-none-match": request.headers.get("If-None-Match", "")}
    zone = request.cookies.get(COOKIE)
    if zone:
        kept["cookie"] = f"{COOKIE}={zone}"
    path = quoted_path(share)
    scope: Scope = {
        **request.scope,
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in kept.items() if value],
        "state": {"visitor": _READER, "token": None, "is_shared": True},
    }
    scope.pop("path_params", None)
    started: list[Message] = []
    body = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await site(scope, receive, send)
    headers = {name.lower(): value.decode("latin-1") for name, value in started[0]["headers"]}
    is_page = headers.get(b"content-type", "").startswith("text/html") or started[0]["status"] == 304
    return _Answer(status=started[0]["status"] if is_page else 404, etag=headers.get(b"etag", ""), body=bytes(body))
