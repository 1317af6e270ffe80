"""Limits the purchases of a location to the number that its schedule makes; ad-hoc runs beyond that are refused."""

from __future__ import annotations

from datetime import datetime

from facts import LedgerState, Plan
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger


def per_hour(plan: Plan) -> int:
    """Return how many runs of journeys that may buy the plan makes per hour."""
    return sum(-(-3600 // planned.period_s) for planned in plan.journeys if planned.buys)


def refusal(ledger: Ledger, now: datetime) -> str | None:
    """Return why an ad-hoc run may not buy now; None if it may, or if no plan is known and so no limit."""
    scheduled = ledger.scheduled()
    if scheduled is None:
        return None
    made = ledger.purchases(now)
    if made < scheduled:
        return None
    return (
        f"{made} purchases were made here in the last hour, and the schedule's number is {scheduled}: "
        "a run on top would sell more than was agreed; wait, or use another --location"
    )


def state_of(ledger: Ledger, location: str, now: datetime, *, cleans: bool) -> LedgerState:
    """Return the ledger's state, for the hub."""
    left = ledger.left()
    return LedgerState(
        at=now,
        location=location,
        purchases=ledger.purchases(now),
        refused=ledger.refusals(now),
        scheduled=ledger.scheduled(),
        open=left.get(State.OPEN, 0),
        paid=left.get(State.PAID, 0),
        unknown=left.get(State.UNKNOWN, 0),
        ordered=left.get(State.ORDERED, 0),
        untold=ledger.untold(now),
        oldest_at=ledger.oldest_left(),
        cleans=cleans,
        trouble=ledger.last_error(),
    )
