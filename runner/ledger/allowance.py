"""How many purchases a location may make: as many as its schedule does. What a person starts on top is refused."""

from __future__ import annotations

from datetime import datetime

from facts import LedgerState, Plan
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger


def per_hour(plan: Plan) -> int:
    """How many runs of journeys that may buy the plan makes in an hour."""
    return sum(-(-3600 // planned.period_s) for planned in plan.journeys if planned.buys)


def refusal(ledger: Ledger, now: datetime) -> str | None:
    """Why an ad-hoc run may not buy now; None where it may. Without a schedule there is no number to exceed."""
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
    """What the ledger says of itself, for the hub."""
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
