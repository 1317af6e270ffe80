"""The demo's receivers: a Slack webhook and a plain one, which keep what they get so that a person can read it."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_KEPT = 500
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as it came: `receiver` is `slack` or `webhook`, `channel` the last part of the address it was sent to."""

    number: int
    at: datetime
    receiver: str
    channel: str
    text: str
    body: Any


class Inbox:
    """What the receivers got, newest last; safe from any thread. `told` is called with each message as it comes."""

    def __init__(self, told: Callable[[Received], None] | None = None) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._received: deque[Received] = deque(maxlen=_KEPT)
        self._number = 0

    def all(self) -> list[Received]:
        """Every message that is still kept, oldest first."""
        with self._lock:
            return list(self._received)

    def app(self) -> Starlette:
        """The receivers: `POST /slack/CHANNEL` and `POST /webhook/NAME`, and `GET /inbox.json`."""
        return Starlette(
            routes=[
                Route("/slack/{channel}", self._slack, methods=["POST"]),
                Route("/webhook/{channel}", self._webhook, methods=["POST"]),
                Route("/inbox.json", self._list),
            ]
        )

    async def _slack(self, request: Request) -> Response:
        body = await _json(request)
        # As Slack does: no text, no message.
        if not isinstance(body, dict) or not body.get("text"):
            return PlainTextResponse("no_text", status_code=400)
        self._keep("slack", request.path_params["channel"], str(body["text"]), body)
        return PlainTextResponse("ok")

    async def _webhook(self, request: Request) -> Response:
        body = await _json(request)
        if not isinstance(body, dict):
            return PlainTextResponse("expected an object", status_code=400)
        text = str(body.get("text") or body.get("summary") or body.get("title") or "")
        self._keep("webhook", request.path_params["channel"], text, body)
        return JSONResponse({"received": True})

    def _keep(self, receiver: str, channel: str, text: str, body: Any) -> None:
        with self._lock:
            self._number += 1
            message = Received(
                number=self._number, at=datetime.now(UTC), receiver=receiver, channel=channel, text=text, body=body
            )
            self._received.append(message)
        if self._told:
            self._told(message)

    async def _list(self, _request: Request) -> Response:
        return JSONResponse(
            [
                {
                    "number": one.number,
                    "at": one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    "receiver": one.receiver,
                    "channel": one.channel,
                    "text": one.text,
                    "body": one.body,
                }
                for one in self.all()
            ]
        )


async def _json(request: Request) -> Any:
    body = await request.body()
    if len(body) > _LARGEST:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
