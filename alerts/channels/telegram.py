"""Telegram's bot API. The bot's token is a part of the address, so the whole address is a secret.

https://core.telegram.org/bots/api#sendmessage
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, ClassVar, Literal

import httpx

from alerts.channels.channel import Answer, Receipt, ask
from alerts.channels.settings import (
    STRICT,
    Missing,
    Rendered,
    Resources,
    api_base,
    missing_secret,
    must_name_a_variable,
    secret_of,
)
from alerts.channels.text import cut, facts_of, marked, runbook_url
from alerts.message import Message
from config import Secret

API_BASE = "TELEGRAM_API_BASE"
_USUAL = "https://api.telegram.org"
_TOKEN = re.compile(r"[0-9]{5,16}:[A-Za-z0-9_-]{30,64}")
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
# A message has 4,096 characters at most after its entities are read.
_HEADLINE, _TEXT, _LINES, _LINE = 300, 1500, 8, 160
_LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """A chat of Telegram. `chat` is its number (in quotes; a group's is negative) or the `@name` of a public channel.

    `token_from` names the variable that holds the bot's token (or, with `_FILE` behind it, its file). An empty `chat` counts as unset.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["telegram"]
    chat: str
    token_from: str = "TELEGRAM_BOT_TOKEN"
    description: str = ""

    def __post_init__(self) -> None:
        must_name_a_variable("token_from", self.token_from, "TELEGRAM_BOT_TOKEN")
        if self.chat and not _CHAT.fullmatch(self.chat):
            raise ValueError(f"chat: {self.chat!r:.60} is no chat; write it like '-1001234567890' or '@channel_name'")

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return the chat and the token where they are not set. Raises ConfigError."""
        hint = "write the chat's number in quotes, or its @name"
        chat = [] if self.chat else [Missing(key="chat", what="has no chat", hint=hint, remedy="its chat")]
        return [*chat, *missing_secret("token_from", self.token_from, environment, what="bot token", shape=_TOKEN)]

    def channel(self, use: Resources) -> Telegram:
        """Return the channel."""
        base = api_base(API_BASE, use.environment, _USUAL)
        return Telegram(token=secret_of(self.token_from, use.environment), chat=self.chat, base=base, client=use.client)

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the JSON that the bot sends."""
        return Rendered(data=body(message, self.chat))


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """Sends to one chat as a bot."""

    token: Secret
    chat: str
    base: str = field(repr=False)
    client: httpx.Client = field(repr=False)

    @property
    def identity(self) -> Secret:
        """Return what the destination is reached by."""
        return Secret(f"{self.token.reveal()} {self.chat}")

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once; the receipt's detail is the message's number in the chat."""
        url = Secret(f"{self.base}/bot{self.token.reveal()}/sendMessage")
        answer = ask(self.client, url, json=body(message, self.chat))
        return answer if isinstance(answer, Receipt) else _receipt(answer)


def body(message: Message, chat: str) -> dict[str, Any]:
    """Return the JSON of a message; whatever a page said is text in it."""
    parts = [f"<b>{escape(cut(marked(message, message.headline), _HEADLINE))}</b>", escape(cut(message.summary, _TEXT))]
    if len(message.lines) > 1:
        lines = [
            f"• {escape(cut(f'{line.title} ({line.state}): {line.summary}', _LINE))}" for line in message.lines[:_LINES]
        ]
        more = len(message.lines) - _LINES
        parts.append("\n".join([*lines, *([f"… and {more} more"] if more > 0 else [])]))
    links = [f'<a href="{escape(link.url)}">{escape(cut(link.name, 80))}</a>' for link in message.links[:5]]
    runbook = runbook_url(message)
    if runbook:
        links.append(f'<a href="{escape(runbook)}">Runbook</a>')
    elif message.runbook:
        links.append(f"Runbook: {escape(cut(message.runbook, 120))}")
    parts += [" · ".join(links)] if links else []
    parts.append(f"<i>{escape(cut(' · '.join(facts_of(message)), 500))}</i>")
    return {
        "chat_id": chat,
        "text": "\n\n".join(parts),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _receipt(answer: Answer) -> Receipt:
    receipt = answer.receipt()
    try:
        told = json.loads(answer.content or "")
    except (ValueError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    if receipt.ok:
        result = told.get("result")
        number = result.get("message_id") if isinstance(result, dict) else None
        if isinstance(number, int):
            return replace(receipt, detail=f"message {number}")
        return replace(receipt, note=answer.odd("a message's number"))
    wait = told.get("parameters")
    seconds = wait.get("retry_after") if isinstance(wait, dict) else None
    if receipt.retry_after_s is None and isinstance(seconds, int) and not isinstance(seconds, bool) and seconds >= 0:
        return replace(receipt, retry_after_s=float(min(seconds, _LONGEST_WAIT_S)))
    return receipt
