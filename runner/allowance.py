"""How many purchases a location may make: as many as its schedule does. What a person starts on top is refused."""

from __future__ import annotations

from datetime import datetime

from facts import LedgerState, Plan
from runner.ledger import Ledger, State


def per_hour(plan: Plan) -> int:
    """How many runs the plan makes in an hour; every journey opens a checkout."""
    return sum(-(-3600 // planned.period_s) for planned in plan.journeys)


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
    unclean = ledger.entries(unclean=True)
    counts = {state: sum(entry.state is state for entry in unclean) for state in State}
    errors = [entry.last_error for entry in unclean if entry.last_error]
    return LedgerState(
        at=now,
        location=location,
        purchases=ledger.purchases(now),
        refused=ledger.refusals(now),
        scheduled=ledger.scheduled(),
        open=counts[State.OPEN],
        paid=counts[State.PAID],
        unknown=counts[State.UNKNOWN],
        oldest_at=min((entry.noted_at for entry in unclean), default=None),
        cleans=cleans,
        trouble=errors[-1] if errors else None,
    )
