"""The demo's receivers: Slack, a plain webhook, PagerDuty, Twilio, Teams and Telegram; mail comes by `mail.py`.

They keep what they get so that a person can read it, and refuse what the real ones refuse."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_KEPT = 500
_MOST_TEXTS = 20_000
_TEXTS_A_PAGE = 1000
_LARGEST = 1_000_000
_MESSAGES = "/2010-04-01/Accounts/{account}/Messages.json"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ACTIONS, _SEVERITIES = ("trigger", "acknowledge", "resolve"), ("critical", "error", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as it came: `receiver` is `slack`, `webhook`, `pagerduty`, `twilio`, `email`, `teams` or `telegram`; `channel` is the
    last part of the address it was sent to, the key of PagerDuty's alert, a phone's number, a mail address or a chat's."""

    number: int
    at: datetime
    receiver: str
    channel: str
    text: str
    body: Any


class Inbox:
    """What the receivers got, newest last; safe from any thread. `told` is called with each message as it comes.

    `shop_texts` are the texts that the shop sent, as Twilio lists them: its account is the alerts' too.
    """

    def __init__(self, told: Callable[[Received], None] | None = None) -> None:
        self._told = told
        self.shop_texts: deque[dict[str, Any]] = deque(maxlen=_MOST_TEXTS)
        self._lock = threading.Lock()
        self._received: deque[Received] = deque(maxlen=_KEPT)
        self._number = 0

    def all(self) -> list[Received]:
        """Every message that is still kept, oldest first."""
        with self._lock:
            return list(self._received)

    def app(self) -> Starlette:
        """The receivers: `POST /slack/CHANNEL`, `/webhook/NAME`, `/teams/CHANNEL`; `/pagerduty`, `/twilio` and `/telegram` are what
        PAGERDUTY_API_BASE, TWILIO_API_BASE and TELEGRAM_API_BASE name; and `GET /inbox.json`."""
        return Starlette(
            routes=[
                Route("/slack/{channel}", self._slack, methods=["POST"]),
                Route("/webhook/{channel}", self._webhook, methods=["POST"]),
                Route("/teams/{channel}", self._teams, methods=["POST"]),
                Route("/pagerduty/v2/enqueue", self._pagerduty, methods=["POST"]),
                Route(f"/twilio{_MESSAGES}", self._twilio, methods=["POST"]),
                Route(f"/twilio{_MESSAGES}", self._texts, methods=["GET"]),
                Route(f"/twilio{_MESSAGES.removesuffix('.json')}/{{sid}}.json", self._twilio_status),
                Route("/telegram/{bot}/sendMessage", self._telegram, methods=["POST"]),
                Route("/inbox.json", self._list),
            ]
        )

    async def _slack(self, request: Request) -> Response:
        body = await _json(request)
        # As Slack does: no text, no message.
        if not isinstance(body, dict) or not body.get("text"):
            return PlainTextResponse("no_text", status_code=400)
        self.keep("slack", request.path_params["channel"], str(body["text"]), body)
        return PlainTextResponse("ok")

    async def _webhook(self, request: Request) -> Response:
        body = await _json(request)
        if not isinstance(body, dict):
            return PlainTextResponse("expected an object", status_code=400)
        text = str(body.get("text") or body.get("summary") or body.get("title") or "")
        self.keep("webhook", request.path_params["channel"], text, body)
        return JSONResponse({"received": True})

    async def _teams(self, request: Request) -> Response:
        body = await _json(request)
        try:
            blocks = body["attachments"][0]["content"]["body"]
            text = "\n".join(str(block["text"]) for block in blocks)
        except (TypeError, KeyError, IndexError):
            return PlainTextResponse("expected a message with an adaptive card", status_code=400)
        self.keep("teams", request.path_params["channel"], text, body)
        return Response(status_code=202)

    async def _pagerduty(self, request: Request) -> Response:
        """As PagerDuty does: https://developer.pagerduty.com/docs/send-alert-event."""
        body = await _json(request)
        wrong = _wrong_event(body)
        if wrong:
            told = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
            return JSONResponse(told, status_code=400)
        key = str(body.get("dedup_key") or secrets.token_hex(16))
        text = f"{body['event_action']}: {(body.get('payload') or {}).get('summary', '')}"
        # What an integration key is for, no reader of the inbox needs.
        self.keep("pagerduty", key, text, {**body, "routing_key": "***"})
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": key}, status_code=202)

    async def _twilio(self, request: Request) -> Response:
        """As Twilio does: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource."""
        raw = await request.body()
        if not request.headers.get("Authorization", "").startswith("Basic ") or len(raw) > _LARGEST:
            return _twilio_error(401, 20003, "Authenticate")
        form = {name: values[0] for name, values in parse_qs(raw.decode("utf-8", "replace")).items()}
        if not _E164.fullmatch(form.get("To", "")):
            return _twilio_error(400, 21211, "Invalid 'To' Phone Number")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _twilio_error(400, 21603, "A 'From' phone number is required")
        if not form.get("Body"):
            return _twilio_error(400, 21602, "Message body is required")
        self.keep("twilio", form["To"], form["Body"], form)
        told = {"sid": f"SM{secrets.token_hex(16)}", "status": "queued", "to": form["To"], "body": form["Body"]}
        return JSONResponse({**told, "price": None, "error_code": None}, status_code=201)

    async def _twilio_status(self, request: Request) -> Response:
        """As Twilio does: https://www.twilio.com/docs/messaging/api/message-resource#fetch-a-message-resource."""
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return _twilio_error(401, 20003, "Authenticate")
        return JSONResponse({"sid": request.path_params["sid"], "status": "delivered", "error_code": None})

    async def _texts(self, request: Request) -> Response:
        """As Twilio does, by GMT day: https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources."""
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return _twilio_error(401, 20003, "Authenticate")
        day, page = request.query_params.get("DateSent"), request.query_params.get("Page", "0")
        if not page.isascii() or not page.isdigit():
            return _twilio_error(400, 20001, "Page must be a number")
        found = [one for one in list(self.shop_texts) if day is None or _day_of(one) == day]
        begins = int(page) * _TEXTS_A_PAGE
        more = len(found) > begins + _TEXTS_A_PAGE
        path = _MESSAGES.format(account=request.path_params["account"])
        following = f"{path}?PageSize={_TEXTS_A_PAGE}&Page={int(page) + 1}" + (f"&DateSent={day}" if day else "")
        told = {"messages": found[begins : begins + _TEXTS_A_PAGE], "next_page_uri": following if more else None}
        return JSONResponse(told)

    async def _telegram(self, request: Request) -> Response:
        """As Telegram does: https://core.telegram.org/bots/api#making-requests."""
        body = await _json(request)
        if not request.path_params["bot"].startswith("bot"):
            return JSONResponse({"ok": False, "error_code": 404, "description": "Not Found"}, status_code=404)
        if not isinstance(body, dict) or not body.get("chat_id") or not body.get("text"):
            told = {"ok": False, "error_code": 400, "description": "Bad Request: message text is empty"}
            return JSONResponse(told, status_code=400)
        self.keep("telegram", str(body["chat_id"]), str(body["text"]), body)
        return JSONResponse({"ok": True, "result": {"message_id": self._number, "text": body["text"]}})

    def keep(self, receiver: str, channel: str, text: str, body: Any) -> None:
        """Add a message."""
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


def _wrong_event(body: Any) -> list[str]:
    """Why an event is none of PagerDuty's; nothing where it is one."""
    if not isinstance(body, dict):
        return ["the body is no object"]
    payload = body.get("payload")
    checks = {
        "'routing_key' is invalid": len(str(body.get("routing_key", ""))) == 32,
        "'event_action' is invalid": body.get("event_action") in _ACTIONS,
        "'dedup_key' is too long": len(str(body.get("dedup_key") or "")) <= 255,
    }
    if body.get("event_action") == "trigger":
        payload = payload if isinstance(payload, dict) else {}
        checks |= {
            "'payload.summary' is missing or too long": 1 <= len(str(payload.get("summary") or "")) <= 1024,
            "'payload.source' is missing or blank": bool(payload.get("source")),
            "'payload.severity' is invalid": payload.get("severity") in _SEVERITIES,
        }
    return [what for what, good in checks.items() if not good]


def _day_of(text: dict[str, Any]) -> str:
    return parsedate_to_datetime(text["date_sent"]).date().isoformat()


def _twilio_error(status: int, code: int, message: str) -> Response:
    told = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return JSONResponse(told, status_code=status)


async def _json(request: Request) -> Any:
    body = await request.body()
    if len(body) > _LARGEST:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
