"""The first stage of the pipeline: chooses the receivers of an alert. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from config.bounds import Flag
from facts import NO_TRAITS, Alert, Family, Severity

_STRICT: dict[str, Any] = {"extra": "forbid"}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[list[str], BeforeValidator(_as_list)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The conditions on an alert: every key that is set must match, by one of its values. `*` stands for any text.

    `city` is compared with each part of the alert's subject (`dallas/ga`), `location` with the one that it is bound to.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    severity: Annotated[list[Severity], BeforeValidator(_as_list)] = field(default_factory=list)
    rule: Patterns = field(default_factory=list)
    family: Annotated[list[Family], BeforeValidator(_as_list)] = field(default_factory=list)
    journey: Patterns = field(default_factory=list)
    city: Patterns = field(default_factory=list)
    location: Patterns = field(default_factory=list)

    def matches(self, alert: Alert) -> bool:
        """Return whether an alert is meant."""
        traits = alert.traits or NO_TRAITS
        return (
            (not self.severity or alert.severity in self.severity)
            and (not self.family or traits.family in self.family)
            and _one_of(self.rule, alert.rule)
            and _one_of(self.journey, alert.journey)
            and (
                not self.city
                or any(_one_of(self.city, part) for part in filter(None, (alert.subject or "").split("/")))
            )
            and _one_of(self.location, traits.location_bound)
        )


def _one_of(patterns: Sequence[str], value: str | None) -> bool:
    return not patterns or (value is not None and any(fnmatchcase(value, pattern) for pattern in patterns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Receivers of the alerts that match. The first matching route counts; `continue` lets the next ones count as well."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    match: Match = field(default_factory=Match)
    to: list[str] = field(default_factory=list)
    continue_: Annotated[bool, Flag(), Field(alias="continue")] = False


def receivers(
    alerts: Sequence[Alert],
    severity: Severity,
    *,
    matching: Sequence[Route],
    routes: Mapping[Severity, Sequence[str]],
) -> tuple[str, ...]:
    """Return the receivers of an incident, each once: those of the routes that its alerts match.

    `severity` is the incident's. An alert that no route matches goes to those whom `routes` names for that severity.
    """
    found: dict[str, None] = {}
    for alert in alerts:
        matched = False
        for route in matching:
            if route.match.matches(alert):
                matched = True
                found |= dict.fromkeys(route.to)
                if not route.continue_:
                    break
        if not matched:
            found |= dict.fromkeys(routes.get(severity, ()))
    return tuple(found)
