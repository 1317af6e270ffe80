"""Delivers owed messages: claims, sends outside the transaction, records. A crash after sending causes a second delivery."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.channels import Channel, Phone, Receipt
from alerts.fallback import told_instead
from alerts.message import Message
from alerts.retry import next_try
from alerts.sms_limit import LONGEST, by_another_way, free_at, held_words
from facts import Failpoint, HoldReason, Notification, Severity, from_wire, go_on
from process.logs import get_logger
from store import Store, destinations, outbox

_log = get_logger("sixfb.hub")
_LOOK_IS_LATE = timedelta(seconds=60)


class Delivery(threading.Thread):
    """The worker of one destination: sends its due messages one after the other until none is due."""

    def __init__(self, destination: str, send_next: Callable[[str], bool], done: Callable[[str], None]) -> None:
        super().__init__(name=f"deliver {destination}", daemon=True)
        self.destination = destination
        self.sent = 0
        self.error: Exception | None = None
        self._send_next, self._done = send_next, done

    def run(self) -> None:
        """Send all due messages."""
        try:
            while self._send_next(self.destination):
                self.sent += 1
        except Exception as error:  # noqa: BLE001 - the thread would end silently; its claim expires
            _log.exception("loop_failed", loop=self.name)
            self.error = error
        finally:
            self._done(self.destination)


@dataclass(kw_only=True)
class Deliverer:
    """Sends messages by channel name.

    Each destination with due messages has a worker of its own. A worker claims one message at a time, so that a slow
    receiver delays only its own messages, and no message is claimed that cannot be sent within its claim.

    `clock` dates the end of each try. `claim_s` is how long a claim lasts, in seconds: longer than any try takes,
    otherwise two hubs could send the same message. `routes` are the destinations of each severity, `called_by_name` those that are
    told only as somebody's own way, and never in place of another. `ways` are the destinations of each person: one whose phone has
    got as many SMS as it gets in a while is told by another of them. `scale` is by how much faster the hub's clock runs (the demo).
    """

    store: Store
    channels: Mapping[str, Channel]
    holder: str
    clock: Callable[[], datetime]
    routes: Mapping[Severity, Sequence[str]] = field(default_factory=dict)
    called_by_name: frozenset[str] = frozenset()
    ways: Mapping[str, Sequence[str]] = field(default_factory=dict)
    scale: float = 1.0
    jitter: Callable[[], float] = random.random
    at: Failpoint = go_on
    claim_s: float = 60.0
    looked_at: datetime | None = field(default=None, init=False)
    """When the outbox was last checked, which shows that the deliverer is alive."""
    _workers: dict[str, Delivery] = field(default_factory=dict, init=False)
    _sending: dict[str, datetime] = field(default_factory=dict, init=False)
    _noted: set[tuple[str, str]] = field(default_factory=set, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)

    def deliver(self) -> int:
        """Send what is due now, wait for it, and return the number of tries."""
        begun = self.begin()
        for worker in begun:
            worker.join()
        for worker in begun:
            if worker.error is not None:
                raise worker.error
        return sum(worker.sent for worker in begun)

    def begin(self) -> list[Delivery]:
        """Start a worker for each destination that has due messages and no worker; return the new workers."""
        now = self.clock()
        with self.store.read() as connection:
            due = outbox.destinations_due(connection, now)
        with self._lock:
            new = [Delivery(d, self._send_next, self._finished) for d in due if d not in self._workers]
            for worker in new:
                # A worker that cannot be started is not kept, so its destination gets another one at the next check.
                worker.start()
                self._workers[worker.destination] = worker
        self.looked_at = now
        return new

    def overstayed(self, now: datetime) -> list[str]:
        """Return the destinations at which a try takes longer than its claim, because the channel has no working timeout."""
        with self._lock:
            return sorted(d for d, since in self._sending.items() if (now - since).total_seconds() > self.claim_s)

    def trouble(self, now: datetime) -> str | None:
        """Return why messages may not go out, if no receiver is the cause, in text that is safe to show; None if all is well."""
        if self.looked_at is not None and now - self.looked_at > _LOOK_IS_LATE:
            return "no look at the messages that are owed within a minute"
        late = self.overstayed(now)
        return f"a message to {len(late)} of the destinations is under way for longer than it may be" if late else None

    def end(self) -> None:
        """Start no more deliveries."""
        self._ended.set()

    def has_ended(self, within_s: float) -> bool:
        """Wait up to `within_s` seconds for current deliveries, and return whether all have ended."""
        ends = time.monotonic() + within_s
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.join(max(0.0, ends - time.monotonic()))
        return not any(worker.is_alive() for worker in workers)

    def _finished(self, destination: str) -> None:
        with self._lock:
            del self._workers[destination]

    def _send_next(self, destination: str) -> bool:
        """Claim the most urgent message of a destination and try to send it; return False if none is due."""
        if self._ended.is_set():
            return False
        with self.store.write() as connection:
            # The clock is read inside the transaction: waiting for the database must not shorten the claim.
            claimed = outbox.claim(
                connection,
                holder=self.holder,
                now=self.clock(),
                lease_s=self.claim_s,
                limit=1,
                destination=destination,
            )
            is_held = bool(claimed) and self._hold(connection, claimed[0])
        if not claimed:
            return False
        if is_held:
            return True
        self.at("deliver.claimed")
        self._deliver(claimed[0])
        return True

    def _hold(self, connection: Connection, notification: Notification) -> bool:
        """Delay a message to a phone that has received its limit, and owe it by another way of the person; return whether it waits."""
        phones = {name: channel.number for name, channel in self.channels.items() if isinstance(channel, Phone)}
        number, now = phones.get(notification.destination), self.clock()
        if number is None:
            return False
        same = [name for name, other in phones.items() if other == number]
        under_way = outbox.sending_to(connection, same, besides=notification.id, now=now)
        sent = outbox.sent_to(connection, same, since=now - LONGEST) + under_way * [now]
        until = free_at(sent, now, scale=self.scale)
        if until is None:
            return False
        reason = held_words(until)
        outbox.hold(
            connection, notification.id, holder=self.holder, until=until, why=HoldReason.SMS_LIMIT, reason=reason
        )
        instead = by_another_way(
            notification,
            ways=self.ways,
            usable=[name for name in self.channels if name not in phones],
            thread=outbox.of_threads(connection, [notification.thread]),
            reason=reason,
            now=now,
        )
        if instead is not None:
            outbox.owe(connection, [instead])
        _log.warning("message_held", destination=notification.destination, reason=reason)
        return True

    def _deliver(self, notification: Notification) -> None:
        with self._lock:
            self._sending[notification.destination] = self.clock()
        try:
            receipt = self._send(notification)
        finally:
            with self._lock:
                del self._sending[notification.destination]
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
        noted = (notification.destination, receipt.note or "")
        # Logged once for each receiver, not with each message.
        if receipt.note and noted not in self._noted:
            self._noted.add(noted)
            _log.warning("receiver_is_odd", destination=notification.destination, note=receipt.note)

    def _send(self, notification: Notification) -> Receipt:
        channel = self.channels.get(notification.destination)
        if channel is None:
            detail = f"no destination {notification.destination!r} with an address: see alerts.yaml and `sixfb check`"
            return Receipt(ok=False, permanent=True, detail=detail)
        try:
            return channel.send(from_wire(Message, notification.message), dedup_key=notification.id)
        except Exception as error:  # noqa: BLE001 - a channel's own bug must not stop other messages
            _log.exception("channel_failed", destination=notification.destination, notification=notification.id)
            return Receipt(ok=False, detail=f"our own channel failed: {type(error).__name__}")

    def _record(self, notification: Notification, receipt: Receipt) -> None:
        now = self.clock()
        which, by = notification.id, self.holder
        with self.store.write() as connection:
            first_at = outbox.first_tried_at(connection, which) or now
            again = None if receipt.ok or receipt.permanent else self._next_try(notification, receipt, first_at, now)
            if receipt.ok:
                outbox.delivered(
                    connection, which, holder=by, at=now, detail=receipt.detail, reference=receipt.reference
                )
                destinations.clear(connection, notification.destination)
            elif again is not None:
                outbox.try_again(connection, which, holder=by, at=now, next_at=again, error=receipt.detail)
            elif outbox.dead(connection, which, holder=by, at=now, error=receipt.detail):
                self.tell_another(connection, notification, receipt, now)

    def _next_try(
        self, notification: Notification, receipt: Receipt, first_at: datetime, now: datetime
    ) -> datetime | None:
        return next_try(
            notification.severity,
            tries=notification.tries + 1,
            first_at=first_at,
            now=now,
            retry_after_s=receipt.retry_after_s,
            jitter=self.jitter,
        )

    def tell_another(self, connection: Connection, notification: Notification, receipt: Receipt, now: datetime) -> None:
        """Mark the destination of a dead letter as failing, so that an alert reports it, and owe the message to the next destination.

        A destination without an address could never receive anything: the hub already shows that, so it gets no alert.
        """
        if notification.destination in self.channels:
            destinations.mark(connection, notification.destination, at=now, reason=receipt.detail)
        thread = outbox.of_threads(connection, [notification.thread])
        instead = told_instead(
            notification,
            reachable=[name for name in self.channels if name not in self.called_by_name],
            others=[n for n in thread if n.order == notification.order and n.id != notification.id],
            routes=self.routes,
            reason=receipt.detail,
            now=now,
        )
        if instead is not None:
            outbox.owe(connection, [instead])
