"""Takes the answers to SMS alerts, as Twilio forwards them: `ack 7` acknowledges inc-7, `esc 7` calls the next tier.

https://www.twilio.com/docs/messaging/guides/webhook-request and https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from alerts.channels.text import gsm
from alerts.machine import EscalationRefusedError, Standing
from alerts.message import duration
from alerts.policy import Policy
from alerts.replies import Reply, ReplyAction, code_of, read_reply
from config import Secret
from facts import Alert, Incident
from hub.acknowledge import acknowledge_incident, alert_of
from hub.context import HubContext
from hub.cycle import standing_alerts
from hub.errors import HubError
from hub.escalate import escalate_within
from hub.guard import is_form
from hub.requests import limited_body
from journeys.site import Site
from process.logs import get_logger
from store import Store, inbound

_log = get_logger("sixfb.hub")
PATH = "/api/webhooks/twilio"
PROVIDER = "twilio"
LARGEST_FORM = 64 * 1024
_MOST_FIELDS = 200
_MESSAGE_ID = re.compile(r"[A-Za-z0-9]{1,100}")
_SHOWN = 3
_BODY = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}}
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneOwner:
    """Whose phone a number is, and the destinations that are this phone."""

    name: str
    destinations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioWebhook:
    """Verifies replies by the account's auth tokens, and acts on those that come from a phone of the directory.

    `phones` are the numbers of alerts.yaml, in E.164.
    """

    tokens: Sequence[Secret]
    phones: Mapping[str, PhoneOwner] = field(default_factory=dict)

    def verify(self, url: str, form: Sequence[tuple[str, str]], signature: str | None) -> None:
        """Return where a request is signed for its address by one of the tokens. Raises HubError 400."""
        if not signature:
            raise HubError(400, "the header X-Twilio-Signature is missing: this address takes SMS replies from Twilio")
        told = signature.encode("utf-8", "replace")
        # No early end: how long it takes says nothing of which one was near.
        right = [
            hmac.compare_digest(told, signature_of(token, address, form).encode())
            for token in self.tokens
            for address in _addresses(url)
        ]
        if not any(right):
            raise HubError(
                400,
                f"the signature is not of this account's token and of the address {url}; is base_url of alerts.yaml the "
                "address that Twilio calls?",
            )

    def take(
        self, store: Store, policy: Policy, form: Mapping[str, str], *, now: datetime, site: Site | None = None
    ) -> str:
        """Act on a reply once, in the transaction that stores it, and return the text of the answer; "" where none is sent.

        `site` tells what is usually sold, for the money at risk in the messages of an escalation.

        Raises:
            HubError: 422 the form is no SMS.
        """
        message_id, sender = form.get("MessageSid", ""), form.get("From", "")
        if not _MESSAGE_ID.fullmatch(message_id) or not sender:
            raise HubError(422, "the form is no SMS of Twilio's: MessageSid and From are missing")
        owner, reply = self.phones.get(sender), read_reply(form.get("Body", ""))
        if owner is None or reply.action is ReplyAction.STOP:
            return ""
        with store.write() as connection:
            # Two deliveries of one reply wait for each other here, so that the second finds the first.
            standing = standing_alerts(connection)
            known = inbound.result_of(connection, PROVIDER, message_id)
            if known is not None:
                return known
            answer = gsm(_act(connection, standing, owner, reply, policy, now, site))
            inbound.add(connection, PROVIDER, message_id, received_at=now, result=answer)
        return answer


def webhook_address(base_url: str) -> str:
    """Return the public address to which Twilio sends replies."""
    return f"{base_url.rstrip('/')}{PATH}"


def signature_of(token: Secret, url: str, form: Sequence[tuple[str, str]]) -> str:
    """Return Twilio's signature of a form that is posted to an address: HMAC-SHA1 over it and the sorted fields, in base64."""
    said = url + "".join(f"{name}{value}" for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(token.reveal().encode(), said.encode(), hashlib.sha1).digest()).decode()


def _addresses(url: str) -> Iterator[str]:
    """Yield an address as it is, and with its usual port: Twilio signs either."""
    yield url
    parts = urlsplit(url)
    if parts.port is None and parts.hostname and parts.scheme in _PORTS:
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc}:{_PORTS[parts.scheme]}"))
    elif parts.port == _PORTS.get(parts.scheme):
        yield urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))


