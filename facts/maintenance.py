"""Defines planned maintenance as runners are told of it: stretches of time in which slots are skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMaintenance:
    """Holds one stretch of planned maintenance from `starts_at` up to `ends_at`. `journeys` are those that it skips; all if empty."""

    starts_at: datetime
    ends_at: datetime
    reason: str
    journeys: tuple[str, ...] = ()

    def covers(self, journey: str, slot: datetime) -> bool:
        """Return whether a slot of a journey lies in it."""
        return self.starts_at <= slot < self.ends_at and (not self.journeys or journey in self.journeys)


def why_skipped(maintenance: Iterable[PlannedMaintenance], journey: str, slot: datetime) -> str | None:
    """Return the sentence for a slot that maintenance skips; None for one that has to be run."""
    found = next((one for one in maintenance if one.covers(journey, slot)), None)
    return f"maintenance until {found.ends_at:%Y-%m-%d %H:%M} UTC: {found.reason}" if found is not None else None
