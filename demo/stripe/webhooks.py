"""Telling the shop: events are signed and posted to the account's webhook (https://docs.stripe.com/webhooks)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import ssl
from functools import cached_property

import httpx

from demo.stripe.account import StripeAccount
from demo.stripe.objects import Object

TIMEOUT = 20.0
"""Seconds that an answer may take."""

logger = logging.getLogger(__name__)


def signature(payload: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` header of a payload sent at that moment, epoch seconds.

    Scheme: https://docs.stripe.com/webhooks#verify-manually
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Delivers what an account owes. Each event is tried once; what was not taken keeps `pending_webhooks` at 1.

    Stripe tries again for days; nobody keeps a stand-in running that long.
    """

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._tasks: set[asyncio.Task[None]] = set()

    def dispatch(self) -> dict[str, asyncio.Task[None]]:
        """Begin to deliver everything owed; gives the deliveries by type of event. Does not wait."""
        url, events = self._account.webhook_url, self._account.take_outbox()
        return {event["type"]: self._begin(event, url) for event in events} if url else {}

    def _begin(self, event: Object, url: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._deliver(event, url))
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, event: Object, url: str) -> None:
        try:
            status = await self._post(event, url)
        except httpx.HTTPError as error:
            logger.warning("webhook %s to %s failed: %s", event["type"], url, type(error).__name__)
            return
        if 200 <= status < 300:
            self._account.tables.change(event, pending_webhooks=0)
        else:
            logger.warning("webhook %s to %s was answered %d", event["type"], url, status)

    async def _post(self, event: Object, url: str) -> int:
        payload = json.dumps(event, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self._account.settings.webhook_secret, self._account.now),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=TIMEOUT) as client:
            return (await client.post(url, content=payload, headers=headers)).status_code

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: it costs more than a whole delivery."""
        return ssl.create_default_context()

    async def close(self) -> None:
        """Give up what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
