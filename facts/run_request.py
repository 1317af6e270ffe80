"""Defines a run that a person requested, beside the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Holds a requested run of a journey at a location.

    `id` becomes the id of the run. `by` is the person who requested it. `taken_at` is when a runner took it, and
    `taken_by` the id of that runner; None while it waits.
    """

    id: str
    journey: str
    location: str
    requested_at: datetime
    by: str
    taken_at: datetime | None = None
    taken_by: str | None = None
