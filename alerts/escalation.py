"""Defines `escalation` of alerts.yaml: who is called when, as long as nobody acknowledges. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, ClassVar

from config.bounds import Flag, Length, Whole, refuse
from config.durations import seconds
from facts import Severity

_STRICT: dict[str, Any] = {"extra": "forbid"}
_After = Annotated[str, Length("0s", "7d", "a tier that comes after a week reaches nobody in time")]
_Every = Annotated[str, Length("1m", "24h", "more often than once a minute nobody can answer")]
_Age = Annotated[str, Length("1m", "7d", "an acknowledgement that lasts a week is forgotten")]
_Times = Annotated[int, Whole(0, 100, "PagerDuty repeats a policy nine times at most")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSettings:
    """Settings of one tier: it is called `after` so long without an acknowledgement, and calls these people, by severity."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    after: _After
    critical: list[str] = field(default_factory=list)
    high: list[str] = field(default_factory=list)
    medium: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatSettings:
    """Settings for repeating the last tier: first `after` so long, then `every` so long, `at_most` so many times."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    after: _After = "30m"
    every: _Every = "30m"
    at_most: _Times = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationSettings:
    """The escalation matrix.

    An acknowledgement older than `unack_after` is taken back while the alert still fires, until the incident is `rearm_until`
    old. `confirmed_last_tier`: the last tier is called only for what several locations, or the shop's own numbers, show.
    `emergency` is told when a tier reached nobody; without it the receivers of critical alerts are.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    tiers: list[TierSettings]
    repeat: RepeatSettings = RepeatSettings()
    unack_after: _Age = "30m"
    rearm_until: _Age = "24h"
    confirmed_last_tier: Annotated[bool, Flag()] = True
    emergency: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if not self.tiers:
            yield "tiers: is empty; name one tier at least, or leave out escalation"
        lengths = [seconds(tier.after, key="after") for tier in self.tiers]
        for number, (before, after) in enumerate(pairwise(lengths), start=1):
            if after <= before:
                yield f"tiers.{number}.after: {self.tiers[number].after} is not later than the tier before it"
        if lengths and self.repeat.at_most and seconds(self.repeat.after, key="after") <= lengths[-1]:
            yield f"repeat.after: {self.repeat.after} is not later than the last tier ({self.tiers[-1].after})"

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield each name of a person, role or destination in it, with its key."""
        for number, tier in enumerate(self.tiers):
            for severity in ("critical", "high", "medium"):
                for place, name in enumerate(getattr(tier, severity)):
                    yield f"tiers.{number}.{severity}.{place}", name
        for place, name in enumerate(self.emergency):
            yield f"emergency.{place}", name

    def escalation(self, *, scale: float = 1.0, emergency: tuple[str, ...] = ()) -> Escalation:
        """Return what the state machine goes by; times are `scale` times shorter."""

        def length(text: str) -> timedelta:
            return timedelta(seconds=seconds(text) / scale)

        return Escalation(
            tiers=tuple(
                Tier(
                    after=length(tier.after),
                    recipients={s: tuple(getattr(tier, s.value)) for s in LADDER_SEVERITIES},
                )
                for tier in self.tiers
            ),
            repeat_after=length(self.repeat.after),
            repeat_every=length(self.repeat.every),
            repeat_at_most=self.repeat.at_most,
            unack_after=length(self.unack_after),
            rearm_until=length(self.rearm_until),
            confirmed_last_tier=self.confirmed_last_tier,
            emergency=tuple(self.emergency) or emergency,
        )


LADDER_SEVERITIES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
"""The severities that escalate; less urgent alerts wait for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier: when it is due after firing, and whom it calls, by severity."""

    after: timedelta
    recipients: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Holds the escalation matrix with durations; `EscalationSettings` explains each field."""

    tiers: tuple[Tier, ...]
    repeat_after: timedelta = timedelta(minutes=30)
    repeat_every: timedelta = timedelta(minutes=30)
    repeat_at_most: int = 9
    unack_after: timedelta = timedelta(minutes=30)
    rearm_until: timedelta = timedelta(hours=24)
    confirmed_last_tier: bool = True
    emergency: tuple[str, ...] = ()
