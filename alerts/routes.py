"""`alerts.yaml`: where messages go, and which severity goes where."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from alerts.channels import KINDS, Addressed, Channel, guarded_client
from alerts.policy import Policy
from config import Complaint, ConfigError, Document, Secret, read_secret, validate
from config.bounds import Address, Length, refuse
from config.durations import seconds
from facts import Severity

_STRICT: dict[str, Any] = {"extra": "forbid"}
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,80}")
_MENTION = re.compile(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+(\|[^<>]*)?|!here|!channel)>")
_LINKS = Address("https://hub.example.com")
_RECEIVER = Address("https://hooks.example.com/path", may=frozenset({"login", "query"}))
_Join = Annotated[str, Length("0s", "24h", "alerts that are a day apart are no one incident")]
_Update = Annotated[str, Length("10s", "24h", "the hub looks every ten seconds, and a day's silence is no update")]
FILE = "alerts.yaml"
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One receiver. `url_from` names the environment variable that holds its address (or, with `_FILE` behind it, its file).

    `mentions` are called when something fires; a bare `@handle` calls nobody at Slack and counts as unset.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    kind: Literal["slack", "webhook"]
    url_from: str
    mentions: list[str] = field(default_factory=list)
    description: str = ""

    def __post_init__(self) -> None:
        if "://" in self.url_from:
            raise ValueError(
                "url_from: an address is a secret and does not stand in a file that is shared; "
                "put it into an environment variable and name that here"
            )
        if not _ENVIRONMENT_NAME.fullmatch(self.url_from):
            raise ValueError(f"url_from: {self.url_from!r} is no environment variable; write it like SLACK_OPS_WEBHOOK")


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
        """What nobody can be reached by: destinations without an address, mentions that call nobody, severities without a route."""
        told = [
            Complaint(file=FILE, key=f"destinations.{name}.url_from", what=f"{name} has no address{why}", hint=hint)
            for name, destination in self.destinations.items()
            for hint in [f"set {destination.url_from} or {destination.url_from}_FILE"]
            for why in [": what is set is none" if read_secret(destination.url_from, environment) else ""]
            if self._url(destination, environment) is None
        ]
        for name, destination in self.destinations.items():
            for mention in destination.mentions:
                if not _MENTION.fullmatch(mention):
                    what = f"{mention!r} calls nobody"
                    hint = "Slack wants <@U…> for a person, <!subteam^S…> for a group"
                    told.append(Complaint(file=FILE, key=f"destinations.{name}.mentions", what=what, hint=hint))
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM):
            if not self.routes.get(severity):
                what = f"nobody is told of {severity.value} alerts"
                told.append(Complaint(file=FILE, key=f"routes.{severity.value}", what=what))
        return told

    def untold(self, environment: Mapping[str, str]) -> dict[Severity, str]:
        """The severities of which nobody would be told, each with what to do about it."""
        found: dict[Severity, str] = {}
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM):
            routed = [self.destinations[name] for name in self.routes.get(severity, [])]
            if all(self._url(destination, environment) is None for destination in routed):
                variables = " or ".join(dict.fromkeys(destination.url_from for destination in routed))
                found[severity] = f"set {variables}" if routed else f"name destinations in routes.{severity.value}"
        return found

    def _url(self, destination: Destination, environment: Mapping[str, str]) -> Secret | None:
        secret = read_secret(destination.url_from, environment)
        return secret if secret and _RECEIVER.wrong_with(secret.reveal()) is None else None

    def channels(self, environment: Mapping[str, str], *, allow_private: bool = False) -> dict[str, Channel]:
        """The channel of each destination that has an address. `allow_private` lets messages go to this machine (the demo).

        Raises ConfigError where the environment's proxies or certificates cannot be used.
        """
        networks = ["127.0.0.0/8", "::1/128", *self.allow_private] if allow_private else self.allow_private
        client = guarded_client([ipaddress.ip_network(network) for network in networks], environment=environment)
        found: dict[str, Channel] = {}
        for name, destination in self.destinations.items():
            url = self._url(destination, environment)
            if url is not None:
                mentions = tuple(m for m in destination.mentions if _MENTION.fullmatch(m))
                found[name] = KINDS[destination.kind](Addressed(url=url, client=client, mentions=mentions))
        return found


def routing_from(document: Document) -> Routing:
    """The file, checked. Raises ConfigError."""
    return validate(Routing, document)


__all__ = ["ConfigError", "Destination", "Policy", "Routing", "routing_from"]
