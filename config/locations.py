"""Defines `locations.yaml`: where and how often journeys are run, and the canaries that show whether the network works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from config.bounds import Length, is_host, refuse, without_login
from config.durations import seconds

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
DEFAULT_CANARIES = ("hub", "resolver")
_MOST_LOCATIONS, _MOST_CANARIES = 100, 16
_EVERY = Length("10s", "24h", "a run takes up to a minute, and rules look back over days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Holds a location at which runs are made; `description` is for people."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """Holds how often a journey is run at each of its locations: `every` is a duration like `90s`, `5m` or `1h`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    every: Annotated[str, _EVERY]
    locations: list[str] | None = None

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        period_s = seconds(_EVERY.check(self.every))
        if period_s != int(period_s):
            yield f"every: {self.every!r} is not a whole number of seconds"
        if self.locations is not None and not self.locations:
            yield "locations: is empty, so it would run nowhere; name locations, or leave the key out for all of them"
        for name in sorted({name for name in self.locations or () if (self.locations or []).count(name) > 1}):
            yield f"locations: {name} stands there twice"

    @property
    def period_s(self) -> int:
        """The number of seconds between two slots of one location."""
        return int(seconds(self.every))


@dataclass(frozen=True, slots=True, kw_only=True)
class Locations:
    """Holds the whole file. `canaries` answer as long as a location's own network works.

    Each is `hub` (the hub's address), `resolver` (the location's own name servers), a URL like `https://...` or
    `tcp://host:port` that accepts a connection, or `dns://host`, a name server.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    locations: dict[str, Location]
    journeys: dict[str, JourneyPlan]
    canaries: list[str] = field(default_factory=lambda: list(DEFAULT_CANARIES))

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if not self.locations:
            yield "locations: name at least one"
        if len(self.locations) > _MOST_LOCATIONS:
            yield f"locations: {len(self.locations)} are named; a hub is made for {_MOST_LOCATIONS} at most"
        if not self.journeys:
            yield "journeys: name at least one, or nothing is watched"
        for name in self.locations:
            if not _NAME.fullmatch(name):
                yield f"locations.{name}: {name!r} may hold small letters, digits and hyphens only, 32 at most"
        for journey, plan in self.journeys.items():
            unknown = sorted(set(plan.locations or ()) - set(self.locations))
            if unknown:
                yield f"journeys.{journey}.locations: {', '.join(unknown)} is not among the locations above"
        if len(self.canaries) > _MOST_CANARIES:
            yield f"canaries: {len(self.canaries)} are named; all are asked at once, so {_MOST_CANARIES} at most"
        for number, canary in enumerate(self.canaries):
            wrong = _wrong_with(canary)
            if wrong:
                yield f"canaries.{number}: {without_login(canary)!r:.120} {wrong}"


def _wrong_with(canary: str) -> str | None:
    """Return why a canary is not valid; None if it is."""
    if canary in DEFAULT_CANARIES:
        return None
    if not re.fullmatch(r"(https?|tcp|dns)://\S+", canary):
        return "is neither hub, resolver, https://..., http://..., tcp://host:port nor dns://host"
    try:
        parts = urlsplit(canary)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"cannot be read: {error}"
    if port == 0:
        return "names port 0; the ports are 1 to 65535"
    if not host or "@" in parts.netloc:
        return "has no host, or a user before it; write it like https://example.com"
    if not is_host(host):
        return f"names no host: {host!r} cannot be resolved"
    if parts.scheme == "tcp" and port is None:
        return "has no port; write it like tcp://10.0.0.1:443"
    return None
