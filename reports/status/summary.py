"""Summarizes what the public may know: the state of each component, its days, and its incidents, without internal names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from facts import Alert, AlertState, Severity, Verdict, VerdictStatus
from reports.charts import DayCell

DAYS = 90
_MERGED_WITHIN = timedelta(minutes=5)
"""Two episodes that lie no further apart are one incident to a visitor."""
_SAYS_NOTHING = {VerdictStatus.NO_DATA, VerdictStatus.ERROR, VerdictStatus.OFF}


class ComponentState(StrEnum):
    """The state of a component, the worst first."""

    OUTAGE = "outage"
    DEGRADED = "degraded"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    OPERATIONAL = "operational"

    @property
    def words(self) -> str:
        """Return the state in words."""
        return _WORDS[self]


_WORDS = {
    ComponentState.OUTAGE: "Outage",
    ComponentState.DEGRADED: "Degraded",
    ComponentState.MAINTENANCE: "Maintenance",
    ComponentState.UNKNOWN: "Unknown",
    ComponentState.OPERATIONAL: "Operational",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Holds a journey as the public sees it. `days` are the last 90 days (UTC), oldest first; `id` is the journey's name."""

    id: str
    name: str
    state: ComponentState
    days: tuple[DayCell, ...]

    @property
    def checks(self) -> int:
        """Return how many results count."""
        return sum(day.n for day in self.days)

    @property
    def passed_share(self) -> float | None:
        """Return the share of results that passed; None where none counts."""
        return 1 - sum(day.bad for day in self.days) / self.checks if self.checks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIncident:
    """Holds a time in which a component did not work; `ended_at` is None while it lasts."""

    component: str
    name: str
    state: ComponentState
    began_at: datetime
    ended_at: datetime | None

    @property
    def id(self) -> str:
        """Return an id that stays the same from one publication to the next."""
        return f"{self.component}-{self.began_at:%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicMaintenance:
    """Holds a maintenance that is under way or planned: the names of its components, and its reason as the operator wrote it."""

    names: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSummary:
    """Holds the whole content. `incidents` are those of the last 90 days, newest first, `maintenance` comes soonest first."""

    at: datetime
    components: tuple[Component, ...]
    incidents: tuple[PublicIncident, ...]
    maintenance: tuple[PublicMaintenance, ...] = ()

    @property
    def state(self) -> ComponentState:
        """Return the worst state of the components; unknown if there are none."""
        order = list(ComponentState)
        return min((c.state for c in self.components), key=order.index, default=ComponentState.UNKNOWN)


def state_of(
    journey: str,
    alerts: Iterable[Alert],
    verdicts: Iterable[Verdict],
    *,
    judged_at: datetime | None,
    stale_before: datetime,
) -> ComponentState:
    """Return the state of a journey by its firing alerts, else by its verdicts.

    It is unknown where nothing says that the journey works: no verdict, none since `stale_before`, or verdicts without data.
    """
    firing = [a for a in alerts if a.journey == journey and a.state is AlertState.FIRING and a.inhibited_by is None]
    shown = [state for state in map(_public_state, firing) if state is not None]
    if shown:
        return min(shown, key=list(ComponentState).index)
    judged = [v for v in verdicts if v.journey == journey and v.traits is not None and v.traits.journey_fails]
    is_known = judged and judged_at is not None and judged_at >= stale_before
    if not is_known or any(v.verdict in _SAYS_NOTHING for v in judged):
        return ComponentState.UNKNOWN
    return ComponentState.OPERATIONAL


def _public_state(alert: Alert) -> ComponentState | None:
    """Return what an alert of a journey means for a visitor; None if it means nothing for them."""
    if alert.traits is None or not alert.traits.from_runs or alert.severity not in (Severity.CRITICAL, Severity.HIGH):
        return None
    is_outage = alert.traits.journey_fails and alert.severity is Severity.CRITICAL
    return ComponentState.OUTAGE if is_outage else ComponentState.DEGRADED


def incidents_of(alerts: Iterable[Alert], names: dict[str, str]) -> tuple[PublicIncident, ...]:
    """Return the public incidents that alerts form, newest first; `names` are the components' names, by journey.

    Alerts of one component that overlap, or nearly do, are one incident with the worst state of them. What a person has to look at,
    and what was closed because its rule or location is gone, was no outage that is known.
    """
    found: dict[str, list[PublicIncident]] = {journey: [] for journey in names}
    relevant = [
        a for a in alerts if a.fired_at is not None and a.inhibited_by is None and not a.closed and not a.needs_review
    ]
    for alert in sorted(relevant, key=lambda one: one.began_at):
        state = _public_state(alert)
        if state is None or alert.journey not in found:
            continue
        of_journey = found[alert.journey]
        one = PublicIncident(
            component=alert.journey,
            name=names[alert.journey],
            state=state,
            began_at=alert.began_at,
            ended_at=alert.over_at,
        )
        if of_journey and _touch(of_journey[-1], one):
            of_journey[-1] = _merged(of_journey[-1], one)
        else:
            of_journey.append(one)
    every = [one for of_journey in found.values() for one in of_journey]
    return tuple(sorted(every, key=lambda one: (one.began_at, one.component), reverse=True))


def _touch(first: PublicIncident, second: PublicIncident) -> bool:
    return first.ended_at is None or second.began_at <= first.ended_at + _MERGED_WITHIN


def _merged(first: PublicIncident, second: PublicIncident) -> PublicIncident:
    order: Sequence[ComponentState] = list(ComponentState)
    is_open = first.ended_at is None or second.ended_at is None
    return PublicIncident(
        component=first.component,
        name=first.name,
        state=min(first.state, second.state, key=order.index),
        began_at=first.began_at,
        ended_at=None if is_open else max(one.ended_at for one in (first, second) if one.ended_at is not None),
    )
