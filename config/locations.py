"""`locations.yaml`: where the buyer buys from, how often, and how it knows that its own network is well."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_DURATION = re.compile(r"(\d+)\s*(s|m|h)")
DEFAULT_CANARIES = ("hub", "resolver")
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
    """The whole file. `canaries` are what answers when a location's own network is well.

    Each is `hub` (the hub's address), `resolver` (the location's own name servers), an address like `https://...` or
    `tcp://host:port` that takes a connection, or `dns://host`, a name server that answers.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    locations: dict[str, Location]
    journeys: dict[str, JourneyPlan]
    canaries: list[str] = field(default_factory=lambda: list(DEFAULT_CANARIES))

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
        for number, canary in enumerate(self.canaries):
            wrong = _wrong_with(canary)
            if wrong:
                raise ValueError(f"canaries.{number}: {canary!r} {wrong}")


def _wrong_with(canary: str) -> str | None:
    """What keeps a canary from being one; None where nothing does."""
    if canary in DEFAULT_CANARIES:
        return None
    if not re.fullmatch(r"(https?|tcp|dns)://\S+", canary):
        return "is neither hub, resolver, https://..., http://..., tcp://host:port nor dns://host"
    try:
        parts = urlsplit(canary)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"cannot be read: {error}"
    if not host or "@" in parts.netloc:
        return "has no host, or a user before it; write it like https://example.com"
    if parts.scheme == "tcp" and port is None:
        return "has no port; write it like tcp://10.0.0.1:443"
    return None