def _act(
    connection: Connection,
    standing: Standing,
    owner: PhoneOwner,
    reply: Reply,
    policy: Policy,
    now: datetime,
    site: Site | None,
) -> str:
    by = f"{owner.name} (SMS)"
    if reply.action is ReplyAction.HELP:
        return _help(standing)
    found = _meant(standing, owner, reply)
    if isinstance(found, str):
        return found
    alert = alert_of(standing, found.id)
    if alert is None:
        return f"{found.id} has no alert any more."
    if reply.action is ReplyAction.ESCALATE:
        try:
            called = escalate_within(connection, standing, found.id, policy, by=by, now=now, site=site)
        except EscalationRefusedError as error:
            return f"{error}. Reply ack {code_of(found.id)} if you have it."
        roles = " and ".join(dict.fromkeys(one.role for row in called if row.destinations for one in row.recipients))
        return f"Escalated {found.id}: {roles or 'nobody could be'} called now. {_title(alert)}"
    before = alert.acked_by
    changed = acknowledge_incident(connection, standing, alert, policy, by=by, now=now, not_to=owner.destinations)
    if not changed:
        return f"{found.id} is acknowledged already, by {before}: {_title(alert)}"
    lasts = policy.escalation.unack_after if policy.escalation is not None else None
    until = f" It comes back in {duration(lasts.total_seconds())} if it still fires." if lasts is not None else ""
    return f"You have {found.id}: {_title(alert)}.{until}"


def _meant(standing: Standing, owner: PhoneOwner, reply: Reply) -> Incident | str:
    """Return the incident that a reply is about, or the sentence that says why none is found."""
    open_ones = {int(code_of(one.id)): one for one in standing.incidents if code_of(one.id).isdigit()}
    if reply.number is not None:
        found = open_ones.get(reply.number)
        return found if found is not None else f"inc-{reply.number} is not open. {_listed(standing)}"
    told = {n.thread for n in standing.notifications if n.destination in owner.destinations}
    mine = [one for one in open_ones.values() if one.id in told] or list(open_ones.values())
    waiting = [one for one in mine if _waits(standing, one)]
    candidates = waiting if reply.action is ReplyAction.ACKNOWLEDGE and waiting else mine
    if len(candidates) == 1:
        return candidates[0]
    word = "ack" if reply.action is ReplyAction.ACKNOWLEDGE else "esc"
    return _listed(standing, candidates, word) if candidates else "No incident is open."


def _waits(standing: Standing, incident: Incident) -> bool:
    alert = alert_of(standing, incident.id)
    return alert is not None and alert.acked_at is None


def _listed(standing: Standing, incidents: Sequence[Incident] | None = None, word: str = "ack") -> str:
    found = list(standing.incidents) if incidents is None else list(incidents)
    if not found:
        return "No incident is open."
    found.sort(key=lambda one: (one.severity.rank, one.opened_at))
    named = [
        f"{word} {code_of(one.id)} ({_title(alert, 30) if (alert := alert_of(standing, one.id)) else one.id})"
        for one in found[:_SHOWN]
    ]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    noun = "incident is" if len(found) == 1 else "incidents are"
    return f"{len(found)} {noun} open. Reply {', '.join(named)}{more}"


def _help(standing: Standing) -> str:
    return f"Reply ack (or 1) to acknowledge, esc (or 2) to call the next tier, with the number: ack 7. {_listed(standing)}"


def _title(alert: Alert, most: int = 60) -> str:
    return gsm(alert.title or alert.key, most)


def twiml(text: str) -> str:
    """Return the document that Twilio answers a phone by; an empty one sends nothing."""
    message = f"<Message>{escape(text)}</Message>" if text else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise HubError(400, "the form is not in UTF-8") from None
    except ValueError:
        raise HubError(413, f"a form may have {_MOST_FIELDS} fields") from None


def add_twilio_webhook(router: APIRouter, context: HubContext) -> None:
    """Add `POST /api/webhooks/twilio`; without a token it answers 404."""

    @router.post(
        PATH,
        response_class=Response,
        responses={
            200: {
                "description": "The answer to the phone, as TwiML.",
                "content": {"application/xml": {"schema": {"type": "string"}}},
            },
            **{
                status: {"description": why}
                for status, why in {
                    400: "The signature is missing or wrong.",
                    404: "TWILIO_AUTH_TOKEN is not set.",
                    413: "More than 64 KiB.",
                    415: "No form, or compressed.",
                    422: "No SMS.",
                }.items()
            },
        },
        openapi_extra=_BODY,
    )
    async def take_sms_reply(request: Request) -> Response:
        """Take the answer to an SMS, as Twilio forwards it: `ack 7` acknowledges inc-7, `esc 7` calls the next tier."""
        webhook = context.twilio_webhook
        if webhook is None:
            raise HubError(404, "this hub takes no SMS replies: TWILIO_AUTH_TOKEN is not set")
        if not is_form(request):
            raise HubError(415, "send a form (application/x-www-form-urlencoded), as Twilio does")
        form = _form(await limited_body(request, LARGEST_FORM))
        query = request.scope["query_string"].decode("latin-1")
        # The public address: what this hub is called by behind a proxy is another one.
        url = webhook_address(context.policy.base_url) + (f"?{query}" if query else "")
        webhook.verify(url, form, request.headers.get("X-Twilio-Signature"))
        said = await run_in_threadpool(
            webhook.take, context.store, context.policy, dict(form), now=context.clock(), site=context.watched.site
        )
        _log.info("sms_reply", answered=bool(said))
        if said:
            context.wake()
        return Response(twiml(said), media_type="application/xml")
