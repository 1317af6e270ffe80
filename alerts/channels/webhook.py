"""A plain webhook: the message as JSON, for whatever program wants it. The shape is in docs/alerts.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from alerts.channels.channel import Receipt, post
from alerts.channels.registry import Addressed
from alerts.message import Message
from config import Secret
from facts import to_wire

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address that takes JSON."""

    url: Secret
    client: httpx.Client = field(repr=False)

    @classmethod
    def at(cls, where: Addressed) -> Webhook:
        """The channel of a destination."""
        return cls(url=where.url, client=where.client)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        """Send once; a receiver that sees an `Idempotency-Key` again has this message already."""
        return post(self.client, self.url, body=body(message, dedup_key), headers={"Idempotency-Key": dedup_key})


def body(message: Message, dedup_key: str) -> dict[str, Any]:
    """The JSON: every field of the message, the key of this message, and `text` for receivers that only want a line."""
    return {
        "version": VERSION,
        "id": dedup_key,
        "dedup_key": message.incident,
        "text": f"{message.headline}: {message.summary}",
        **to_wire(message),
    }
