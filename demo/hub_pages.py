"""Adds the demo's controls to the hub's pages: faults to switch, and the messages that the receivers got."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from config import Secret
from demo.design_page import design_page
from facts import from_wire
from process.bounded_http import bounded_client
from reports.live.additions import PageHost
from reports.live.frame import Ago, Frame, Link, ago
from reports.pages import renderer

_MOST_BYTES = 20_000_000
_SHOWN = 8
_SENDER = "+15550100000"
_MESSAGE = re.compile(r"<Message>(.*)</Message>", re.DOTALL)
_render = renderer(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultButton:
    """Holds a fault of the demo shop that the page can switch."""

    name: str
    description: str
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """Holds one message in the form a receiver got it."""

    number: int
    at: datetime
    receiver: str
    channel: str
    text: str
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """Holds one message in the form shown on the page. `phone` is the number of the phone that can answer it."""

    number: int
    at: Ago | None
    to: str
    first: str
    rest: str
    json: str
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """Holds the data of the inbox's template."""

    frame: Frame
    rows: tuple[InboxRow, ...]
    can_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Holds the data of the overview's block."""

    frame: Frame
    faults: tuple[FaultButton, ...]
    rows: tuple[InboxRow, ...]
    shop: str


class DemoPages:
    """Adds the demo's pages; a failed request to the shop or the receivers is shown as empty."""

    links = (Link(path="/inbox", title="Inbox"),)

    def __init__(self, *, shop: str, inbox: str) -> None:
        # Both run on this machine, and a page waits for them.
        self._client = bounded_client(timeout_s=2.0, most_bytes=_MOST_BYTES)
        self._shop, self._inbox = shop, inbox
        self._webhook: tuple[str, Secret] | None = None

    def answer_sms(self, url: str, token: Secret) -> None:
        """Let the phones answer: replies go to a webhook's address, signed by a token as Twilio signs them."""
        self._webhook = url, token

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def overview_block(self, frame: Frame, now: datetime) -> Markup:
        """Return the buttons of the faults and the newest messages."""
        rows = _rows(self._messages(), now)[:_SHOWN]
        page = Controls(frame=frame, faults=tuple(self._faults()), rows=rows, shop=self._shop)
        return Markup(_render("controls.html.j2", page))

    def add_to(self, router: APIRouter, host: PageHost) -> None:
        """Add `/design`, `/inbox`, `/inbox.json`, `/inbox/replies` and `/demo/faults/{name}`."""

        @router.get("/design")
        def design(request: Request) -> str:
            frame = host.frame_for(request, "Design", "/design")
            return design_page(replace(frame, refresh_s=0), host.now())

        @router.get("/inbox")
        def inbox(request: Request) -> str:
            frame = host.frame_for(request, "Inbox", "/inbox")
            rows = _rows(self._messages(), host.now())
            return _render("inbox.html.j2", InboxPage(frame=frame, rows=rows, can_answer=self._webhook is not None))

        @router.get("/inbox.json")
        def inbox_json() -> Response:
            return JSONResponse(self._raw_messages())

        @router.post("/inbox/replies")
        async def reply(request: Request) -> Response:
            form = await host.checked_form(request) or {}
            await run_in_threadpool(self._reply, form.get("phone", ""), form.get("text", ""))
            return Response(status_code=303, headers={"Location": "/inbox"})

        @router.post("/demo/faults/{name}")
        async def switch(name: str, request: Request) -> Response:
            form = await host.checked_form(request)
            on = form.get("on") == "1" if form is not None else b"on=1" in (await request.body()).split(b"&")
            await run_in_threadpool(self._switch, name, on=on)
            return Response(status_code=303, headers={"Location": "/"})

    def _messages(self) -> list[InboxEntry]:
        try:
            return [from_wire(InboxEntry, one) for one in self._client.get(self._inbox).json()]
        except (httpx.HTTPError, ValueError):
            return []

    def _raw_messages(self) -> Any:
        try:
            return self._client.get(self._inbox).json()
        except (httpx.HTTPError, ValueError) as error:
            raise HTTPException(502, f"the demo's receivers do not answer: {type(error).__name__}") from None

    def _reply(self, phone: str, text: str) -> None:
        """Answer an SMS as one of the phones do: Twilio sends it to the hub, and the hub's answer to the phone."""
        if self._webhook is None:
            raise HTTPException(404, "this hub takes no SMS replies: TWILIO_AUTH_TOKEN is not set")
        if not phone or not text.strip():
            raise HTTPException(422, "write what the phone answers, like ack 7")
        url, token = self._webhook
        form = {"MessageSid": f"SM{secrets.token_hex(16)}", "From": phone, "To": _SENDER, "Body": text}
        headers = {"X-Twilio-Signature": signature(token, url, form)}
        try:
            answer = self._client.request("POST", url, data=form, headers=headers)
            answer.raise_for_status()
            said = _MESSAGE.search(answer.text)
            if said is not None:
                messages = f"{self._inbox.removesuffix('/inbox.json')}/twilio/2010-04-01/Accounts/demo/Messages.json"
                sms = {"To": phone, "From": _SENDER, "Body": unescape(said[1])}
                self._client.request("POST", messages, data=sms, headers={"Authorization": "Basic demo"})
        except httpx.HTTPError as error:
            raise HTTPException(502, f"the reply was not taken: {type(error).__name__}") from None

    def _faults(self) -> list[FaultButton]:
        try:
            told = self._client.get(f"{self._shop}/__faults").json()
            return [FaultButton(name=f["name"], description=f["description"], is_on=f["on"]) for f in told]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return []

    def _switch(self, name: str, *, on: bool) -> None:
        try:
            answer = self._client.request("PUT" if on else "DELETE", f"{self._shop}/__faults/{name}")
        except httpx.HTTPError as error:
            raise HTTPException(502, f"the demo's shop does not answer: {type(error).__name__}") from None
        if answer.status_code >= 400:
            raise HTTPException(answer.status_code, answer.text[:200])


def signature(token: Secret, url: str, form: Mapping[str, str]) -> str:
    """Return Twilio's signature of a form that is posted to an address. https://www.twilio.com/docs/usage/security"""
    said = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.reveal().encode(), said.encode(), hashlib.sha1).digest()).decode()


def _rows(entries: Sequence[InboxEntry], now: datetime) -> tuple[InboxRow, ...]:
    return tuple(_row(entry, now) for entry in sorted(entries, key=lambda e: -e.number))


def _row(entry: InboxEntry, now: datetime) -> InboxRow:
    first, _, rest = entry.text.partition("\n")
    return InboxRow(
        number=entry.number,
        at=ago(entry.at, now),
        to=f"{entry.receiver} {entry.channel}",
        first=first,
        rest=rest,
        json=json.dumps(entry.body, indent=2, ensure_ascii=False),
        phone=entry.channel if entry.receiver == "twilio" and "Reply ack" in entry.text else None,
    )
