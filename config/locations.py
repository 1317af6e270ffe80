"""`locations.yaml`: where the buyer buys from, how often, and how it knows that its own network is well."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_DURATION = re.compile(r"(\d+)\s*(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place where runs are made; `description` is for people."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """How often a journey is run at each of its locations: `every` is a duration like `90s`, `5m` or `1h`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    every: str
    locations: list[str] | None = None

    def __post_init__(self) -> None:
        if not 10 <= self.period_s <= 86_400:
            raise ValueError(f"every: {self.every!r} is not between 10s and 24h")

    @property
    def period_s(self) -> int:
        """Seconds between two slots of one location."""
        match = _DURATION.fullmatch(self.every.strip())
        if match is None:
            raise ValueError(f"every: {self.every!r} is not a duration; write it like 90s, 5m or 1h")
        return int(match[1]) * _SECONDS[match[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Locations:
    """The whole file. `canaries` are addresses that answer when our own network is well (`https://...` or `tcp://host:port`)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    locations: dict[str, Location]
    journeys: dict[str, JourneyPlan]
    canaries: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.locations:
            raise ValueError("locations: name at least one")
        for name in self.locations:
            if not _NAME.fullmatch(name):
                raise ValueError(f"locations: {name!r} may hold small letters, digits and hyphens only, 32 at most")
        for journey, plan in self.journeys.items():
            unknown = sorted(set(plan.locations or ()) - set(self.locations))
            if unknown:
                raise ValueError(f"journeys.{journey}.locations: {', '.join(unknown)} is not among the locations above")
        for canary in self.canaries:
            if not re.match(r"(https?|tcp)://[^/\s]+", canary):
                raise ValueError(f"canaries: {canary!r} is neither https://..., http://... nor tcp://host:port")
