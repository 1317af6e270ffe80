"""Defines the plan of a runner at one location: the response of `GET /api/plan`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from facts.maintenance import PlannedMaintenance
from facts.run_request import RunRequest
from facts.slots import Grid
from facts.wire import WIRE_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJourney:
    """Holds one journey on the schedule of a location. `buys` is false if the journey declares that it never places an order."""

    journey: str
    period_s: int
    stagger_s: float = 0.0
    buys: bool = True

    @property
    def grid(self) -> Grid:
        """The slot grid of the journey."""
        return Grid(period_s=self.period_s, stagger_s=self.stagger_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Holds the plan of a location. `site` is the wire form of `journeys.site.Site`; `hash` identifies this version of the plan.

    `maintenance` is what is under way and to come soon, and `requested` are the runs that people requested and no runner
    has taken; they are no part of the hash, because they change from day to day.
    """

    location: str
    hash: str
    journeys: tuple[PlannedJourney, ...] = ()
    canaries: tuple[str, ...] = ()
    site: dict[str, Any] = field(default_factory=dict)
    version: int = WIRE_VERSION
    maintenance: tuple[PlannedMaintenance, ...] = ()
    requested: tuple[RunRequest, ...] = ()
