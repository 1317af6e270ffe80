"""Takes PagerDuty's webhooks (v3), signed: whoever acknowledges an incident there has acknowledged it here.

https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from alerts.machine import Standing
from alerts.policy import Policy
from alerts.roll_up import Burst
from config import Secret
from facts import Alert, WireError, from_wire, moment_of
from hub.acknowledge import acknowledge_incident, alert_of, give_back_incident
from hub.answers import answering
from hub.context import HubContext
from hub.cycle import BURSTS, standing_alerts
from hub.errors import HubError
from hub.guard import content_type
from hub.requests import limited_body
from process.logs import get_logger
from process.visible import visible
from store import Store, inbound, meta

_log = get_logger("sixfb.hub")
PROVIDER = "pagerduty"
LARGEST_EVENT = 256 * 1024
_BODY = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
_SIGNATURE = re.compile(r"v1=([0-9a-f]{64})")
_ID, _KEY = re.compile(r"[!-~]{1,100}"), re.compile(r"[!-~]{1,64}")
_LONGEST_NAME = 60
_BY_PAGERDUTY = "(PagerDuty)"
"""How the name of whoever acknowledged in PagerDuty ends."""
_ACKNOWLEDGED, _RESOLVED = "incident.acknowledged", "incident.resolved"
_GIVEN_BACK = ("incident.unacknowledged", "incident.reopened")
_ACTED_ON = (_ACKNOWLEDGED, _RESOLVED, *_GIVEN_BACK)


class InboundResult(StrEnum):
    """What became of an event."""

    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    DUPLICATE = "duplicate"
    """It came before."""
    IGNORED = "ignored"
    """It changes nothing here; `why` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundResponse:
    """What became of an event, the incident that it is about, and why it changed nothing."""

    result: InboundResult
    incident: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """An event of PagerDuty's. `person` is the user who acted; None where PagerDuty itself or an integration did."""

    id: str
    kind: str
    incident: str | None
    person: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutyWebhook:
    """Verifies events by the secret of the webhook subscription, and acts on them.

    `destinations` are the names of the destinations of kind pagerduty: an acknowledgement that came from there is not sent back.
    """

    secret: Secret
    destinations: Collection[str] = field(default=())

    def take(
        self, store: Store, policy: Policy, body: bytes, signature: str | None, *, now: datetime
    ) -> InboundResponse:
        """Act on an event once, in the transaction that stores it, however often it is delivered.

        Raises:
            HubError: 400 the signature is missing or wrong, or the body is not JSON; 422 it is no event of PagerDuty's.
        """
        self._verify(body, signature)
        event = _read(body, now)
        if event.kind not in _ACTED_ON:
            return InboundResponse(result=InboundResult.IGNORED, why=f"{visible(event.kind):.60} changes nothing here")
        if event.incident is None:
            return InboundResponse(result=InboundResult.IGNORED, why="its incident has no incident_key")
        with store.write() as connection:
            # Two deliveries of one event wait for each other here, so that the second finds the first.
            standing = standing_alerts(connection)
            if inbound.result_of(connection, PROVIDER, event.id) is not None:
                return InboundResponse(result=InboundResult.DUPLICATE, incident=event.incident)
            last = inbound.last_occurred(connection, PROVIDER, event.incident)
            if last is not None and event.occurred_at < last:
                answer = _ignored(event, "a newer event of this incident came before")
            else:
                found = [
                    alert_of(standing, one) for one in _incidents_of(connection, event.incident, self.destinations)
                ]
                alerts = [alert for alert in found if alert is not None]
                answer = _ignored(event, "no open incident has this key")
                if alerts:
                    answers = [self._act(connection, event, standing, alert, policy, now) for alert in alerts]
                    # Of a roll-up some incidents may have somebody already; what was done counts.
                    answer = next((one for one in answers if one.result is not InboundResult.IGNORED), answers[0])
            inbound.add(
                connection,
                PROVIDER,
                event.id,
                received_at=now,
                occurred_at=event.occurred_at,
                incident=event.incident,
                result=answer.result.value,
            )
        return answer

    def _verify(self, body: bytes, signature: str | None) -> None:
        """Raises HubError 400 where none of the signatures is of the secret; several are sent while it is rotated."""
        if not signature:
            raise HubError(400, "the header X-PagerDuty-Signature is missing: this address takes PagerDuty's webhooks")
        wanted = hmac.new(self.secret.reveal().encode(), body, hashlib.sha256).hexdigest()
        found = [_SIGNATURE.fullmatch(part.strip()) for part in signature[:2000].split(",")]
        if not any(found):
            raise HubError(400, "the header X-PagerDuty-Signature is not PagerDuty's: it is written v1=...")
        if not any(one is not None and hmac.compare_digest(one[1], wanted) for one in found):
            raise HubError(
                400,
                "the signature is not of this secret; set PAGERDUTY_WEBHOOK_SECRET to the one that PagerDuty showed when the "
                "webhook subscription was made",
            )

    def _act(
        self, connection: Connection, event: _Event, standing: Standing, alert: Alert, policy: Policy, now: datetime
    ) -> InboundResponse:
        if event.kind in _GIVEN_BACK:
            if not (alert.acked_by or "").endswith(_BY_PAGERDUTY):
                return _ignored(event, "nobody acknowledged it in PagerDuty")
            by = f"{event.person or 'PagerDuty'} {_BY_PAGERDUTY}"
            give_back_incident(connection, standing, alert, policy, by=by, now=now)
            return InboundResponse(result=InboundResult.UNACKNOWLEDGED, incident=event.incident)
        if event.person is None:
            # Our own acknowledgement comes back like this, and an automatic one has nobody who works on it.
            return _ignored(event, "no person did it")
        by = f"{event.person} {_BY_PAGERDUTY}"
        changed = acknowledge_incident(
            connection, standing, alert, policy, by=by, now=now, not_to=frozenset(self.destinations)
        )
        if not changed:
            return _ignored(event, f"{alert.acked_by} has acknowledged it already")
        return InboundResponse(result=InboundResult.ACKNOWLEDGED, incident=event.incident)


