"""What a runner's ledger says of itself; it travels with each batch of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """A location's purchases of the last hour, and what is not undone yet.

    `purchases` counts the runs that opened a checkout in the hour before `at`, `refused` the ad-hoc runs that were not allowed
    one; `scheduled` is how many the plan makes in an hour (None: there is no plan). `untold` counts the runs of that hour of which
    nobody knows whether they bought: their journeys neither told of an order nor say that they place none. `open`, `paid` and `unknown`
    count the sessions that are not undone, `ordered` the orders of journeys of one's own; `oldest_at` is when the oldest of them
    was made. `cleans` tells whether a Stripe key is at hand.
    """

    at: datetime
    location: str
    purchases: int = 0
    refused: int = 0
    scheduled: int | None = None
    open: int = 0
    paid: int = 0
    unknown: int = 0
    ordered: int = 0
    untold: int = 0
    oldest_at: datetime | None = None
    cleans: bool = False
    trouble: str | None = None
