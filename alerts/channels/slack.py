"""Slack's incoming webhooks.

Slack answers 200 with the body `ok`; services that take its messages too answer other things. Limits: https://docs.slack.dev/reference/block-kit/blocks
(header 150 characters, section 3000, context 10 elements, 50 blocks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from alerts.channels.channel import Receipt, post
from alerts.channels.registry import Addressed
from alerts.message import Message, duration
from config import Secret
from facts import NotificationKind, Severity

_HEADER, _SECTION, _TEXT = 150, 3000, 3000
_LINES = 20
_MARKS = {
    NotificationKind.RESOLVED: "✅",
    NotificationKind.ACKNOWLEDGED: "🙋",
}
# A green tick says that it recovered.
_CLOSED = "⏹️"
_SEVERITY_MARKS = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.MEDIUM: "🟡"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """One webhook. `mentions` are Slack's own forms: `<@U…>` for a person, `<!subteam^S…>` for a group."""

    url: Secret
    client: httpx.Client = field(repr=False)
    mentions: tuple[str, ...] = ()

    @classmethod
    def at(cls, where: Addressed) -> Slack:
        """The channel of a destination."""
        return cls(url=where.url, client=where.client, mentions=where.mentions)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once."""
        answer = post(self.client, self.url, body=body(message, self.mentions), says="ok")
        return answer if not answer.ok or answer.note else replace(answer, detail="Slack took it")


def escaped(text: str) -> str:
    """Text that Slack shows and does not act on: page text may hold `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def body(message: Message, mentions: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON of a message: `text` for notifications and screen readers, `blocks` for the eye."""
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
    parts = [message.incident, message.severity.value]
    if message.counted:
        parts.append(f"counted: {', '.join(message.counted)}")
    if message.left_out:
        parts.append(f"left out: {'; '.join(message.left_out)}")
    if message.lasted_s is not None:
        parts.append(f"lasted {duration(message.lasted_s)}")
    return _cut(" · ".join(parts), 1900)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
