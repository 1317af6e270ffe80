"""Shows every message of an incident as each channel would send it, from its first alert to its end, without sending one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.channels import ChannelSettings, Rendered
from alerts.digest import digests
from alerts.machine import Advance, Standing, acknowledge, advance
from alerts.message import Message
from alerts.policy import Policy
from facts import (
    Alert,
    AlertState,
    Incident,
    LadderRow,
    Notification,
    NotificationKind,
    NotificationState,
    Verdict,
    from_wire,
)

_LONGEST = timedelta(hours=1)
"""How long the incident of a preview lasts, where its escalation does not end before."""
_STANDING = (AlertState.PENDING, AlertState.FIRING)
BY = "ann"
"""Who acknowledges the incident of a preview."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The verdicts of an example outage: the `breaches`, of which the first begins the incident and the others join it later, and the
    `recoveries` that end them, in the same order."""

    breaches: tuple[Verdict, ...]
    recoveries: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One message as the channels of some destinations would send it.

    `after_s` is how long after the first alert it is sent, in seconds; `why` is what it is sent for, in words. All of `destinations`
    get the very same content, by the same kind of `channel`.
    """

    kind: NotificationKind
    why: str
    after_s: float
    channel: str
    destinations: tuple[str, ...]
    content: Rendered


def previews(
    sample: Sample, policy: Policy, destinations: Mapping[str, ChannelSettings], now: datetime
) -> list[Preview]:
    """Return the messages of an example incident that begins now, in the order in which they are sent.

    Nobody acknowledges it until its last tier has been called; then somebody does, and it is resolved. `destinations` are all of the
    file, with an address or without; business hours hold nothing back.
    """
    told = _Trial(replace(policy, hours=None, silences=(), reachable=None), now)
    told.play(sample)
    found: list[Preview] = []
    for notification, why in told.owed:
        if notification.destination not in destinations:
            continue
        settings = destinations[notification.destination]
        content = settings.rendered(from_wire(Message, notification.message), dedup_key=notification.id)
        one = Preview(
            kind=notification.kind,
            why=why,
            after_s=(notification.created_at - now).total_seconds(),
            channel=settings.kind,
            destinations=(notification.destination,),
            content=content,
        )
        same = next((n for n, other in enumerate(found) if _alike(other, one)), None)
        if same is None:
            found.append(one)
        else:
            found[same] = replace(found[same], destinations=(*found[same].destinations, notification.destination))
    return found


def _alike(one: Preview, other: Preview) -> bool:
    return replace(one, destinations=()) == replace(other, destinations=())


@dataclass
class _Trial:
    """Simulates an incident as the hub would handle it, with every message delivered at once."""

    policy: Policy
    now: datetime
    owed: list[tuple[Notification, str]] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    ladder: dict[str, LadderRow] = field(default_factory=dict)

    def play(self, sample: Sample) -> None:
        """Simulate the incident: it begins, escalates, is acknowledged, and ends."""
        began = self.now
        standing = [replace(sample.breaches[0], for_s=0.0, began_at=began)]
        self._tick(standing, "fires")
        if len(sample.breaches) > 1:
            self.now += self.policy.update_every
            standing += [replace(breach, for_s=0.0, began_at=self.now) for breach in sample.breaches[1:]]
            self._tick(standing, "another alert joins")
        tiers = self.policy.escalation.tiers if self.policy.escalation is not None else ()
        for tier in tiers[1:]:
            self.now = max(self.now, began + min(tier.after, _LONGEST))
            self._tick(standing, "fires still")
        self.now += timedelta(minutes=1)
        first = next(iter(self.alerts.values()))
        self._take(acknowledge(self._standing(), first, self.policy, by=BY, now=self.now), f"{BY} acknowledges")
        self.now += timedelta(minutes=1)
        ends = [
            replace(one, breached=False, clear=True, clear_for_s=0.0, ended_at=self.now) for one in sample.recoveries
        ]
        self._tick(ends, "resolved")
        since = began - timedelta(minutes=1)
        summed_up = digests(list(self.alerts.values()), self.policy, since=since, now=self.now)
        self.owed += [(one, "digest") for one in summed_up]

    def _tick(self, verdicts: Sequence[Verdict], why: str) -> None:
        self._take(advance(self._standing(), verdicts, self.policy, self.now, previous=None), why)

    def _standing(self) -> Standing:
        return Standing(
            alerts=[alert for alert in self.alerts.values() if alert.state in _STANDING],
            past=[alert for alert in self.alerts.values() if alert.state not in _STANDING],
            incidents=[one for one in self.incidents.values() if one.resolved_at is None],
            notifications=[notification for notification, _ in self.owed],
            ladder=list(self.ladder.values()),
        )

    def _take(self, step: Advance, why: str) -> None:
        self.alerts |= {alert.id: alert for alert in step.alerts}
        self.incidents |= {incident.id: incident for incident in step.incidents}
        self.ladder |= {row.id: row for row in step.ladder}
        for one in step.notifications:
            tier = f"escalation, tier {one.tier}" if one.tier is not None and one.tier > 1 else why
            self.owed.append((replace(one, state=NotificationState.DELIVERED, delivered_at=self.now), tier))


def chosen(found: Sequence[Preview], wanted: Sequence[str], ways: Sequence[str]) -> Iterator[Preview]:
    """Yield the previews of some channels only: by the kind of the channel, or by the destinations of `ways`."""
    for one in found:
        destinations = one.destinations if one.channel in wanted else tuple(d for d in one.destinations if d in ways)
        if destinations:
            yield replace(one, destinations=destinations)
