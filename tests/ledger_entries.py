"""Ledgers with something in them, for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from runner.ledger.entries import Order, State
from runner.ledger.ledger import Ledger
from tests.builders import A_MOMENT


def an_order(run_id: str = "run-1", **facts: Any) -> Order:
    """The intent of an ad-hoc GA run to open a checkout."""
    default = {
        "run_id": run_id,
        "attempt": 1,
        "journey": "ga_purchase",
        "location": "us-east",
        "slot": None,
        "email": f"synthetic+{run_id}@example.com",
        "meant_at": A_MOMENT,
    }
    return Order(**{**default, **facts})


def note(
    ledger: Ledger,
    session_id: str = "cs_test_one",
    *,
    order: Order | None = None,
    state: State = State.OPEN,
    now: datetime = A_MOMENT,
    hold_s: float = 0,
) -> None:
    """Note a session of $1,000."""
    ledger.note(
        session_id,
        order or an_order(),
        state=state,
        amount_minor=100_000,
        currency="usd",
        now=now,
        hold=timedelta(seconds=hold_s),
    )