def _incidents_of(connection: Connection, key: str, destinations: Collection[str]) -> list[str]:
    """Return the incidents that an incident key of PagerDuty's stands for: that one, or all that a roll-up to PagerDuty lists."""
    bursts = [from_wire(Burst, one) for one in meta.get(connection, BURSTS) or []]
    here = [burst for burst in bursts if burst.thread == key and burst.destination in destinations]
    return list(dict.fromkeys(member.incident for burst in here for member in burst.members)) or [key]


def _ignored(event: _Event, why: str) -> InboundResponse:
    return InboundResponse(result=InboundResult.IGNORED, incident=event.incident, why=why)


def _read(body: bytes, now: datetime) -> _Event:
    """Return the event of a body. Raises HubError 400, 422."""
    try:
        told = json.loads(body.decode())
    except (ValueError, RecursionError):  # the second: it is nested too deeply
        raise HubError(400, "the body is not JSON in UTF-8") from None
    event = told.get("event") if isinstance(told, Mapping) else None
    if not isinstance(event, Mapping):
        raise HubError(422, "a webhook of PagerDuty's is an object with an `event`: make a v3 webhook subscription")
    event_id, kind = event.get("id"), event.get("event_type")
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise HubError(422, "event.id: is a text of 1 to 100 letters, digits and signs")
    if not isinstance(kind, str):
        raise HubError(422, "event.event_type: is a text like incident.acknowledged")
    data = event.get("data")
    key = data.get("incident_key") if isinstance(data, Mapping) else None
    return _Event(
        id=event_id,
        kind=kind,
        incident=key if isinstance(key, str) and _KEY.fullmatch(key) else None,
        person=_person(event.get("agent")),
        occurred_at=_occurred_at(event.get("occurred_at"), now),
    )


def _person(agent: Any) -> str | None:
    """Return the name of the user who acted; None where it was no user."""
    if not isinstance(agent, Mapping) or agent.get("type") not in ("user_reference", "user"):
        return None
    name = agent.get("summary")
    said = visible(" ".join(name.split()))[:_LONGEST_NAME] if isinstance(name, str) else ""
    return said or "somebody"


def _occurred_at(told: Any, now: datetime) -> datetime:
    """Return when an event occurred, now at the latest: a clock that is ahead must not make later events look old."""
    try:
        return min(moment_of(told), now)
    except WireError:
        return now


def add_pagerduty_webhook(router: APIRouter, context: HubContext) -> None:
    """Add `POST /api/webhooks/pagerduty`; without a secret it answers 404."""

    @router.post(
        "/api/webhooks/pagerduty",
        **answering(
            InboundResponse,
            "What became of the event: `acknowledged`, `unacknowledged`, `duplicate` or `ignored`.",
            reads_json=True,
            _404="PAGERDUTY_WEBHOOK_SECRET is not set.",
            _413="More than 256 KiB.",
            _415="No JSON, or compressed.",
            _422="No event of PagerDuty's.",
        ),
        openapi_extra=_BODY,
    )
    async def take_pagerduty_event(request: Request) -> Response:
        """Take an event of PagerDuty's v3 webhooks: what somebody acknowledges there is acknowledged here."""
        webhook = context.pagerduty_webhook
        if webhook is None:
            raise HubError(404, "this hub takes no webhooks of PagerDuty: PAGERDUTY_WEBHOOK_SECRET is not set")
        if content_type(request) != "application/json":
            raise HubError(415, "send JSON with Content-Type: application/json, as PagerDuty does")
        body = await limited_body(request, LARGEST_EVENT)
        signature = request.headers.get("X-PagerDuty-Signature")
        taken = await run_in_threadpool(
            webhook.take, context.store, context.policy, body, signature, now=context.clock()
        )
        _log.info("pagerduty_event", result=taken.result.value, incident=taken.incident, why=taken.why)
        if taken.result in (InboundResult.ACKNOWLEDGED, InboundResult.UNACKNOWLEDGED):
            context.wake()
        return JSONResponse({"result": taken.result.value, "incident": taken.incident, "why": taken.why})
