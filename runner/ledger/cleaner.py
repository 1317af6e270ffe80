"""Undoes purchases in a process that buys nothing: `python -m runner.ledger.cleaner`, which reads its JSON job on standard input.

The order is one line of JSON: `ledger` (the file), `stripe_key` (null: sessions are left alone), `stripe_api_base`,
`journeys_dir` and `proxies` (for orders of custom journeys), `parent` (the id of the process with which the cleaner
must end). It holds secrets, so it travels through a pipe.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from facts import Failpoint, go_on
from journeys.checkout_session import StripeAccess
from process.logs import get_logger
from process.network import proxy_passwords
from process.signals import listen
from runner.attempt.descendants import die_with_parent
from runner.ledger.entries import Entry, Order, State
from runner.ledger.ledger import Ledger
from runner.ledger.own_undo import OwnUndo, Undo
from runner.ledger.undo import PaymentProvider, StripeDesk, UndoError, undo
from runner.logs import start_scrubbed_logging

_log = get_logger("sixfb.cleaner")
_FIRST_S, _LONGEST_S = 2.0, 600.0
_UNKNOWN_AGAIN = timedelta(minutes=10)
_UNKNOWN_FOR = timedelta(hours=48)
_LOOK_AGAIN = timedelta(seconds=30)
_CLOCKS_APART = timedelta(minutes=5)
_LOOK_EVERY_S = 2.0
_PRUNE_EVERY = timedelta(hours=1)


@dataclass(kw_only=True)
class Cleaner:
    """Undoes what is due: Stripe sessions through `desk`, if there is one, and orders of custom journeys through `own`.

    `lease` is how long one try holds an entry exclusively. An intent without a known session is searched for at Stripe
    until `looks_for` after it was written, the longest time that the shop may take to open a session. `stopping` is
    checked between tries.
    """

    ledger: Ledger
    desk: PaymentProvider | None
    own: Undo | None = None
    stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = random.random
    at: Failpoint = go_on
    lease: timedelta = timedelta(seconds=60)
    looks_for: timedelta = timedelta(seconds=180)
    paused_until: datetime | None = None
    trouble: str | None = None
    _pauses: int = 0

    def sweep(self) -> int:
        """Undo everything that is due once, and return how many sessions and orders were undone.

        Errors of Stripe or of a journey are recorded in the ledger, not raised.
        """
        undone = self._sweep_sessions(self.desk) if self.desk is not None else 0
        return undone + (self._sweep_orders(self.own) if self.own is not None else 0)

    def _sweep_orders(self, own: Undo) -> int:
        """Undo the due orders, each independently: a shop that does not cancel one may cancel the next."""
        undone = 0
        for entry in self.ledger.due(self.clock(), orders=True):
            if self.stopping():
                break
            undone += self._undo(entry, own)
        return undone

    def _sweep_sessions(self, desk: PaymentProvider) -> int:
        undone = 0
        if self.paused_until is not None and self.clock() < self.paused_until:
            return undone
        try:
            for order in self.ledger.due_orders(self.clock()):
                self._look_for(order, desk)
            for entry in self.ledger.due(self.clock()):
                undone += self._undo(entry, lambda entry: undo(entry, desk, at=self.at))
        except UndoError as trouble:
            self._pause(trouble)
            return undone
        self.paused_until, self.trouble, self._pauses = None, None, 0
        return undone

    def clean(self, *, within_s: float, wait: Callable[[float], object] | None = None) -> None:
        """Sweep until nothing is left that can be undone within `within_s` seconds."""
        wait = wait or threading.Event().wait
        ends = self.clock() + timedelta(seconds=within_s)
        while True:
            self.sweep()
            due = self._next_due()
            if due is None or due > ends or self.stopping():
                return
            wait(max(0.05, (due - self.clock()).total_seconds()))

    def _next_due(self) -> datetime | None:
        sessions = self.ledger.next_due(orders=False) if self.desk is not None else None
        if sessions is not None and self.paused_until is not None:
            sessions = max(sessions, self.paused_until)
        orders = self.ledger.next_due(sessions=False) if self.own is not None else None
        return min((at for at in (sessions, orders) if at is not None), default=None)

    def _undo(self, entry: Entry, how: Undo) -> bool:
        now = self.clock()
        # Claimed first, so that two cleaners never undo one entry at the same time; after a crash the claim expires.
        if not self.ledger.claim(entry.session_id, now, lease=self.lease):
            return False
        try:
            undone = how(entry)
        except UndoError as trouble:
            later = self._later(trouble, entry.tries)
            self.ledger.put_off(entry.session_id, str(trouble), next_try_at=later, new_key=trouble.repeats)
            _log.warning("purchase_not_undone", run_id=entry.run_id, session=entry.shown_id, error=str(trouble))
            if trouble.everything:
                raise
            return False
        again = None
        if undone.again and now - entry.noted_at < _UNKNOWN_FOR:
            again = now + _UNKNOWN_AGAIN
        self.ledger.settle(entry.session_id, undone.state, now, note=undone.note, next_try_at=again)
        return undone.state.clean

    def _look_for(self, order: Order, desk: PaymentProvider) -> None:
        """Search for a session that was opened although none was recorded; only one with this run's own address counts."""
        now = self.clock()
        ends = order.meant_at + self.looks_for
        try:
            found = desk.made_by(
                order.email, since=order.meant_at - _CLOCKS_APART, until=min(now, ends) + _CLOCKS_APART
            )
        except UndoError as trouble:
            self.ledger.put_off_order(order, next_try_at=self._later(trouble, order.tries), error=str(trouble))
            if trouble.everything:
                raise
            return
        known = {entry.session_id for entry in self.ledger.entries(run_id=order.run_id)}
        for session in found:
            # Live sessions are skipped, because only test sessions may ever be undone.
            if session.session_id not in known and not session.livemode:
                state = State.PAID if session.paid else State.OPEN
                self.ledger.note(
                    session.session_id,
                    order,
                    state=state,
                    amount_minor=session.amount_minor,
                    currency=session.currency,
                    now=now,
                )
                return  # the intent is fulfilled: a run opens one session per attempt
        if now >= ends:
            self.ledger.drop_order(order)
        else:
            self.ledger.put_off_order(order, next_try_at=min(now + _LOOK_AGAIN, ends))

    def _later(self, trouble: UndoError, tries: int) -> datetime:
        """Return the time of the next try: exponential from 2 s to 10 min, with jitter, and never before Stripe's Retry-After."""
        longest = min(_LONGEST_S, _FIRST_S * 2.0 ** min(tries, 12))
        # Partly random, so that the retries of many entries do not coincide.
        wait = max(longest * (0.5 + self.jitter() / 2), trouble.retry_after_s or 0.0)
        return self.clock() + timedelta(seconds=wait)

    def _pause(self, trouble: UndoError) -> None:
        self.paused_until = self._later(trouble, self._pauses)
        self._pauses += 1
        self.trouble = str(trouble)


