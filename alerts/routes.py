"""`alerts.yaml`: where messages go, and which severity goes where."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from alerts.channels import Channel, Destination, Missing, resources
from alerts.policy import Policy
from config import Complaint, ConfigError, Document, validate
from config.bounds import Address, Length, refuse
from config.durations import seconds
from facts import Severity

_STRICT: dict[str, Any] = {"extra": "forbid"}
_LINKS = Address("https://hub.example.com")
_Join = Annotated[str, Length("0s", "24h", "alerts that are a day apart are no one incident")]
_Update = Annotated[str, Length("10s", "24h", "the hub looks every ten seconds, and a day's silence is no update")]
FILE = "alerts.yaml"
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The whole file. `routes` gives the destinations of each severity; `low` and `info` tell nobody unless they are routed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    destinations: dict[str, Destination]
    routes: dict[Severity, list[str]]
    base_url: Annotated[str, _LINKS] | None = None
    join_window: _Join = "15m"
    update_every: _Update = "5m"
    allow_private: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        for name in self.destinations:
            if not 1 <= len(name) <= _LONGEST_NAME:
                yield f"destinations: {name[:80]!r} has {len(name)} characters; at most {_LONGEST_NAME}"
        for severity, names in self.routes.items():
            unknown = sorted(set(names) - set(self.destinations))
            if unknown:
                yield f"routes.{severity.value}: {', '.join(unknown)} is not among the destinations above"
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"routes.{severity.value}: {name} stands there twice; it is told once"
        for name in ("join_window", "update_every"):
            seconds(getattr(self, name), key=name)
        for number, network in enumerate(self.allow_private):
            try:
                ipaddress.ip_network(network)
            except ValueError:
                yield f"allow_private.{number}: {network!r:.60} is no network; write it like 10.1.2.0/24"

    def policy(self, *, base_url: str, scale: float = 1.0, mark: str | None = None) -> Policy:
        """What the state machine goes by; waits are `scale` times shorter."""
        return Policy(
            routes={severity: tuple(names) for severity, names in self.routes.items()},
            base_url=base_url,
            join_window=timedelta(seconds=seconds(self.join_window) / scale),
            update_every=timedelta(seconds=seconds(self.update_every) / scale),
            mark=mark,
        )

    def unset(self, environment: Mapping[str, str]) -> list[Complaint]:
        """What keeps anybody from being told: what destinations lack, mentions that call nobody, severities without a route."""
        told = [
            Complaint(
                file=FILE,
                key=f"destinations.{name}.{missing.key}",
                what=f"{name} {missing.what}" if missing.blocks else missing.what,
                hint=missing.hint,
            )
            for blocks in (True, False)
            for name, destination in self.destinations.items()
            for missing in destination.missing(environment)
            if missing.blocks is blocks
        ]
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM):
            if not self.routes.get(severity):
                what = f"nobody is told of {severity.value} alerts"
                told.append(Complaint(file=FILE, key=f"routes.{severity.value}", what=what))
        return told

    def untold(self, environment: Mapping[str, str]) -> dict[Severity, str]:
        """The severities of which nobody would be told, each with what to do about it."""
        found: dict[Severity, str] = {}
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM):
            routed = [self._lacks(name, environment) for name in self.routes.get(severity, [])]
            if all(routed):
                remedies = " or ".join(dict.fromkeys(lacking[0].remedy for lacking in routed))
                found[severity] = f"set {remedies}" if routed else f"name destinations in routes.{severity.value}"
        return found

    def _lacks(self, name: str, environment: Mapping[str, str]) -> list[Missing]:
        """What a destination lacks so that nobody is told by it."""
        return [missing for missing in self.destinations[name].missing(environment) if missing.blocks]

    def channels(self, environment: Mapping[str, str], *, allow_private: bool = False) -> dict[str, Channel]:
        """The channel of each destination that lacks nothing. `allow_private` lets messages go to this machine (the demo).

        Raises ConfigError where the environment's proxies or certificates cannot be used.
        """
        networks = ["127.0.0.0/8", "::1/128", *self.allow_private] if allow_private else self.allow_private
        use = resources(environment, allow=[ipaddress.ip_network(network) for network in networks])
        return {
            name: destination.channel(use)
            for name, destination in self.destinations.items()
            if not self._lacks(name, environment)
        }


def routing_from(document: Document) -> Routing:
    """The file, checked. Raises ConfigError."""
    return validate(Routing, document)


__all__ = ["ConfigError", "Destination", "Policy", "Routing", "routing_from"]
