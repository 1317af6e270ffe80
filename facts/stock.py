"""What the inventory says is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Tickets left of one tier in one city, as one sample of the inventory said. `city` is the site's id of it."""

    at: datetime
    city: str
    tier: str
    remaining: int
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """How a source of numbers is: when it last brought some (None: never yet) and what went wrong last."""

    source: str
    configured: bool
    last_good_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
