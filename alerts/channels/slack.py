"""Slack's incoming webhooks.

Slack answers 200 with the body `ok`; services that take its messages too answer other things. Limits: https://docs.slack.dev/reference/block-kit/blocks
(header 150 characters, section 3000, context 10 elements, 50 blocks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import httpx

from alerts.channels.channel import Receipt, post
from alerts.channels.settings import STRICT, Missing, Rendered, Resources, missing_url, must_name_a_variable, secret_url
from alerts.channels.text import facts_of
from alerts.message import Message
from config import Secret
from facts import NotificationKind, Severity

_HEADER, _SECTION, _TEXT = 150, 3000, 3000
_LINES = 20
_MENTION = re.compile(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+(\|[^<>]*)?|!here|!channel)>")
_MARKS = {
    NotificationKind.RESOLVED: "✅",
    NotificationKind.ACKNOWLEDGED: "🙋",
}
# A green tick says that it recovered.
_CLOSED = "⏹️"
_SEVERITY_MARKS = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.MEDIUM: "🟡"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """A channel of Slack. `url_from` names the variable that holds its webhook's address (or, with `_FILE` behind it, its file).

    `mentions` are called when something fires; a bare `@handle` calls nobody and counts as unset.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["slack"]
    url_from: str
    mentions: list[str] = field(default_factory=list)
    description: str = ""

    def __post_init__(self) -> None:
        must_name_a_variable("url_from", self.url_from, "SLACK_OPS_WEBHOOK")

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return what is missing: the address if it is not set, and the mentions that notify nobody. Raises ConfigError."""
        hint = "Slack wants <@U…> for a person, <!subteam^S…> for a group"
        silent = [mention for mention in self.mentions if not _MENTION.fullmatch(mention)]
        return [
            *missing_url("url_from", self.url_from, environment),
            *(Missing(key="mentions", what=f"{one!r} calls nobody", hint=hint, blocks=False) for one in silent),
        ]

    def channel(self, use: Resources) -> Slack:
        """Return the channel."""
        url = secret_url(self.url_from, use.environment)
        assert url is not None
        return Slack(url=url, client=use.client, mentions=_calling(self.mentions))

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the JSON that the webhook gets."""
        return Rendered(data=body(message, _calling(self.mentions)))


def _calling(mentions: Sequence[str]) -> tuple[str, ...]:
    """Return the mentions that notify somebody."""
    return tuple(mention for mention in mentions if _MENTION.fullmatch(mention))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """Sends to one webhook. `mentions` are in Slack's own forms: `<@U…>` for a person, `<!subteam^S…>` for a group."""

    url: Secret
    client: httpx.Client = field(repr=False)
    mentions: tuple[str, ...] = ()

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once."""
        answer = post(self.client, self.url, body=body(message, self.mentions), says="ok")
        return (
            answer if not answer.ok or answer.note else replace(answer, detail=f"Slack answered ok ({answer.status})")
        )


def escaped(text: str) -> str:
    """Return a text escaped, so that Slack shows it and does not act on it: a page's text may contain `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def body(message: Message, mentions: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON of a message: `text` for notifications and screen readers, `blocks` for display."""
    mark = _CLOSED if message.closed else _MARKS.get(message.kind) or _SEVERITY_MARKS.get(message.severity, "🔵")
    headline = f"{mark} {_demo(message)}{message.headline}"
    called = " ".join(mentions) if message.kind is NotificationKind.FIRING else ""
    text = f"{escaped(headline)}\n{escaped(message.summary)}" + (f"\n{called}" if called else "")
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(headline, _HEADER), "emoji": True}},
        _section(escaped(_cut(message.summary, 2000)) + (f"\n{called}" if called else "")),
    ]
    if len(message.lines) > 1:
        blocks.append(_section(_list(message)))
    blocks.append(_section(_links(message)))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(_context(message))}]})
    return {"text": _cut(text, _TEXT), "blocks": [block for block in blocks if block]}


def _demo(message: Message) -> str:
    return f"[{message.mark}] " if message.mark else ""


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _SECTION)}} if text else {}


def _list(message: Message) -> str:
    lines = [
        f"• *{escaped(line.title)}* ({line.state}): {escaped(_cut(line.summary, 140))}"
        for line in message.lines[:_LINES]
    ]
    more = len(message.lines) - _LINES
    return "\n".join([*lines, *([f"… and {more} more"] if more > 0 else [])])


def _links(message: Message) -> str:
    links = [f"<{link.url}|{escaped(link.name)}>" for link in message.links]
    if message.runbook:
        links.append(f"Runbook: {escaped(message.runbook)}")
    return " · ".join(links)


def _context(message: Message) -> str:
    return _cut(" · ".join(facts_of(message)), 1900)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
