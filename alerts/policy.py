"""Defines the policy of the state machine: who is notified of what and when, and which alert makes another unnecessary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.directory import Directory
from alerts.escalation import Escalation
from alerts.flapping import Flapping
from alerts.hours import BusinessHours
from alerts.route import Route, receivers
from alerts.windows import Maintenance
from facts import NO_TRAITS, Alert, Deploy, Same, Severity, Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Holds which destinations get a digest, how often, and of which severities."""

    to: tuple[str, ...]
    every: timedelta = timedelta(minutes=15)
    severities: frozenset[Severity] = frozenset({Severity.HIGH, Severity.MEDIUM})


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUp:
    """Holds how many firing messages a destination gets singly `within` so long; those `above` the number are rolled up."""

    above: int = 10
    within: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRate:
    """Holds what the shop usually sells per minute at this hour of the week, in minor units of a currency."""

    minor_per_minute: float
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Routes and waits. `routes` gives the receivers of each severity, `matching` those of alerts that match; `base_url` is the hub's
    address in links.

    An alert that fires within `join_window` of a firing critical one joins its incident; joins are told together, at most
    once in `update_every`. `mark` is printed in every message (the demo).

    Messages of high and medium alerts wait for `hours`, unless `pages_high_after_hours`, which lets the high ones go; without
    `hours` none waits. `reachable` are the destinations that have an address, None where all have. `silences` are those that
    hold at the moment, `maintenance` the windows of the file. `sales` is what is usually sold at this time; None where nobody knows.
    `deploys` are those that may have come shortly before what fires.
    `flapping` says which alerts are damped into one incident, and `roll_up` how many messages a destination gets one
    by one; None where there is no limit.
    `action_link` returns the address at which whoever has a message of an alert acknowledges it without a login, as of a moment; None
    where there are no such links.
    """

    routes: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    matching: tuple[Route, ...] = ()
    base_url: str = ""
    join_window: timedelta = timedelta(minutes=15)
    update_every: timedelta = timedelta(minutes=5)
    clock_step: timedelta = timedelta(seconds=60)
    mark: str | None = None
    hours: BusinessHours | None = None
    pages_high_after_hours: bool = False
    digest: Digest | None = None
    escalation: Escalation | None = None
    directory: Directory = field(default_factory=Directory)
    reachable: frozenset[str] | None = None
    silences: tuple[Silence, ...] = ()
    sales: SalesRate | None = None
    maintenance: tuple[Maintenance, ...] = ()
    deploys: tuple[Deploy, ...] = ()
    flapping: Flapping | None = None
    roll_up: RollUp | None = None
    action_link: Callable[[str, datetime], str] | None = None

    def receivers(self, alerts: Sequence[Alert], severity: Severity, now: datetime) -> tuple[str, ...]:
        """Return the destinations of an incident of some alerts; roles among its receivers are resolved as of now."""
        names = receivers(alerts, severity, matching=self.matching, routes=self.routes)
        found = self.directory.ways_of_receivers(names, now)
        if self.reachable is None:
            return found
        # Where none of them has an address, they are kept: another destination is told in their place.
        return tuple(name for name in found if name in self.reachable) or found

    @property
    def called_by_name(self) -> frozenset[str]:
        """Return the destinations that only people, roles and tiers use: they never replace another destination."""
        tiers = self.escalation.tiers if self.escalation is not None else ()
        named = {name for tier in tiers for names in tier.recipients.values() for name in names}
        named |= {way for ways in self.directory.ways.values() for way in ways}
        named |= {name for route in self.matching for name in route.to}
        return frozenset(named - {name for names in self.routes.values() for name in names})

    def clock(self, severity: Severity) -> BusinessHours | None:
        """Return the business hours in which alerts of a severity are sent and escalated; None if that is at any hour."""
        if severity is Severity.CRITICAL or (severity is Severity.HIGH and self.pages_high_after_hours):
            return None
        return self.hours

    def later(self, severity: Severity, at: datetime, length: timedelta) -> datetime:
        """Return the moment at which a length of time has passed on the clock of a severity."""
        clock = self.clock(severity)
        return clock.add(at, length) if clock is not None else at + length


def inhibits(by: Alert, alert: Alert) -> bool:
    """Return whether a firing alert makes another one unnecessary to tell, as the rule of the first one says."""
    if by.key == alert.key:
        return False
    traits = alert.traits or NO_TRAITS
    return any(one.names(traits) and _has_in_common(one.same, by, alert) for one in (by.traits or NO_TRAITS).inhibits)


def _has_in_common(same: Same | None, by: Alert, alert: Alert) -> bool:
    match same:
        case Same.JOURNEY:
            return alert.journey in (by.journey, None)
        case Same.LOCATION:
            return _location(by) is not None and _location(by) == _location(alert)
        case Same.RULE:
            return by.rule == alert.rule
        case None:
            return True


def _location(alert: Alert) -> str | None:
    return (alert.traits or NO_TRAITS).location_bound
