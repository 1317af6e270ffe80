"""Sends a message as JSON to a plain webhook, for any other program. The shape is in docs/alerts.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import httpx

from alerts.channels.channel import Receipt, post
from alerts.channels.settings import STRICT, Missing, Rendered, Resources, missing_url, must_name_a_variable, secret_url
from alerts.message import Message
from config import Secret
from facts import to_wire

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Settings of a plain webhook. `url_from` names the variable that holds its address (or, with `_FILE` behind it, its file)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Literal["webhook"]
    url_from: str
    description: str = ""
    # Nobody is called by a plain webhook; files of before may have the key.
    mentions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        must_name_a_variable("url_from", self.url_from, "ALERT_WEBHOOK")

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return what is missing if there is no address. Raises ConfigError."""
        return missing_url("url_from", self.url_from, environment)

    def channel(self, use: Resources) -> Webhook:
        """Return the channel."""
        url = secret_url(self.url_from, use.environment)
        assert url is not None
        return Webhook(url=url, client=use.client)

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the JSON that the program gets."""
        return Rendered(data=body(message, dedup_key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Sends to one address that accepts JSON."""

    url: Secret
    client: httpx.Client = field(repr=False)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once; a receiver that sees an `Idempotency-Key` again has this message already."""
        return post(self.client, self.url, body=body(message, dedup_key), headers={"Idempotency-Key": dedup_key})


def body(message: Message, dedup_key: str) -> dict[str, Any]:
    """Return the JSON: every field of the message, its key, and `text` for receivers that only need one line."""
    return {
        "version": VERSION,
        "id": dedup_key,
        "dedup_key": message.incident,
        "text": f"{message.headline}: {message.summary}",
        **to_wire(message),
    }
