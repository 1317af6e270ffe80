"""Defines silences: a person's requests to hold back alerts for a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

SILENCE_KEYS = ("rule", "severity", "family", "journey", "city", "location")
"""What a silence may match by."""


class SilenceState(StrEnum):
    """pending → active → ended."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Holds a silence: of the alerts that match nobody is told from `starts_at` to `ends_at`.

    `match` names what an alert has to be, as `match` of a route in `alerts.yaml` does: `rule`, `severity`, `family`, `journey`,
    `city` and `location`, each with the values of which one must match. `reason` is what its maker wrote, `by` the maker's name.
    `ended_by` is who ended it before its time; `ends_at` is then when that was.
    """

    id: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    by: str
    reason: str
    match: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ended_by: str | None = None

    def state(self, now: datetime) -> SilenceState:
        """Return whether it is to come, holds now, or is over."""
        if now < self.starts_at:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now < self.ends_at else SilenceState.ENDED

    @property
    def about(self) -> str:
        """Return what it is about, in words: `rule F0 or A1s, journey ga_purchase`."""
        return ", ".join(f"{key} {' or '.join(values)}" for key, values in self.match.items())
