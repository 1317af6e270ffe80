"""PagerDuty's Events API v2: one alert there for each incident of ours, triggered, acknowledged and resolved under one key.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import httpx

from alerts.channels.channel import Receipt, ask
from alerts.channels.settings import (
    HIDDEN,
    STRICT,
    Missing,
    Rendered,
    Resources,
    api_base,
    missing_secret,
    must_name_a_variable,
    secret_of,
)
from alerts.channels.text import cut, facts_of, marked, one_line, runbook_url
from alerts.message import Message
from config import Secret
from facts import NotificationKind, Severity, to_wire

API_BASE = "PAGERDUTY_API_BASE"
_BASES = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")
_SUMMARY, _DEDUP_KEY, _TEXT, _LINES, _LINKS = 1024, 255, 2000, 20, 20
_TOO_FAST_S = 60.0
"""How long to wait after a 429 that names no time: the limit is by the minute."""
_ACTIONS = {
    NotificationKind.FIRING: "trigger",
    NotificationKind.UPDATE: "trigger",
    NotificationKind.ACKNOWLEDGED: "acknowledge",
    NotificationKind.RESOLVED: "resolve",
}
_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFO: "info",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutySettings:
    """A service of PagerDuty. `key_from` names the variable that holds its integration key (or, with `_FILE` behind it, its file).

    `region` is where the account is: `us` or `eu`. PAGERDUTY_API_BASE names a stand-in instead.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["pagerduty"]
    key_from: str = "PAGERDUTY_ROUTING_KEY"
    region: Literal["us", "eu"] = "us"
    description: str = ""

    def __post_init__(self) -> None:
        must_name_a_variable("key_from", self.key_from, "PAGERDUTY_ROUTING_KEY")

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return what is missing if there is no integration key of 32 letters and digits. Raises ConfigError."""
        return missing_secret("key_from", self.key_from, environment, what="integration key", shape=_ROUTING_KEY)

    def channel(self, use: Resources) -> PagerDuty:
        """Return the channel."""
        base = api_base(API_BASE, use.environment, _BASES[self.region])
        return PagerDuty(key=secret_of(self.key_from, use.environment), base=base, client=use.client)

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the JSON of the event, without the integration key."""
        return Rendered(data=event(message, HIDDEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDuty:
    """Sends to one integration of a PagerDuty service."""

    key: Secret
    base: str = field(repr=False)
    client: httpx.Client = field(repr=False)

    @property
    def identity(self) -> Secret:
        """Return what the destination is reached by."""
        return self.key

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send one event; another one of the same action under the same key changes nothing there, so a second try is harmless."""
        answer = ask(self.client, Secret(f"{self.base}/v2/enqueue"), json=event(message, self.key))
        if isinstance(answer, Receipt):
            return answer
        receipt = answer.receipt()
        if receipt.ok:
            took = replace(receipt, detail=f"PagerDuty took it ({answer.status})")
            return took if answer.status == 202 else replace(receipt, note=answer.odd("202"))
        if answer.status == 429 and receipt.retry_after_s is None:
            return replace(receipt, retry_after_s=_TOO_FAST_S)
        return receipt


def event(message: Message, key: Secret) -> dict[str, Any]:
    """Return the JSON of an event. Its `dedup_key` is the incident's, which is how later ones find the alert."""
    body: dict[str, Any] = {
        "routing_key": key.reveal(),
        "event_action": _ACTIONS[message.kind],
        "dedup_key": cut(message.incident, _DEDUP_KEY),
        "client": "sixfb",
        "payload": {
            "summary": cut(one_line(marked(message, f"{message.headline}: {message.summary}")), _SUMMARY),
            "source": cut(_source(message), 255),
            "severity": _SEVERITIES[message.severity],
            "class": message.lines[0].rule if message.lines else message.kind.value,
            "custom_details": _details(message),
        },
        "links": _links(message),
    }
    if message.fired_at is not None:
        body["payload"]["timestamp"] = to_wire(message.fired_at)
    journey = next((line.journey for line in message.lines if line.journey), None)
    if journey:
        body["payload"]["component"] = journey
    if message.links:
        body["client_url"] = message.links[0].url
    return body


def _source(message: Message) -> str:
    """Return the source of the alert: the subject or journey of its first line, else the monitor itself."""
    first = message.lines[0] if message.lines else None
    return (first and (first.subject or first.journey)) or "sixfb"


def _links(message: Message) -> list[dict[str, str]]:
    links = [{"href": link.url, "text": cut(link.name, 255)} for link in message.links[:_LINKS]]
    runbook = runbook_url(message)
    return [*links, {"href": runbook, "text": "Runbook"}] if runbook else links


def _details(message: Message) -> dict[str, Any]:
    """Return the details below the alert; they are kept far shorter than PagerDuty's 512 KB, so that a person can read them."""
    details: dict[str, Any] = {
        "incident": message.incident,
        "state": message.kind.value,
        "headline": cut(message.headline, _TEXT),
        "summary": cut(message.summary, _TEXT),
        "facts": cut("; ".join(facts_of(message)), _TEXT),
        "alerts": [
            f"{cut(line.title, 200)} ({line.state}): {cut(line.summary, 300)}" for line in message.lines[:_LINES]
        ],
    }
    more = len(message.lines) - _LINES
    told = {
        "more_alerts": more if more > 0 else None,
        "since": to_wire(message.since) if message.since else None,
        "ended_at": to_wire(message.ended_at) if message.ended_at else None,
        "acknowledged_by": message.by,
        "closed": message.closed,
        "deploy": message.deploy or None,
        "runbook": message.runbook,
    }
    return {**details, **{name: value for name, value in told.items() if value is not None}}
