"""What the state machine goes by: who is told of what, what makes what unnecessary, and how long an outage gathers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from facts import NO_TRAITS, Alert, Same, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Routes and waits. `routes` gives the destinations of each severity; `base_url` is the hub's address in links.

    An alert that fires within `join_window` of a firing critical one joins its incident; joins are told together, at most
    once in `update_every`. `mark` is printed in every message (the demo).
    """

    routes: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    base_url: str = ""
    join_window: timedelta = timedelta(minutes=15)
    update_every: timedelta = timedelta(minutes=5)
    clock_step: timedelta = timedelta(seconds=60)
    mark: str | None = None


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
