"""Writes the purchases of a visit to the ledger on disk before the visit continues."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from facts import Purchase
from journeys.failure import Kind, SiteBroken
from journeys.journey import Journey
from runner.attempt.job import Job
from runner.ledger.entries import Order, State
from runner.ledger.ledger import Ledger

Listener = Callable[[str, dict[str, Any]], None]
_CANNOT = "cannot be written"
_NOTHING = "and nothing is bought without it"
_BEYOND_THE_DEADLINE_S = 120.0
_WHILE_SOMEBODY_WATCHES = timedelta(hours=24)


class LedgerUnusableError(Exception):
    """The ledger cannot be opened or written; the message names its file."""


class LedgerWriter:
    """Listens to a visit: writes each event to the ledger first, and then passes it to `next_one`.

    Entries are held until the run is over, or can no longer be running by the journey's deadline; only then they may be
    undone.

    Raises:
        LedgerUnusableError: the ledger cannot be opened or written.
    """

    def __init__(self, next_one: Listener, job: Job, attempt: int, *, journey: Journey) -> None:
        self._next, self._job, self._attempt, self._journey = next_one, job, attempt, journey
        held = timedelta(seconds=journey.deadline_s + _BEYOND_THE_DEADLINE_S)
        self._hold = _WHILE_SOMEBODY_WATCHES if job.unhurried else held
        self._ledger: Ledger | None = None
        if not job.ledger:
            return
        try:
            self._ledger = Ledger(Path(job.ledger))
            if journey.buys and not journey.announces_orders:
                self._ledger.begin_untold(self._order(""))
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnusableError(f"the ledger {job.ledger} {_CANNOT} ({error}), {_NOTHING}") from error

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Handle one event. Raises SiteBroken if the ledger cannot be written, because no purchase may happen without an entry."""
        if self._ledger is not None:
            try:
                self._write(self._ledger, event, data)
            except (sqlite3.Error, OSError) as error:
                consequence = _NOTHING
                if event == "bought":
                    self._next("purchase", data)  # at least the run's record then has it
                    consequence = f"and the order {data['purchase'].session_id} was placed: nobody will undo it"
                sentence = f"the ledger {self._job.ledger} {_CANNOT} ({error}), {consequence}"
                raise SiteBroken(sentence, kind=Kind.UNBOOKED) from error
        if event not in ("order", "pay"):
            self._next("purchase" if event == "bought" else event, data)

    def _write(self, ledger: Ledger, event: str, data: dict[str, Any]) -> None:
        match event:
            case "order":
                # An address without the run's id is shared by several runs, so their sessions could not be told apart.
                if self._job.site.email_for("x") != self._job.site.email_for("y"):
                    ledger.order(self._order(data["email"]), hold=self._hold)
            case "pay":
                ledger.press_pay(data["session_id"], datetime.now(UTC))
            case "bought":
                placed: Purchase = data["purchase"]
                ledger.bought(
                    placed.session_id,
                    self._order(""),
                    amount_minor=placed.amount_minor,
                    currency=placed.currency,
                    base_url=self._job.site.shown_url,
                    has_undo=self._journey.undo is not None,
                    now=datetime.now(UTC),
                    hold=self._hold,
                )
            case "purchase":
                bought: Purchase = data["purchase"]
                ledger.note(
                    bought.session_id,
                    self._order(""),
                    state=State(bought.state),
                    amount_minor=bought.amount_minor,
                    currency=bought.currency,
                    now=datetime.now(UTC),
                    hold=self._hold,
                )

    def _order(self, email: str) -> Order:
        job = self._job
        return Order(
            run_id=job.run_id,
            attempt=self._attempt,
            journey=job.journey,
            location=job.location,
            slot=job.slot,
            email=email,
            meant_at=datetime.now(UTC),
        )
