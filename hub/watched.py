"""Defines what the hub watches: the shop, locations and journeys, from which it makes the runners' plans and slot grids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from config import Locations
from facts import Grid, Plan, PlannedJourney, to_wire
from journeys.site import Site
from sla.history import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Holds the hub's copy of `site.yaml` and `locations.yaml`, which is authoritative for every runner.

    `journeys` maps each name that may be used in `locations.yaml` to the registry's name; `never_buy` are the journeys
    that never place an order.
    """

    site: Site
    locations: Locations
    journeys: Mapping[str, str] = field(default_factory=dict)
    never_buy: frozenset[str] = frozenset()

    def _planned(self) -> dict[str, tuple[int, list[str]]]:
        every = list(self.locations.locations)
        return {
            self.journeys.get(name, name): (plan.period_s, list(plan.locations or every))
            for name, plan in self.locations.journeys.items()
        }

    def schedules(self) -> dict[str, Schedule]:
        """Return the slot grids of each journey, by location."""
        return {
            journey: Schedule(
                period_s=period,
                grids={place: Grid.of(period, index=i, n=len(places)) for i, place in enumerate(places)},
            )
            for journey, (period, places) in self._planned().items()
        }

    def plan_for(self, location: str) -> Plan:
        """Return the plan for the runner of a location. Raises KeyError for an unknown location."""
        self.locations.locations[location]
        journeys = tuple(
            PlannedJourney(
                journey=journey,
                period_s=schedule.period_s,
                stagger_s=schedule.grids[location].stagger_s,
                buys=journey not in self.never_buy,
            )
            for journey, schedule in self.schedules().items()
            if location in schedule.grids
        )
        plan = Plan(
            location=location,
            hash="",
            journeys=journeys,
            canaries=tuple(self.locations.canaries),
            # What the hub itself asks is no runner's business.
            site=to_wire(
                replace(
                    self.site,
                    endpoint_checks=None,
                    stripe_reads=None,
                    sms_reads=None,
                    business=None,
                    status_page=None,
                    pings=None,
                )
            ),
        )
        return Plan(
            location=location,
            hash=hashlib.sha256(json.dumps(to_wire(plan), sort_keys=True).encode()).hexdigest()[:12],
            journeys=plan.journeys,
            canaries=plan.canaries,
            site=plan.site,
        )
