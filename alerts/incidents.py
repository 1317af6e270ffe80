"""Incidents and the messages they owe: one outage is one thread, however many alerts it sets off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.message import message_of
from alerts.policy import Policy
from facts import (
    Alert,
    AlertState,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
    Severity,
    to_wire,
    urgency,
)

if TYPE_CHECKING:
    from alerts.machine import Standing

_MAY_HAVE_BEEN_READ = (NotificationState.DELIVERED, NotificationState.CLAIMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of one step."""

    alerts: tuple[Alert, ...]
    incidents: tuple[Incident, ...]
    notifications: tuple[Notification, ...]
    changed: tuple[Notification, ...]


class Incidents:
    """The work of one step; it is thrown away afterwards."""

    def __init__(self, standing: Standing, alerts: Sequence[Alert], policy: Policy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._before = {alert.id: alert for alert in standing.alerts}
        self._alerts = {alert.id: alert for alert in (*standing.past, *alerts)}
        self._past = {alert.id for alert in standing.past}
        self._were = {incident.id: incident for incident in standing.incidents}
        self._incidents = dict(self._were)
        self._last = standing.last_incident
        self._sent = list(standing.notifications)
        self._owed: list[Notification] = []
        self._changed: list[Notification] = []

    def settle(self) -> Settled:
        """End what is over, then place what fires, then tell what is due."""
        for incident in list(self._incidents.values()):
            self._end_if_over(incident)
        placed = [self._place(alert) for alert in sorted(self._alerts.values(), key=self._rank)]
        for incident_id in filter(None, placed):  # only now: what fired at the same moment stands in the first message
            incident = self._incidents[incident_id]
            self._owe(NotificationKind.FIRING, incident, self._policy.routes.get(incident.severity, ()))
        for incident in list(self._incidents.values()):
            if incident.resolved_at is None:
                self._tell_more(incident)
        return self._settled()

    def acknowledged(self, incident_id: str | None, by: str) -> Settled:
        """Tell everybody who was told of the incident who has it."""
        incident = self._incidents.get(incident_id or "")
        if incident is not None:
            told = [n.destination for n in self._firing_notices(incident) if n.state is not NotificationState.DEAD]
            self._owe(NotificationKind.ACKNOWLEDGED, incident, told, by=by)
        return self._settled()

    def _settled(self) -> Settled:
        changed = tuple(i for i in self._incidents.values() if self._were.get(i.id) != i)
        alerts = tuple(alert for alert in self._alerts.values() if alert.id not in self._past)
        return Settled(alerts=alerts, incidents=changed, notifications=tuple(self._owed), changed=tuple(self._changed))

    # Ending

    def _end_if_over(self, incident: Incident) -> None:
        members = self._members(incident)
        urgent = [a for a in members if a.severity is Severity.CRITICAL] or members
        if any(alert.state is AlertState.FIRING for alert in urgent):
            return
        self._take_back(incident)
        for alert in members:
            if alert.state is AlertState.FIRING:
                self._leave(alert, incident)
        self._incidents[incident.id] = replace(self._incidents[incident.id], resolved_at=self._now)

    def _members(self, incident: Incident) -> list[Alert]:
        return [alert for alert in self._alerts.values() if alert.incident == incident.id]

    def _take_back(self, incident: Incident) -> None:
        """Owe the end to each destination that was, or may have been, told of the beginning.

        Where the beginning was never delivered, one message tells both.
        """
        notices = self._firing_notices(incident)
        collapsed = [n.destination for n in notices if n.state is NotificationState.OWED]
        told = [n.destination for n in notices if n.state in _MAY_HAVE_BEEN_READ]
        if incident.sequence == 0:
            told = list(self._policy.routes.get(incident.severity, ()))
        for notice in self._sent:
            if notice.thread == incident.id and notice.state is NotificationState.OWED:
                reason = "it was over before this could be delivered; a later message says both"
                self._changed.append(replace(notice, state=NotificationState.SUPERSEDED, reason=reason))
        self._owe(NotificationKind.RESOLVED, incident, told)
        self._owe(NotificationKind.RESOLVED, self._incidents[incident.id], collapsed, collapsed=True)

    def _firing_notices(self, incident: Incident) -> list[Notification]:
        """The first notice of the incident to each destination."""
        kinds = (NotificationKind.FIRING,)
        first: dict[str, Notification] = {}
        for notice in sorted(self._sent, key=lambda n: n.order):
            wanted = notice.thread == incident.id and notice.kind in kinds
            if wanted and notice.state is not NotificationState.SUPPRESSED:
                first.setdefault(notice.destination, notice)
        return list(first.values())

    def _leave(self, alert: Alert, incident: Incident) -> None:
        """A less urgent alert outlasts its incident: it goes on alone. Nobody is told of it twice."""
        if alert.id not in incident.told:
            self._alerts[alert.id] = replace(alert, incident=None)
            return
        own = self._new_incident(alert)
        self._incidents[own.id] = replace(own, told=(alert.id,), updated_at=self._now)

    # Placing

    def _rank(self, alert: Alert) -> tuple[int, datetime, int, str]:
        return urgency(alert, self._now)

    def _place(self, alert: Alert) -> str | None:
        """Put an alert that fires into an incident; the id of one that was opened for it."""
        if alert.state is not AlertState.FIRING or alert.incident is not None:
            return None
        if alert.inhibited_by is not None:
            self._withhold(alert)
            return None
        incident = None if _stays_alone(alert) else self._joinable()
        if incident is not None:
            self._alerts[alert.id] = replace(alert, incident=incident.id)
            self._incidents[incident.id] = replace(incident, alerts=(*incident.alerts, alert.id))
            return None
        return self._new_incident(alert).id

    def _joinable(self) -> Incident | None:
        since = self._now - self._policy.join_window
        for incident in reversed(self._incidents.values()):
            members = [a for a in self._members(incident) if not _stays_alone(a)]
            urgent = (a for a in members if a.severity is Severity.CRITICAL)
            recent = any(a.state is AlertState.FIRING and (a.fired_at or self._now) >= since for a in urgent)
            if incident.resolved_at is None and recent:
                return incident
        return None

    def _new_incident(self, alert: Alert) -> Incident:
        self._last += 1
        incident = Incident(
            id=f"inc-{self._last}", lead=alert.id, severity=alert.severity, opened_at=self._now, alerts=(alert.id,)
        )
        self._alerts[alert.id] = replace(alert, incident=incident.id)
        self._incidents[incident.id] = incident
        return incident

    def _withhold(self, alert: Alert) -> None:
        """Store that nothing is said, and why; once, when it begins."""
        before = self._before.get(alert.id)
        if before is not None and before.inhibited_by is not None:
            return
        by = next((a for a in self._alerts.values() if a.key == alert.inhibited_by and a.incident), None)
        incident = self._incidents.get(by.incident or "") if by else None
        thread = incident.id if incident else f"withheld-{alert.id}"
        for destination in self._policy.routes.get(alert.severity, ()):
            self._owed.append(
                Notification(
                    id=f"{thread}.{alert.id}.withheld.{destination}",
                    thread=thread,
                    alert_id=alert.id,
                    destination=destination,
                    kind=NotificationKind.FIRING,
                    severity=alert.severity,
                    order=0,
                    created_at=self._now,
                    due_at=self._now,
                    state=NotificationState.SUPPRESSED,
                    reason=f"{alert.inhibited_by} covers it",
                )
            )

    # Telling

    def _tell_more(self, incident: Incident) -> None:
        members = self._members(incident)
        firing = [a for a in members if a.state is AlertState.FIRING]
        severity = min((a.severity for a in firing), key=lambda s: s.rank, default=incident.severity)
        if severity.rank < incident.severity.rank:
            self._promote(incident, severity)
            return
        # One that is not breached any more is on its way to be resolved: to tell of it now would sound like news.
        untold = [a for a in firing if a.id not in incident.told and a.breaching]
        waited = incident.updated_at is None or self._now - incident.updated_at >= self._policy.update_every
        if untold and waited:
            self._owe(NotificationKind.UPDATE, incident, self._told(incident))

    def _promote(self, incident: Incident, severity: Severity) -> None:
        """It got worse: those who were told hear it at once, those whom only the new severity concerns hear it first."""
        told = self._told(incident)
        worse = replace(incident, severity=severity)
        self._incidents[incident.id] = worse
        self._owe(NotificationKind.UPDATE, worse, told)
        new = [name for name in self._policy.routes.get(severity, ()) if name not in told]
        self._owe(NotificationKind.FIRING, self._incidents[incident.id], new)

    def _told(self, incident: Incident) -> list[str]:
        return [n.destination for n in self._firing_notices(incident) if n.state is not NotificationState.DEAD]

    def _owe(
        self,
        kind: NotificationKind,
        incident: Incident,
        destinations: Sequence[str],
        *,
        collapsed: bool = False,
        by: str | None = None,
    ) -> None:
        members = sorted(self._members(incident), key=self._rank)
        told = tuple(dict.fromkeys((*incident.told, *(a.id for a in members))))
        if not destinations:
            self._incidents[incident.id] = replace(incident, told=told)
            return
        sequence = incident.sequence + 1
        lead = self._alerts.get(incident.lead) or members[0]
        news = [a for a in members if a.id not in incident.told] if kind is NotificationKind.UPDATE else []
        message = message_of(kind, incident, lead, members, self._policy, news=news, collapsed=collapsed, by=by)
        made = [
            Notification(
                id=f"{incident.id}.{sequence}.{kind}.{destination}",
                thread=incident.id,
                alert_id=lead.id,
                destination=destination,
                kind=kind,
                severity=incident.severity,
                order=sequence,
                created_at=self._now,
                due_at=self._now,
                message=to_wire(message),
            )
            for destination in destinations
        ]
        self._owed += made
        self._sent += made
        self._incidents[incident.id] = replace(incident, told=told, sequence=sequence, updated_at=self._now)


def _stays_alone(alert: Alert) -> bool:
    """Return whether an alert is no part of the shop's outage (our own messages, for one) and must not keep one open."""
    return alert.traits is not None and alert.traits.own_incident
