"""Between a visit and the ledger: what concerns money is on the disk before the visit goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from facts import Purchase
from journeys.failure import Broken, Kind
from runner.entries import Order, State
from runner.job import Job
from runner.ledger import Ledger

Listener = Callable[[str, dict[str, Any]], None]
_BEYOND_THE_DEADLINE_S = 120.0
_WHILE_SOMEBODY_WATCHES = timedelta(hours=24)


class Bookkeeper:
    """A visit's listener that writes the ledger first and tells `next_one` afterwards.

    `deadline_s` is the journey's: nobody undoes a session before the run is over, or could not be under way any more.
    """

    def __init__(self, next_one: Listener, job: Job, attempt: int, *, deadline_s: float) -> None:
        self._next, self._job, self._attempt = next_one, job, attempt
        self._ledger = Ledger(Path(job.ledger)) if job.ledger else None
        held = timedelta(seconds=deadline_s + _BEYOND_THE_DEADLINE_S)
        self._hold = _WHILE_SOMEBODY_WATCHES if job.unhurried else held

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Take one event. Raises Broken where the ledger cannot be written: what is not in it is not bought."""
        if self._ledger is not None:
            try:
                self._write(self._ledger, event, data)
            except (sqlite3.Error, OSError) as error:
                sentence = (
                    f"the ledger {self._job.ledger} cannot be written ({error}), and nothing is bought without it"
                )
                raise Broken(sentence, kind=Kind.UNBOOKED) from error
        if event not in ("order", "pay"):
            self._next(event, data)

    def _write(self, ledger: Ledger, event: str, data: dict[str, Any]) -> None:
        match event:
            case "order":
                # Without the run's id in it an address is not this run's alone, and nobody could tell its sessions from others.
                if self._job.site.email_for("x") != self._job.site.email_for("y"):
                    ledger.order(self._order(data["email"]), hold=self._hold)
            case "pay":
                ledger.press_pay(data["session_id"], datetime.now(UTC))
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
