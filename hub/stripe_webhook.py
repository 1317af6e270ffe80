"""Takes Stripe's events as Stripe sends them, signed; the poll of the source `stripe` finds those that never come."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from config import Secret
from facts import Event
from hub.answers import answering
from hub.collect import reading_errors, save_events
from hub.context import HubContext
from hub.errors import HubError
from hub.requests import limited_body
from sources import Collected
from sources.stripe_events import OLDEST, SOURCE, EventFilter, StripeEventError, read_event
from store import Store, cursors

TOLERANCE_S = 300
"""How old a signature may be, as Stripe's own libraries have it."""
LARGEST_EVENT = 1024 * 1024
_MOST_REMEMBERED = 10_000
_BODY = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}


class EventResult(StrEnum):
    """What became of an event."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """It is stored already: it came before, or the poll was faster."""
    LEFT_OUT = "left out"
    """It is not counted: another type or mode, too old, or the synthetic buyer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResponse:
    """What became of an event."""

    result: EventResult


@dataclass(slots=True, kw_only=True)
class _Deliveries:
    """The signed deliveries that were taken while their signatures are valid, so that nobody sends one again."""

    monotonic: Callable[[], float]
    _seen: dict[bytes, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def knows(self, key: bytes) -> bool:
        with self._lock:
            return self.monotonic() - self._seen.get(key, -2.0 * TOLERANCE_S) <= 2 * TOLERANCE_S

    def note(self, key: bytes) -> None:
        with self._lock:
            self._seen[key] = self.monotonic()
            while len(self._seen) > _MOST_REMEMBERED:
                del self._seen[next(iter(self._seen))]


class StripeWebhook:
    """Verifies and saves events. `secret` is the endpoint's own (`whsec_...`), and `counted` says which events are counted."""

    def __init__(
        self, secret: Secret, counted: EventFilter, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        # Imported only where it is used: Stripe's library is large, and most hubs take no webhook.
        from stripe import SignatureVerificationError, WebhookSignature

        self._verify, self._refusal = WebhookSignature.verify_header, SignatureVerificationError
        self._secret, self._counted = secret, counted
        self._deliveries = _Deliveries(monotonic=monotonic)

    def take(self, store: Store, body: bytes, signature: str | None, *, now: datetime) -> EventResult:
        """Save an event with its numbers in one transaction, once, whether it comes again or the poll finds it too.

        Raises:
            HubError: 400 the signature is missing, wrong or old, or the body is no JSON; 409 this very delivery was taken already;
                422 it is no event of Stripe's.
        """
        key = self._delivery(body, signature)
        if self._deliveries.knows(key):
            raise HubError(409, "this delivery was taken already; Stripe signs each new one anew")
        taken = _save(store, self._event(body, now), now)
        self._deliveries.note(key)
        return taken

    def _delivery(self, body: bytes, signature: str | None) -> bytes:
        """Return what tells one signed delivery from another. Raises HubError 400."""
        if not signature:
            raise HubError(400, "the header Stripe-Signature is missing: this address takes webhooks of Stripe alone")
        if not signature.isascii():
            raise HubError(400, "the header Stripe-Signature is none of Stripe's")
        try:
            self._verify(body.decode(), signature, self._secret.reveal(), TOLERANCE_S)
        except UnicodeDecodeError:
            raise HubError(400, "the body is not JSON in UTF-8") from None
        except self._refusal as error:
            raise HubError(400, _why_refused(str(error))) from None
        at = next(part.partition("=")[2] for part in signature.split(",") if part.partition("=")[0] == "t")
        return hashlib.sha256(f"{int(at)}.".encode() + body).digest()

    def _event(self, body: bytes, now: datetime) -> Event | None:
        try:
            event = read_event(json.loads(body), self._counted)
        except StripeEventError as error:
            raise HubError(422, str(error)) from None
        except (ValueError, RecursionError):  # the second: it is nested too deeply
            raise HubError(400, "the body is not JSON in UTF-8") from None
        if event is None or event.at < now - OLDEST:
            return None
        if wrong := reading_errors(Collected(events=[event]), SOURCE):
            raise HubError(422, wrong[0])
        return event


def _why_refused(said: str) -> str:
    if "tolerance" in said:
        return f"the signature is older than {TOLERANCE_S // 60} minutes; is the clock of this machine right?"
    if "extract" in said or "expected scheme" in said:
        return "the header Stripe-Signature is none of Stripe's: it is written t=...,v1=..."
    return (
        "the signature is not of this endpoint's secret; set STRIPE_WEBHOOK_SECRET to the one that Stripe shows for it"
    )


def _save(store: Store, event: Event | None, now: datetime) -> EventResult:
    if event is None:
        return EventResult.LEFT_OUT
    with store.write() as connection:
        cursors.lock(connection, SOURCE)
        new, _ = save_events(connection, [event], source=SOURCE, now=now)
    return EventResult.NEW if new else EventResult.DUPLICATE


def add_stripe_webhook(router: APIRouter, context: HubContext) -> None:
    """Add `POST /api/webhooks/stripe`; without a secret it answers 404."""

    @router.post(
        "/api/webhooks/stripe",
        **answering(
            EventResponse,
            "What became of the event: `new`, `duplicate` or `left out`.",
            reads_json=True,
            _404="STRIPE_WEBHOOK_SECRET is not set.",
            _409="This very delivery was taken already.",
            _413="More than 1 MiB.",
            _422="No event of Stripe's.",
        ),
        openapi_extra=_BODY,
    )
    async def take_event(request: Request) -> Response:
        """Take an event that Stripe has signed with the endpoint's secret; it counts once, however often it comes."""
        webhook = context.stripe_webhook
        if webhook is None:
            raise HubError(404, "this hub takes no webhooks of Stripe: STRIPE_WEBHOOK_SECRET is not set")
        body = await limited_body(request, LARGEST_EVENT)
        signature = request.headers.get("Stripe-Signature")
        taken = await run_in_threadpool(webhook.take, context.store, body, signature, now=context.clock())
        return JSONResponse({"result": taken.value})