def main() -> None:
    """Clean until told to stop, or until the parent has ended."""
    die_with_parent(signal.SIGTERM)
    told = listen().told
    order = json.loads(sys.stdin.readline())
    if os.getppid() != order["parent"]:
        return  # the parent died before its death signal was set up
    key, proxies = order["stripe_key"], order["proxies"]
    start_scrubbed_logging("cleaner", secrets=[*([key] if key else []), *proxy_passwords(proxies)])
    ledger = Ledger(Path(order["ledger"]))
    desk = StripeDesk(StripeAccess(key, order["stripe_api_base"])) if key else None
    own = OwnUndo(journeys_dir=order["journeys_dir"], proxies=proxies)
    cleaner = Cleaner(ledger=ledger, desk=desk, own=own, stopping=told.is_set)
    pruned = datetime.now(UTC) - _PRUNE_EVERY
    while not told.is_set() and os.getppid() == order["parent"]:
        try:
            cleaner.sweep()
            if cleaner.clock() - pruned > _PRUNE_EVERY:
                pruned = cleaner.clock()
                ledger.prune(pruned)
        except sqlite3.OperationalError as error:  # a full disk or a long lock: the next try may succeed
            _log.error("ledger_unusable", error=str(error))
        told.wait(_LOOK_EVERY_S)
    if desk is not None:
        desk.close()
    ledger.close()


if __name__ == "__main__":
    main()
