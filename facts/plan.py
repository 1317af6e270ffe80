"""What a runner at one location should do; the answer of `GET /api/plan`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from facts.slots import Grid
from facts.wire import WIRE_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJourney:
    """One journey on the schedule of a location. `buys` is false where it says that it never places an order."""

    journey: str
    period_s: int
    stagger_s: float = 0.0
    buys: bool = True

    @property
    def grid(self) -> Grid:
        """Its slots."""
        return Grid(period_s=self.period_s, stagger_s=self.stagger_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole plan of a location. `site` is the wire form of `journeys.site.Site`; `hash` names this very plan."""

    location: str
    hash: str
    journeys: tuple[PlannedJourney, ...] = ()
    canaries: tuple[str, ...] = ()
    site: dict[str, Any] = field(default_factory=dict)
    version: int = WIRE_VERSION
