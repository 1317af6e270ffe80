"""Delivers what is owed: claim, send outside the transaction, record. A crash between the last two sends once more."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.channels import Channel, Receipt
from alerts.message import Message
from alerts.retry import next_try
from facts import Failpoint, Notification, from_wire, go_on
from store import Store, outbox

_CLAIM_S = 60.0
_AT_ONCE = 20


@dataclass(kw_only=True)
class Deliverer:
    """Sends notifications by channel name. `clock` tells the moment a try ended."""

    store: Store
    channels: Mapping[str, Channel]
    holder: str
    clock: Callable[[], datetime]
    jitter: Callable[[], float] = random.random
    at: Failpoint = go_on

    def deliver(self) -> int:
        """Send what is due now; how many were tried."""
        with self.store.write() as connection:
            claimed = outbox.claim(connection, holder=self.holder, now=self.clock(), lease_s=_CLAIM_S, limit=_AT_ONCE)
        if claimed:
            self.at("deliver.claimed")
        for notification in claimed:
            receipt = self._send(notification)
            self.at("deliver.sent")
            self._record(notification, receipt)
            self.at("deliver.recorded")
        return len(claimed)

    def _send(self, notification: Notification) -> Receipt:
        channel = self.channels.get(notification.destination)
        if channel is None:
            detail = f"no destination {notification.destination!r} with an address: see alerts.yaml and `sixfb check`"
            return Receipt(ok=False, permanent=True, detail=detail)
        message = from_wire(Message, notification.message)
        return channel.send(message, dedup_key=notification.id)

    def _record(self, notification: Notification, receipt: Receipt) -> None:
        now = self.clock()
        again = None
        if not receipt.ok and not receipt.permanent:
            again = next_try(
                notification.severity,
                tries=notification.tries + 1,
                first_at=notification.created_at,
                now=now,
                retry_after_s=receipt.retry_after_s,
                jitter=self.jitter,
            )
        with self.store.write() as connection:
            if receipt.ok:
                outbox.delivered(connection, notification.id, holder=self.holder, at=now, detail=receipt.detail)
            elif again is not None:
                outbox.try_again(
                    connection, notification.id, holder=self.holder, at=now, next_at=again, error=receipt.detail
                )
            else:
                outbox.dead(connection, notification.id, holder=self.holder, at=now, error=receipt.detail)
