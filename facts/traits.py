"""Defines traits: what a rule is about, as data on its verdicts and alerts, so that nothing depends on the name of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """The family of numbers that a rule judges."""

    JOURNEY = "journey"
    """What our own buyers saw."""
    BUSINESS = "business"
    """Metrics that sources bring: inventory, payments, messages."""
    MONITOR = "monitor"
    """The monitor itself: its runners, clocks, results and messages."""


class Same(StrEnum):
    """The property that an inhibiting alert and the inhibited one must have in common."""

    JOURNEY = "journey"
    """The journey; an alert about all journeys together counts as well."""
    LOCATION = "location"
    """The location that both are bound to."""
    RULE = "rule"
    """The rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """Holds which other alerts a firing alert inhibits: those that have every trait named here (None: any)."""

    family: Family | None = None
    from_runs: bool | None = None
    journey_fails: bool | None = None
    follows_failure: bool | None = None
    of_payment: bool | None = None
    same: Same | None = None

    def names(self, traits: Traits) -> bool:
        """Return whether an alert has these traits; `same` is for the caller, who knows both alerts."""
        wanted = (
            (self.family, traits.family),
            (self.from_runs, traits.from_runs),
            (self.journey_fails, traits.journey_fails),
            (self.follows_failure, traits.follows_failure),
            (self.of_payment, traits.of_payment),
        )
        return all(want is None or want == has for want, has in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a rule says of one subject.

    `kind` is the rule's kind. `location_bound` is the location that it is about, None where it is about several or none.
    `of_payment` marks rules that judge paying. `needs_review` marks alerts that a person has to look at after they are resolved.
    `from_runs` marks rules that rest on our runs: they say nothing while no fresh run comes. `journey_fails` marks rules that
    say that a journey fails, `follows_failure` those that a failing journey sets off as well. `own_incident` marks alerts that
    neither join an incident nor are joined. `inhibits` lists what a firing alert makes unnecessary to tell. `escalation` are the roles
    that the rule adds to the tiers of the escalation matrix, one a tier.
    """

    kind: str = ""
    family: Family = Family.JOURNEY
    location_bound: str | None = None
    of_payment: bool = False
    needs_review: bool = False
    from_runs: bool = False
    journey_fails: bool = False
    follows_failure: bool = False
    own_incident: bool = False
    inhibits: tuple[Inhibition, ...] = ()
    escalation: tuple[str, ...] = ()


NO_TRAITS = Traits()
"""The traits of an alert that was stored by an earlier version and whose rule is gone."""
