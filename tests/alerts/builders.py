"""Verdicts, and a machine that remembers between ticks as the hub does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts.machine import Advance, Standing, acknowledge, advance, audit, escalate, resolve, unacknowledge
from alerts.policy import Policy
from facts import (
    Alert,
    AlertState,
    Incident,
    LadderRow,
    LadderStatus,
    Notification,
    NotificationState,
    Severity,
    Verdict,
    VerdictStatus,
)
from tests.builders import A_MOMENT
from tests.sla.builders import the_targets

NOW = A_MOMENT
GA = "ga_purchase"
ROUTES = {Severity.CRITICAL: ("slack", "hook"), Severity.HIGH: ("ops", "hook"), Severity.MEDIUM: ("ops",)}
TARGETS = the_targets()
_STANDING = (AlertState.PENDING, AlertState.FIRING)


def a_policy(**facts: Any) -> Policy:
    """Two destinations for what is critical, two for what is high."""
    return Policy(**{"routes": ROUTES, "base_url": "https://hub.test", **facts})


def a_verdict(rule: str = "F0", journey: str | None = GA, **facts: Any) -> Verdict:
    """A met F0 of the GA journey, which would be critical."""
    return Verdict(
        **{
            "rule": rule,
            "journey": journey,
            "verdict": VerdictStatus.MET,
            "summary": f"{rule} is well",
            "title": f"{rule} title",
            "severity": Severity.CRITICAL,
            "traits": TARGETS.traits_of(rule, facts.get("subject")),
            **facts,
        }
    )


def breach(rule: str = "F0", journey: str | None = GA, **facts: Any) -> Verdict:
    """The same, breached."""
    broken = {
        "verdict": VerdictStatus.CRITICAL,
        "breached": True,
        "summary": f"{rule} is broken",
        "samples": ("run-1",),
    }
    return a_verdict(rule, journey, **{**broken, **facts})


def clear(rule: str = "F0", journey: str | None = GA, **facts: Any) -> Verdict:
    """The same, recovered."""
    return a_verdict(rule, journey, **{"clear": True, **facts})


def no_data(rule: str = "F0", journey: str | None = GA, **facts: Any) -> Verdict:
    """The same, without data."""
    return a_verdict(rule, journey, **{"verdict": VerdictStatus.NO_DATA, "summary": "nothing is known", **facts})


class Machine:
    """Keeps alerts, incidents and messages between ticks; `deliver` plays the deliverer."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or a_policy()
        self.alerts: dict[str, Alert] = {}
        self.incidents: dict[str, Incident] = {}
        self.notifications: dict[str, Notification] = {}
        self.ladder: dict[str, LadderRow] = {}
        self.now = NOW
        self._previous: datetime | None = None

    def standing(self) -> Standing:
        """What the hub would load."""
        open_ones = [i for i in self.incidents.values() if i.resolved_at is None]
        threads = {i.id for i in open_ones}
        episodes: dict[str, int] = {}
        for alert in self.alerts.values():
            episodes[alert.key] = max(episodes.get(alert.key, 0), alert.episode)
        return Standing(
            alerts=[a for a in self.alerts.values() if a.state in _STANDING],
            past=[a for a in self.alerts.values() if a.state is AlertState.RESOLVED and a.incident in threads],
            incidents=open_ones,
            notifications=[n for n in self.notifications.values() if n.thread in threads],
            episodes=episodes,
            last_incident=len(self.incidents),
            ladder=[row for row in self.ladder.values() if row.incident in threads],
            fired=self._fired(),
        )

    def _fired(self) -> dict[str, list[datetime]]:
        found: dict[str, list[datetime]] = {}
        for alert in sorted(self.alerts.values(), key=lambda a: a.episode):
            if alert.fired_at is not None:
                found.setdefault(alert.key, []).append(alert.fired_at)
        return found

    def tick(self, *verdicts: Verdict, after_s: float = 10, gone: Mapping[str, str] | None = None) -> Advance:
        """One tick, `after_s` seconds after the last."""
        self.now += timedelta(seconds=after_s)
        step = advance(self.standing(), verdicts, self.policy, self.now, previous=self._previous, gone=gone or {})
        self._previous = self.now
        self._save(step)
        return step

    def ticks(self, *verdicts: Verdict, for_s: float) -> None:
        """Ticks of ten seconds with the same verdicts."""
        for _ in range(round(for_s / 10)):
            self.tick(*verdicts)

    def ack(self, key: str, by: str = "ann") -> Advance:
        """A person takes it on."""
        step = acknowledge(self.standing(), self.alert(key), self.policy, by=by, now=self.now)
        self._save(step)
        return step

    def unack(self, key: str, by: str = "ann") -> Advance:
        """A person gives it back."""
        step = unacknowledge(self.standing(), self.alert(key), self.policy, by=by, now=self.now)
        self._save(step)
        return step

    def resolve(self, key: str, *, by: str, reason: str) -> Advance:
        """A person ends it."""
        step = resolve(self.standing(), self.alert(key), self.policy, by=by, reason=reason, now=self.now)
        self._save(step)
        return step

    def escalate(self, incident: str = "inc-1", by: str = "ann") -> Advance:
        """A person asks for the next tier."""
        step = escalate(self.standing(), incident, self.policy, by=by, now=self.now)
        self._save(step)
        return step

    def audit(self) -> Advance:
        """The auditor looks."""
        step = audit(self.standing(), self.policy, self.now)
        self._save(step)
        return step

    def pending(self) -> list[LadderRow]:
        """The calls to come, the next one first."""
        return sorted(
            (r for r in self.ladder.values() if r.status is LadderStatus.PENDING), key=lambda r: (r.due_at, r.tier)
        )

    def sent_to(self, destination: str) -> list[str]:
        """Return the headlines of the messages that a destination got or is owed, oldest first."""
        alive = (NotificationState.OWED, NotificationState.CLAIMED, NotificationState.DELIVERED)
        found = [n for n in self.notifications.values() if n.destination == destination and n.state in alive]
        return [str(n.message["headline"]) for n in sorted(found, key=lambda n: (n.created_at, n.order))]

    def _save(self, step: Advance) -> None:
        self.alerts.update({a.id: a for a in step.alerts})
        self.incidents.update({i.id: i for i in step.incidents})
        self.ladder.update({row.id: row for row in step.ladder})
        for changed in step.changed:
            if self.notifications[changed.id].state is NotificationState.OWED:
                self.notifications[changed.id] = changed
        for owed in step.notifications:
            self.notifications.setdefault(owed.id, owed)

    def deliver(self, *, to: str | None = None, state: NotificationState = NotificationState.DELIVERED) -> None:
        """Everything that is owed and due is delivered (or claimed, or dead)."""
        for name, one in self.notifications.items():
            if one.state is NotificationState.OWED and one.due_at <= self.now and to in (None, one.destination):
                self.notifications[name] = replace(one, state=state, delivered_at=self.now)

    def alert(self, key: str) -> Alert:
        """The latest episode of a key."""
        return max((a for a in self.alerts.values() if a.key == key), key=lambda a: a.episode)

    def told(self, destination: str) -> list[str]:
        """What a destination was or will be told, in order."""
        alive = (NotificationState.OWED, NotificationState.CLAIMED, NotificationState.DELIVERED)
        found = [n for n in self.notifications.values() if n.destination == destination and n.state in alive]
        return [n.kind.value for n in sorted(found, key=lambda n: (int(n.thread.rpartition("-")[2]), n.order))]
