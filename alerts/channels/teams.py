"""Microsoft Teams: a webhook of a workflow ("Send webhook alerts to a channel"), which takes an adaptive card.

https://learn.microsoft.com/en-us/connectors/teams/#adaptivecarditemschema
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import httpx

from alerts.channels.channel import Receipt, post
from alerts.channels.settings import STRICT, Missing, Rendered, Resources, missing_url, must_name_a_variable, secret_url
from alerts.channels.text import cut, facts_of, marked, runbook_url
from alerts.message import Message
from config import Secret
from facts import NotificationKind, Severity

# A card has 28 KB at most, and a character of it up to four bytes, or six as JSON.
_HEADLINE, _TEXT, _LINES, _LINE, _ACTIONS = 200, 1000, 8, 160, 5
_COLOURS = {Severity.CRITICAL: "attention", Severity.HIGH: "warning", Severity.MEDIUM: "warning"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsSettings:
    """A channel of Teams. `url_from` names the variable that holds its workflow's address (or, with `_FILE` behind it, its file)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["teams"]
    url_from: str
    description: str = ""

    def __post_init__(self) -> None:
        must_name_a_variable("url_from", self.url_from, "TEAMS_OPS_WEBHOOK")

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return what is missing if there is no address. Raises ConfigError."""
        return missing_url("url_from", self.url_from, environment)

    def channel(self, use: Resources) -> Teams:
        """Return the channel."""
        url = secret_url(self.url_from, use.environment)
        assert url is not None
        return Teams(url=url, client=use.client)

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the JSON that the workflow gets."""
        return Rendered(data=body(message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Teams:
    """Sends to the webhook of one workflow."""

    url: Secret
    client: httpx.Client = field(repr=False)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send one card; a workflow answers 202, and posts it by and by."""
        receipt = post(self.client, self.url, body=body(message))
        return replace(receipt, detail=f"the workflow took it ({receipt.status})") if receipt.ok else receipt


def body(message: Message) -> dict[str, Any]:
    """Return the JSON: a message with one card."""
    over = message.kind is NotificationKind.RESOLVED
    if over and not message.closed:
        colour = "good"
    elif over:
        colour = "default"
    else:
        colour = _COLOURS.get(message.severity, "default")
    blocks: list[dict[str, Any]] = [
        {**_text(marked(message, message.headline), _HEADLINE), "weight": "bolder", "size": "medium", "color": colour},
        _text(message.summary, _TEXT),
    ]
    if len(message.lines) > 1:
        blocks += [_text(f"{line.title} ({line.state}): {line.summary}", _LINE) for line in message.lines[:_LINES]]
        more = len(message.lines) - _LINES
        blocks += [_text(f"and {more} more", _LINE)] if more > 0 else []
    if message.runbook and not runbook_url(message):
        blocks.append(_text(f"Runbook: {message.runbook}", _LINE))
    blocks.append({**_text(" · ".join(facts_of(message)), 500), "isSubtle": True, "size": "small"})
    runbook = runbook_url(message)
    links = [(link.name, link.url) for link in message.links] + ([("Runbook", runbook)] if runbook else [])
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": cut(n, 60), "url": url} for n, url in links[:_ACTIONS]],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, most: int) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _shown(cut(text, most)), "wrap": True}


def _shown(text: str) -> str:
    """Return a text escaped for Teams, which interprets some Markdown in cards: a page's text could contain a link."""
    for character in "\\`*_[]<>~#":
        text = text.replace(character, f"\\{character}")
    return text
