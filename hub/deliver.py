"""Delivers what is owed: claim, send outside the transaction, record. A crash between the last two sends once more."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.channels import Channel, Receipt
from alerts.fallback import told_instead
from alerts.message import Message
from alerts.retry import next_try
from config.logs import get_logger
from facts import Failpoint, Notification, from_wire, go_on
from store import Store, destinations, outbox

_log = get_logger("sixfb.hub")
_AT_ONCE = 16


@dataclass(kw_only=True)
class Deliverer:
    """Sends notifications by channel name. `clock` tells the moment a try ended.

    `claim_s` is how long a claim holds: longer than any try takes, or two hubs would send one message.
    """

    store: Store
    channels: Mapping[str, Channel]
    holder: str
    clock: Callable[[], datetime]
    jitter: Callable[[], float] = random.random
    at: Failpoint = go_on
    claim_s: float = 60.0

    def deliver(self) -> int:
        """Send what is due now; how many were tried. All at once: a receiver that hangs keeps nobody else waiting."""
        with self.store.write() as connection:
            claimed = outbox.claim(
                connection, holder=self.holder, now=self.clock(), lease_s=self.claim_s, limit=_AT_ONCE
            )
        if not claimed:
            return 0
        self.at("deliver.claimed")
        with ThreadPoolExecutor(len(claimed), thread_name_prefix="deliver") as pool:
            for done in [pool.submit(self._deliver, notification) for notification in claimed]:
                done.result()
        return len(claimed)

    def _deliver(self, notification: Notification) -> None:
        receipt = self._send(notification)
        self.at("deliver.sent")
        self._record(notification, receipt)
        self.at("deliver.recorded")
        self._tell(notification, receipt)

    def _tell(self, notification: Notification, receipt: Receipt) -> None:
        event = "message_delivered" if receipt.ok else "message_not_delivered"
        _log.log(
            logging.INFO if receipt.ok else logging.WARNING,
            event,
            destination=notification.destination,
            kind=notification.kind,
            severity=notification.severity,
            alert=notification.alert_id,
            tries=notification.tries + 1,
            permanent=receipt.permanent,
            detail=receipt.detail,
        )

    def _send(self, notification: Notification) -> Receipt:
        channel = self.channels.get(notification.destination)
        if channel is None:
            detail = f"no destination {notification.destination!r} with an address: see alerts.yaml and `sixfb check`"
            return Receipt(ok=False, permanent=True, detail=detail)
        try:
            return channel.send(from_wire(Message, notification.message), dedup_key=notification.id)
        except Exception as error:  # noqa: BLE001 - a channel's own mistake must not take the other messages with it
            _log.exception("channel_failed", destination=notification.destination, notification=notification.id)
            return Receipt(ok=False, detail=f"our own channel failed: {type(error).__name__}")

    def _record(self, notification: Notification, receipt: Receipt) -> None:
        now = self.clock()
        again = None if receipt.ok or receipt.permanent else self._next_try(notification, receipt, now)
        which, by = notification.id, self.holder
        with self.store.write() as connection:
            if receipt.ok:
                outbox.delivered(connection, which, holder=by, at=now, detail=receipt.detail)
                destinations.clear(connection, notification.destination)
            elif again is not None:
                outbox.try_again(connection, which, holder=by, at=now, next_at=again, error=receipt.detail)
            elif outbox.dead(connection, which, holder=by, at=now, error=receipt.detail):
                self._tell_another(connection, notification, receipt, now)

    def _next_try(self, notification: Notification, receipt: Receipt, now: datetime) -> datetime | None:
        return next_try(
            notification.severity,
            tries=notification.tries + 1,
            first_at=notification.created_at,
            now=now,
            retry_after_s=receipt.retry_after_s,
            jitter=self.jitter,
        )

    def _tell_another(
        self, connection: Connection, notification: Notification, receipt: Receipt, now: datetime
    ) -> None:
        """A dead letter: mark the destination, so that an alert says so, and use the next one.

        One that has no address was never going to take anything: the hub runs visibly degraded for it, and no alert is new.
        """
        if notification.destination in self.channels:
            destinations.mark(connection, notification.destination, at=now, reason=receipt.detail)
        thread = outbox.of_threads(connection, [notification.thread])
        instead = told_instead(
            notification,
            reachable=list(self.channels),
            had={n.destination for n in thread if n.order == notification.order},
            reason=receipt.detail,
            now=now,
        )
        if instead is not None:
            outbox.owe(connection, [instead])
