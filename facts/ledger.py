"""Defines the state of a runner's ledger; it is sent with each batch of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """Holds a location's purchases of the last hour, and those not undone yet.

    `purchases` counts the runs that opened a checkout in the hour before `at`, `refused` the ad-hoc runs that were not
    allowed to; `scheduled` is how many the plan makes per hour (None: no plan). `untold` counts the runs of that hour
    whose purchases are unknown: their journeys neither reported an order nor declare that they place none. `open`,
    `paid` and `unknown` count the sessions that are not undone, `ordered` the orders of custom journeys; `oldest_at` is
    when the oldest of them was made. `cleans` is whether a Stripe key is configured.
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
