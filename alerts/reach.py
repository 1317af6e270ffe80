"""Computes who would be reached: each severity's routes and escalation tiers, with the destinations of every name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.escalation import LADDER_SEVERITIES
from alerts.message import Message, duration
from alerts.policy import Policy
from facts import NotificationKind, Severity

TRIAL = "TEST, nothing is broken"
"""The mark of a trial message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One name that is called for a severity: `when` it is, `name` as `alerts.yaml` has it, the `people` behind it now, and the
    destinations that reach them; none where it reaches nobody."""

    severity: Severity
    when: str
    name: str
    people: tuple[str, ...]
    destinations: tuple[str, ...]


def reach(policy: Policy, now: datetime, *, reached: frozenset[str] | None = None) -> list[Reach]:
    """Return whom each severity calls, at once and tier by tier.

    `reached` are the destinations that a message gets through to; where it is None, those that have an address.
    """
    through = policy.reachable if reached is None else reached
    return [one for severity in LADDER_SEVERITIES for one in _of_severity(policy, severity, now, through)]


def _of_severity(policy: Policy, severity: Severity, now: datetime, through: frozenset[str] | None) -> Iterator[Reach]:
    clock = policy.clock(severity)
    hours = "" if clock is None else ", in business hours"
    yield from _named(policy, severity, f"at once{hours}", policy.routes.get(severity, ()), now, through)
    for number, tier in enumerate(policy.escalation.tiers if policy.escalation is not None else (), start=1):
        after = f"after {duration(tier.after.total_seconds())}" if tier.after else "at once"
        when = f"tier {number}, {after}{hours}"
        yield from _named(policy, severity, when, tier.recipients.get(severity, ()), now, through)


def _named(
    policy: Policy, severity: Severity, when: str, names: Sequence[str], now: datetime, through: frozenset[str] | None
) -> Iterator[Reach]:
    for name in names:
        recipient = policy.directory.recipient(name, now)
        yield Reach(
            severity=severity,
            when=when,
            name=name,
            people=tuple(one for one in recipient.names if one != name),
            destinations=policy.directory.reached([recipient], now, through).destinations,
        )


def trial_message(incident: str, now: datetime, *, by: str, over: bool = False) -> Message:
    """Return the message of a trial, marked as one; `over` is the one that ends it, for receivers that keep an incident open."""
    return Message(
        incident=incident,
        kind=NotificationKind.RESOLVED if over else NotificationKind.FIRING,
        severity=Severity.LOW,
        headline=f"This is a test of the alert channels by {by} ({now:%Y-%m-%d %H:%M:%S} UTC)",
        summary="Nothing is broken. Whoever reads this would have been told of an alert.",
        fired_at=now,
        since=now,
        ended_at=now if over else None,
        resolved_at=now if over else None,
        lasted_s=0.0 if over else None,
        mark=TRIAL,
    )


def unreached(rows: Sequence[Reach]) -> Mapping[str, list[str]]:
    """Return the names that reach nobody, each with when it would have been called."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if not row.destinations:
            found.setdefault(row.name, []).append(f"{row.severity} {row.when}")
    return found
