"""Defines the remaining tickets that the inventory reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Holds the remaining tickets of one tier in one city, in one sample of the inventory. `city` is the site's id of the city."""

    at: datetime
    city: str
    tier: str
    remaining: int
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """Holds the state of a source: when it last provided numbers (None: never) and its last error."""

    source: str
    configured: bool
    last_good_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
