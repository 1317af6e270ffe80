"""Asks the services of messages that they took whether these arrived, until that is known or the time for it is over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.channels import Arrival, Channel, Confirming, Receipt
from facts import Confirmation, Notification
from process.logs import get_logger
from store import Store, outbox

_log = get_logger("sixfb.hub")
CONFIRM_WITHIN = timedelta(minutes=5)
"""An SMS that is not delivered by then counts as not reached: nobody waits longer for a page."""
_AT_ONCE = 8
_MOST = 64
GiveUp = Callable[[Connection, Notification, Receipt, datetime], None]


@dataclass(kw_only=True)
class Receipts:
    """Follows messages until they are known to have arrived, or not.

    What a service could not deliver is a dead letter; `give_up` is then called in the same transaction, to tell somebody else. What is
    not confirmed `within` the time from its delivery to the service counts as not reached, though it may arrive later.
    `unreached` is called after either, so that the next tier is not kept waiting. Two hubs may ask at once: one of them records it.
    """

    store: Store
    channels: Mapping[str, Channel]
    clock: Callable[[], datetime]
    give_up: GiveUp
    unreached: Callable[[], object] = lambda: None
    within: timedelta = CONFIRM_WITHIN
    _ended: threading.Event = field(default_factory=threading.Event, init=False)

    def look(self) -> int:
        """Ask for each message whose arrival is not known yet; return how many are known now."""
        with self.store.read() as connection:
            pending = outbox.to_confirm(connection, limit=_MOST)
        if not pending:
            return 0
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            arrivals = list(pool.map(self._ask, pending))
        known = [self._record(one, arrival) for one, arrival in zip(pending, arrivals, strict=True)]
        if Confirmation.UNCONFIRMED in known:
            self.unreached()
        return sum(confirmation is not None for confirmation in known)

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _ask(self, notification: Notification) -> Arrival:
        pending = Confirmation.PENDING
        channel = self.channels.get(notification.destination)
        if self._ended.is_set():
            return Arrival(confirmation=pending, detail="the hub stopped before it was asked")
        if channel is None or notification.reference is None:
            return Arrival(confirmation=pending, detail="its destination is not in alerts.yaml any more")
        if not isinstance(channel, Confirming):
            return Arrival(confirmation=pending, detail="its destination is of another kind now")
        try:
            return channel.arrival(notification.reference)
        except Exception as error:  # noqa: BLE001 - a channel's own bug must not stop the other messages
            _log.exception("channel_failed", destination=notification.destination, notification=notification.id)
            return Arrival(confirmation=pending, detail=f"our own channel failed: {type(error).__name__}")

    def _record(self, notification: Notification, arrival: Arrival) -> Confirmation | None:
        """Record what is final; return it, and None for what is still pending or was recorded by another hub."""
        now, confirmation, detail = self.clock(), arrival.confirmation, arrival.detail
        is_late = notification.delivered_at is None or now - notification.delivered_at >= self.within
        if confirmation is Confirmation.PENDING:
            if not is_late or self._ended.is_set():
                return None
            confirmation = Confirmation.UNCONFIRMED
            minutes = max(1, round(self.within.total_seconds() / 60))
            detail = f"not confirmed within {minutes} min: {detail}"
        refused = arrival.confirmation is Confirmation.UNCONFIRMED
        with self.store.write() as connection:
            if not outbox.confirm(connection, notification.id, confirmation, at=now, detail=detail):
                return None
            if refused:
                outbox.refused_later(connection, notification.id, at=now, error=detail)
                self.give_up(connection, notification, Receipt(ok=False, permanent=True, detail=detail), now)
        good = confirmation is Confirmation.CONFIRMED
        _log.log(
            logging.INFO if good else logging.WARNING,
            "message_arrived" if good else "message_did_not_arrive",
            destination=notification.destination,
            kind=notification.kind,
            alert=notification.alert_id,
            detail=detail,
        )
        return confirmation
