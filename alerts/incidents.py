"""Incidents and the messages they owe: one outage is one thread and one ladder, however many alerts it sets off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts import ladder
from alerts.escalation import Escalation
from alerts.message import duration, message_of
from alerts.policy import Policy
from alerts.schedule import Due, due, is_waiting, summed_up
from alerts.suppress import Hold, held_for_now, suppressed
from facts import (
    NO_TRAITS,
    Alert,
    AlertState,
    HoldReason,
    Incident,
    LadderRow,
    LadderStatus,
    Notification,
    NotificationKind,
    NotificationState,
    Severity,
    to_wire,
    urgency,
    withheld_thread,
)

if TYPE_CHECKING:
    from alerts.machine import Standing

_MAY_HAVE_BEEN_READ = (NotificationState.DELIVERED, NotificationState.CLAIMED)
_UNDER_WAY = (NotificationState.OWED, NotificationState.CLAIMED)
_SILENCED = "silenced"
"""How the note of a ladder's row begins that a silence cancelled."""
_FARTHEST = (NotificationState.DELIVERED, NotificationState.CLAIMED, NotificationState.OWED, NotificationState.DEAD)
"""The states of a firing notice that counts, the one that got farthest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Holds the result of one step."""

    alerts: tuple[Alert, ...]
    incidents: tuple[Incident, ...]
    notifications: tuple[Notification, ...]
    changed: tuple[Notification, ...]
    ladder: tuple[LadderRow, ...] = ()
    unreached: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()


class Incidents:
    """Does the work of one step; an object is used for one step only."""

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
        self._rows_before = {row.id: row for row in standing.ladder}
        self._rows = dict(self._rows_before)
        self._unreached: dict[str, None] = {}
        self._reached: dict[str, None] = {}
        self._fired = standing.fired

    def settle(self) -> Settled:
        """Resolve incidents that are over, assign firing alerts to incidents, then owe messages and escalation steps that are due."""
        for incident in list(self._incidents.values()):
            self._end_if_over(incident)
        placed = [self._place(alert) for alert in sorted(self._alerts.values(), key=self._rank)]
        for incident_id in filter(None, placed):  # only now: what fired at the same moment stands in the first message
            self._tell_first(incident_id)
        for incident_id in [one.id for one in self._incidents.values() if one.resolved_at is None]:
            if self._is_silenced(incident_id):
                continue
            self._settle_if_quiet(incident_id)
            self._resume_ladder(incident_id)
            self._tell_more(self._incidents[incident_id])
            self._take_back_forgotten(self._incidents[incident_id])
            self._escalate(incident_id)
        return self._settled()

    def _tell_first(self, incident_id: str) -> None:
        """Owe the first messages of an incident, and begin its escalation.

        Somebody may have acknowledged every alert before it fired, or while another one covered it: then nobody is called, and the
        receivers that are no tier's learn that it fires and who has it.
        """
        incident = self._incidents[incident_id]
        members = self._members(incident)
        receivers, by = self._receivers(incident, members), _acknowledged_by(members)
        if by is None:
            self._owe(NotificationKind.FIRING, incident, receivers, why=self._flaps(incident))
            self._begin_ladder(incident_id)
            return
        called = self._called_by_tiers(incident.severity)
        told = [name for name in receivers if name not in called]
        self._owe(NotificationKind.FIRING, incident, told)
        self._owe(NotificationKind.ACKNOWLEDGED, self._incidents[incident_id], told, by=by)

    def _called_by_tiers(self, severity: Severity) -> frozenset[str]:
        """Return the destinations by which the tiers of a severity reach people; a channel that a route names is not among them."""
        policy = self._policy
        tiers = policy.escalation.tiers if policy.escalation is not None else ()
        names = [name for tier in tiers for name in tier.recipients.get(severity, ())]
        return policy.called_by_name.intersection(policy.directory.ways_of_receivers(names, self._now))

    def _receivers(self, incident: Incident, alerts: Sequence[Alert]) -> tuple[str, ...]:
        return self._policy.receivers(alerts, incident.severity, self._now)

    def acknowledged(self, incident_id: str | None, by: str, not_to: Collection[str] = ()) -> Settled:
        """Notify everybody who was notified of the incident that it is acknowledged, except the destinations of `not_to`."""
        incident = self._incidents.get(incident_id or "")
        if incident is not None:
            told = [name for name in self._told(incident) if name not in not_to]
            self._owe(NotificationKind.ACKNOWLEDGED, incident, told, by=by)
            self._cancel_ladder(incident.id, f"acknowledged by {by}")
        return self._settled()

    def given_back(self, incident_id: str | None) -> Settled:
        """Restart the escalation that an acknowledgement ended."""
        if incident_id in self._incidents:
            self._begin_ladder(incident_id)
        return self._settled()

    def escalated(self, incident_id: str, by: str) -> Settled:
        """Call the next tier of an incident now, at any hour and whether or not it is confirmed: a person asked for it.

        Where no call is to come, because somebody acknowledged, a new round begins after the tiers that were called in the last one.
        """
        escalation = self._policy.escalation
        if escalation is None or incident_id not in self._incidents:
            return self._settled()
        before = self._rows_of(incident_id)
        if not any(row.status is LadderStatus.PENDING for row in before):
            self._begin_ladder(incident_id)
            for row in ladder.called_before(self._rows_of(incident_id), before):
                self._put(
                    replace(row, status=LadderStatus.CANCELLED, done_at=self._now, note="called in the last round")
                )
        following = ladder.next_call(self._rows_of(incident_id))
        if following is not None:
            self._put(replace(following, due_at=min(following.due_at, self._now), asked_by=by))
            self._call_due(incident_id, escalation, confirmed=True, nobody={}, at_once=True)
        return self._settled()

    def ended(self, incident_id: str | None) -> Settled:
        """Resolve an incident that is over because a person resolved its last alert, and tell everybody who was told of it."""
        incident = self._incidents.get(incident_id or "")
        if incident is not None:
            self._end_if_over(incident)
        return self._settled()

    def audit(self) -> Settled:
        """Restart and report each escalation that has stopped although its incident fires unacknowledged."""
        escalation = self._policy.escalation
        for incident in list(self._incidents.values()) if escalation is not None else ():
            members = self._members(incident)
            if escalation is None or not ladder.has_stopped(incident, members, self._rows_of(incident.id), escalation):
                continue
            if self._silence_of(members) is not None:
                continue
            if not self._begin_ladder(incident.id):
                continue
            self._tell_emergency(incident, "Its escalation had stopped, and goes on now")
        return self._settled()

    def _settled(self) -> Settled:
        changed = tuple(i for i in self._incidents.values() if self._were.get(i.id) != i)
        alerts = tuple(alert for alert in self._alerts.values() if alert.id not in self._past)
        return Settled(
            alerts=alerts,
            incidents=changed,
            notifications=tuple(self._owed),
            changed=tuple(self._changed),
            ladder=tuple(row for row in self._rows.values() if self._rows_before.get(row.id) != row),
            unreached=tuple(self._unreached),
            reached=tuple(self._reached),
        )

    # Ending

    def _end_if_over(self, incident: Incident) -> None:
        members = self._members(incident)
        urgent = [a for a in members if a.severity is Severity.CRITICAL] or members
        if any(alert.state is AlertState.FIRING for alert in urgent) or self._keeps_flapping(incident):
            return
        self._take_back(incident)
        self._cancel_ladder(incident.id, "the incident is over")
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
        in_digest = {n.destination for n in notices if summed_up(n, self._policy)}
        collapsed = [
            n.destination for n in notices if n.state is NotificationState.OWED and n.destination not in in_digest
        ]
        told = [n.destination for n in notices if n.state in _MAY_HAVE_BEEN_READ]
        if incident.sequence == 0 and any(alert.acked_at is None for alert in self._members(incident)):
            told = list(self._receivers(incident, self._members(incident)))
        for notice in [n for n in self._sent if n.thread == incident.id and n.state is NotificationState.OWED]:
            if notice.destination in in_digest:
                self._supersede(notice, "it was over before it was due; the next digest sums it up", HoldReason.DIGEST)
            else:
                self._supersede(notice, "it was over before this could be delivered; a later message says both")
        why = self._settled_words(incident)
        self._owe(NotificationKind.RESOLVED, incident, told, why=why)
        self._owe(NotificationKind.RESOLVED, self._incidents[incident.id], collapsed, collapsed=True, why=why)

    def _supersede(self, notice: Notification, reason: str, hold: HoldReason | None = None) -> None:
        changed = replace(notice, state=NotificationState.SUPERSEDED, reason=reason, hold=hold or notice.hold)
        self._changed.append(changed)
        self._sent[self._sent.index(notice)] = changed
        # What was made in this very step is not stored yet.
        self._owed = [changed if one.id == notice.id else one for one in self._owed]

    def _firing_notices(self, incident: Incident) -> list[Notification]:
        """Return the notice of the incident for each destination; of several, the one with the most advanced delivery."""
        best: dict[str, Notification] = {}
        for notice in sorted(self._sent, key=lambda n: n.order):
            if notice.thread != incident.id or notice.kind is not NotificationKind.FIRING:
                continue
            if notice.state not in _FARTHEST:
                continue
            known = best.get(notice.destination)
            if known is None or _distance(notice) < _distance(known):
                best[notice.destination] = notice
        return list(best.values())

    def _leave(self, alert: Alert, incident: Incident) -> None:
        """Detach a less urgent alert that outlasts its incident; nobody is notified of it a second time."""
        if alert.id not in incident.told:
            self._alerts[alert.id] = replace(alert, incident=None)
            return
        own = self._new_incident(alert)
        self._incidents[own.id] = replace(own, told=(alert.id,), updated_at=self._now)

    # Placing

    def _rank(self, alert: Alert) -> tuple[int, datetime, int, str]:
        return urgency(alert, self._now)

    def _place(self, alert: Alert) -> str | None:
        """Assign a firing alert to an incident; return the id of an incident that was opened for it."""
        if alert.state is not AlertState.FIRING or alert.incident is not None:
            return None
        hold = suppressed(alert, self._policy, self._now)
        if hold is not None:
            self._withhold(alert, hold)
            return None
        damped = self._flapping_incident(alert)
        if damped is not None:
            self._rejoin(alert, damped)
            return None
        flapping, fired = self._policy.flapping, self._fired.get(alert.key, ())
        flaps = flapping is not None and flapping.changes(fired, self._now) is not None
        if flaps:
            alert = replace(alert, flapping=True)
        incident = None if _stays_alone(alert) else self._joinable()
        if incident is not None:
            self._alerts[alert.id] = replace(alert, incident=incident.id)
            self._incidents[incident.id] = replace(incident, alerts=(*incident.alerts, alert.id))
            return None
        incident = self._new_incident(alert)
        if flaps:
            self._incidents[incident.id] = replace(incident, flapping_since=self._now)
        return incident.id

    # Flapping

    def _episodes(self, incident: Incident) -> list[Alert]:
        """Return the episodes of the alert that opened an incident, oldest first."""
        lead = self._alerts.get(incident.lead)
        same = [one for one in self._members(incident) if lead is not None and one.key == lead.key]
        return sorted(same, key=lambda one: one.episode)

    def _flapping_incident(self, alert: Alert) -> Incident | None:
        """Return the open incident that an alert flaps in."""
        flapping = [i for i in self._incidents.values() if i.flapping_since is not None and i.resolved_at is None]
        return next((i for i in flapping if any(one.key == alert.key for one in self._episodes(i))), None)

    def _rejoin(self, alert: Alert, incident: Incident) -> None:
        """Add another firing of a flapping alert to its incident without a message; an earlier acknowledgement holds for it too."""
        before = self._episodes(incident)[-1]
        self._alerts[alert.id] = replace(
            alert, incident=incident.id, flapping=True, acked_at=before.acked_at, acked_by=before.acked_by
        )
        self._incidents[incident.id] = replace(
            incident, alerts=(*incident.alerts, alert.id), told=(*incident.told, alert.id)
        )

    def _keeps_flapping(self, incident: Incident) -> bool:
        flapping = self._policy.flapping
        if incident.flapping_since is None or flapping is None:
            return False
        return not flapping.has_settled(self._episodes(incident), self._now, since=incident.flapping_since)

    def _flaps(self, incident: Incident) -> str:
        """Return how the headline of a flapping incident begins; "" for another one."""
        lead, flapping = self._alerts.get(incident.lead), self._policy.flapping
        if incident.flapping_since is None or lead is None or flapping is None:
            return ""
        found = flapping.changes(self._fired.get(lead.key, ()), self._now)
        if found is None:
            return ""
        return f"{incident.severity.capitalize()}, is flapping: {found[0]} changes in {_length(found[1])}"

    def _settled_words(self, incident: Incident) -> str:
        if incident.flapping_since is None or self._policy.flapping is None:
            return ""
        times = len(self._episodes(incident))
        return f"it was flapping ({times} {'firing' if times == 1 else 'firings'}), and is quiet now"

    def _settle_if_quiet(self, incident_id: str) -> None:
        """Notify that a flapping alert keeps firing now; its escalation continues as before."""
        incident, flapping = self._incidents[incident_id], self._policy.flapping
        firing = any(one.state is AlertState.FIRING for one in self._episodes(incident))
        if incident.flapping_since is None or not firing or self._keeps_flapping(incident):
            return
        for one in self._episodes(incident):
            if one.state is AlertState.FIRING:
                self._alerts[one.id] = replace(one, flapping=False)
        incident = self._incidents[incident_id] = replace(incident, flapping_since=None)
        fired = max(one.fired_at or self._now for one in self._episodes(incident))
        why = (
            f"Not flapping any more, it has fired for {_length(self._now - fired)}"
            if flapping
            else "Not damped any more"
        )
        self._owe(NotificationKind.UPDATE, incident, self._told(incident), why=why)

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

    def _withhold(self, alert: Alert, hold: Hold) -> None:
        """Store that nothing is said, and why; once, when it begins."""
        before = self._before.get(alert.id)
        fired_before = before is not None and before.state is AlertState.FIRING
        if before is not None and fired_before and suppressed(before, self._policy, self._now) is not None:
            return
        by = next((a for a in self._alerts.values() if a.key == alert.inhibited_by and a.incident), None)
        incident = self._incidents.get(by.incident or "") if by else None
        thread = incident.id if incident else withheld_thread(alert.id)
        of_alert = f"{thread}.{alert.id}" if incident else thread
        for destination in self._policy.receivers([alert], alert.severity, self._now):
            self._owed.append(
                Notification(
                    id=f"{of_alert}.withheld.{destination}",
                    thread=thread,
                    alert_id=alert.id,
                    destination=destination,
                    kind=NotificationKind.FIRING,
                    severity=alert.severity,
                    order=0,
                    created_at=self._now,
                    due_at=self._now,
                    state=NotificationState.SUPPRESSED,
                    reason=hold.says,
                    hold=hold.reason,
                )
            )

    # Silencing what was told already

    def _silence_of(self, members: Sequence[Alert]) -> Hold | None:
        """Return what silences every firing alert; None if one of them is not silenced."""
        holds = [held_for_now(a, self._policy, self._now) for a in members if a.state is AlertState.FIRING]
        return holds[0] if holds and all(holds) else None

    def _is_silenced(self, incident_id: str) -> bool:
        """Return whether an incident is silenced; a tier that is due then ends the round, so that the silence keeps no list of calls
        that would all be made when it ends."""
        hold, escalation = self._silence_of(self._members(self._incidents[incident_id])), self._policy.escalation
        if hold is None:
            return False
        rows = self._rows_of(incident_id)
        if escalation is not None and ladder.due_rows(rows, escalation, self._now, confirmed=True):
            self._cancel_ladder(incident_id, f"{_SILENCED}: {hold.says}")
        return True

    def _resume_ladder(self, incident_id: str) -> None:
        """Restart the escalation that a silence ended, if nobody has acknowledged since."""
        rows = self._rows_of(incident_id)
        newest = [row for row in rows if row.round == max(row.round for row in rows)]
        silenced = any(
            row.status is LadderStatus.CANCELLED and (row.note or "").startswith(_SILENCED) for row in newest
        )
        if silenced and not ladder.is_acknowledged(self._members(self._incidents[incident_id])):
            self._begin_ladder(incident_id)

    # Telling

    def _tell_more(self, incident: Incident) -> None:
        members = self._members(incident)
        firing = [a for a in members if a.state is AlertState.FIRING]
        severity = min((a.severity for a in firing), key=lambda s: s.rank, default=incident.severity)
        if severity.rank < incident.severity.rank:
            self._promote(incident, severity)
            return
        # One that is not breached any more is on its way to be resolved: to tell of it now would sound like news.
        untold = [a for a in firing if a.id not in incident.told and a.breaching and not self._is_old_news(a, incident)]
        waited = incident.updated_at is None or self._now - incident.updated_at >= self._policy.update_every
        if not untold or not waited:
            return
        told = self._told(incident)
        known = {n.destination for n in self._sent if n.thread == incident.id}
        self._owe(NotificationKind.UPDATE, incident, told)
        new = [name for name in self._receivers(incident, untold) if name not in known]
        self._owe(NotificationKind.FIRING, self._incidents[incident.id], new)

    def _is_old_news(self, alert: Alert, incident: Incident) -> bool:
        """Return whether people were notified of a flapping alert in an earlier episode of its incident."""
        before = (self._alerts.get(told) for told in incident.told)
        return alert.flapping and any(one is not None and one.key == alert.key for one in before)

    def _promote(self, incident: Incident, severity: Severity) -> None:
        """Raise the severity: notified people get an update at once, and those whom only the new severity concerns a first notice."""
        waiting = {n.destination: n for n in self._sent if n.thread == incident.id and is_waiting(n)}
        for notice in [n for n in self._sent if n.thread == incident.id and is_waiting(n)]:
            self._supersede(notice, f"overtaken: the incident is {severity} now and told at once")
        told = self._told(incident)
        worse = replace(incident, severity=severity)
        self._incidents[incident.id] = worse
        self._owe(NotificationKind.UPDATE, worse, told)
        urgent = [alert for alert in self._members(worse) if alert.severity is severity]
        receivers = self._receivers(worse, urgent)
        new = [name for name in dict.fromkeys((*receivers, *waiting)) if name not in told]
        self._owe(NotificationKind.FIRING, self._incidents[incident.id], new)
        self._cancel_ladder(incident.id, f"the incident is {severity} now")
        self._begin_ladder(incident.id)

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
        why: str = "",
        tier: int | None = None,
        at_once: bool = False,
    ) -> None:
        if kind is NotificationKind.UPDATE:
            incident, destinations = self._told_anew(incident, destinations)
        members = sorted(self._members(incident), key=self._rank)
        told = tuple(dict.fromkeys((*incident.told, *(a.id for a in members))))
        if not destinations:
            self._incidents[incident.id] = replace(incident, told=told)
            return
        sequence = incident.sequence + 1
        # Of an alert that flaps, the newest episode is what there is to see.
        lead = (self._episodes(incident) or members)[-1]
        news = [a for a in members if a.id not in incident.told] if kind is NotificationKind.UPDATE else []
        message = message_of(
            kind, incident, lead, members, self._policy, news=news, collapsed=collapsed, by=by, why=why, now=self._now
        )
        when = Due(at=self._now) if at_once else due(incident.severity, self._policy, self._now)
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
                due_at=when.at,
                reason=when.hold.says if when.hold else None,
                hold=when.hold.reason if when.hold else None,
                tier=tier,
                message=to_wire(message),
            )
            for destination in destinations
        ]
        self._owed += made
        self._sent += made
        self._incidents[incident.id] = replace(incident, told=told, sequence=sequence, updated_at=self._now)

    def _told_anew(self, incident: Incident, destinations: Sequence[str]) -> tuple[Incident, list[str]]:
        """Replace the notices that still wait for business hours by complete ones; the other destinations get an update."""
        waiting = [
            n
            for n in self._sent
            if n.thread == incident.id
            and n.kind is NotificationKind.FIRING
            and n.destination in destinations
            and is_waiting(n)
        ]
        if not waiting:
            return incident, list(destinations)
        for notice in waiting:
            self._supersede(notice, "a newer message says this and more")
        again = list(dict.fromkeys(n.destination for n in waiting))
        untold = incident.told
        self._owe(NotificationKind.FIRING, incident, again)
        # The others have yet to be told what is new.
        incident = replace(self._incidents[incident.id], told=untold)
        return incident, [name for name in destinations if name not in again]

    # Escalating

    def _rows_of(self, incident_id: str) -> list[LadderRow]:
        return [row for row in self._rows.values() if row.incident == incident_id]

    def _put(self, row: LadderRow) -> None:
        self._rows[row.id] = row

    def _begin_ladder(self, incident_id: str) -> bool:
        """Begin a new round of an incident's ladder; return whether there is one."""
        incident, rows = self._incidents[incident_id], self._rows_of(incident_id)
        begun = ladder.begun(incident, self._members(incident), self._policy, self._now, rows=rows)
        for row in begun:
            self._put(row)
        return bool(begun)

    def _cancel_ladder(self, incident_id: str, why: str) -> None:
        for row in ladder.cancelled(self._rows_of(incident_id), self._now, why):
            self._put(row)

    def _take_back_forgotten(self, incident: Incident) -> None:
        """Withdraw an acknowledgement that is too old while the alert still fires, notify people, and escalate again."""
        members = self._members(incident)
        pending = any(row.status is LadderStatus.PENDING for row in self._rows_of(incident.id))
        if pending or not ladder.forgotten(incident, members, self._policy, self._now):
            return
        acked = [a for a in members if a.acked_at is not None and a.state is AlertState.FIRING]
        by = " and ".join(dict.fromkeys(a.acked_by for a in acked if a.acked_by))
        since = self._now - min(a.acked_at for a in acked if a.acked_at is not None)
        for alert in acked:
            self._alerts[alert.id] = replace(alert, acked_at=None, acked_by=None, acked_until=None)
        why = f"Acknowledged by {by} {_length(since)} ago and still firing"
        self._owe(NotificationKind.UPDATE, incident, self._told(incident), why=why)
        self._begin_ladder(incident.id)

    def _escalate(self, incident_id: str) -> None:
        """Call the tiers that are due. Tiers that are due at once are one message to each destination."""
        escalation, incident = self._policy.escalation, self._incidents[incident_id]
        clock = self._policy.clock(incident.severity)
        if incident.flapping_since is not None and not any(
            one.state is AlertState.FIRING for one in self._members(incident)
        ):
            # Whoever is called now would see nothing; a tier that is due meanwhile is called when it fires again.
            return
        if escalation is None or (clock is not None and not clock.is_open(self._now)):
            return
        confirmed = ladder.is_confirmed(self._members(incident))
        nobody = self._note_unreached(incident_id)
        self._call_due(incident_id, escalation, confirmed=confirmed, nobody=nobody)

    def _call_due(
        self,
        incident_id: str,
        escalation: Escalation,
        *,
        confirmed: bool,
        nobody: dict[int, str],
        at_once: bool = False,
    ) -> None:
        """Call the due tiers, and report those that reach nobody; `nobody` holds those that are known already, with the reason.

        With `at_once` the messages do not wait for business hours.
        """
        incident = self._incidents[incident_id]
        calls: list[ladder.Call] = []
        while due_now := ladder.due_rows(self._rows_of(incident_id), escalation, self._now, confirmed=confirmed):
            row = due_now[0]
            call = ladder.call(row, self._policy, self._now)
            calls.append(call)
            self._put(self._done(call))
            if call.nobody is not None:
                nobody[row.tier] = call.nobody
                self._bring_forward(row)
            again = ladder.repeated(row, self._policy, escalation, self._now)
            if again is not None:
                self._put(again)
        self._call(incident_id, calls, at_once=at_once)
        if nobody and not self._is_about_us(incident):
            tiers = f"Tier{'s' if len(nobody) > 1 else ''} {' and '.join(map(str, nobody))} reached nobody"
            self._tell_emergency(self._incidents[incident_id], f"{tiers} ({'; '.join(dict.fromkeys(nobody.values()))})")

    def _done(self, call: ladder.Call) -> LadderRow:
        self._unreached |= dict.fromkeys(call.reached.unreached)
        roles = (recipient.role for recipient in call.row.recipients)
        self._reached |= dict.fromkeys(role for role in roles if role not in call.reached.unreached)
        unreached = call.nobody is not None
        return replace(
            call.row,
            status=LadderStatus.UNREACHED if unreached else LadderStatus.DONE,
            done_at=self._now,
            destinations=call.reached.destinations,
            note=f"reached nobody: {call.nobody}" if unreached else None,
        )

    def _bring_forward(self, row: LadderRow) -> None:
        """Make the next tier due now, because a tier reached nobody."""
        following = ladder.following(self._rows_of(row.incident), row)
        if following is not None:
            self._put(replace(following, due_at=min(following.due_at, self._now)))

    def _note_unreached(self, incident_id: str) -> dict[int, str]:
        """Record the tiers from which no receiver got the message, make the next one due, and return the reason by tier."""
        found: dict[int, str] = {}
        rows = self._rows_of(incident_id)
        newest = max((row.round for row in rows), default=0)
        notices = {n.destination: n for n in self._firing_notices(self._incidents[incident_id])}
        for row in [row for row in rows if row.status is LadderStatus.DONE and row.round == newest]:
            told = [notices[d] for d in row.destinations if d in notices]
            if told and len(told) == len(row.destinations) and all(notice.reached_nobody for notice in told):
                why = _why_not_reached(told)
                self._put(replace(row, status=LadderStatus.UNREACHED, note=f"reached nobody: {why}"))
                self._bring_forward(row)
                found[row.tier] = why
        return found

    def _call(self, incident_id: str, calls: Sequence[ladder.Call], *, at_once: bool = False) -> None:
        """Owe one message to each destination of the called tiers, unless one to it is pending already."""
        if not calls:
            return
        called = {destination for call in calls for destination in call.reached.destinations}
        waiting = [n for n in self._sent if n.thread == incident_id and n.destination in called and is_waiting(n)]
        for notice in waiting if at_once else ():
            self._supersede(notice, "overtaken: a person escalated the incident, which is told at once")
        under_way = {
            n.destination
            for n in self._sent
            if n.thread == incident_id and n.kind is NotificationKind.FIRING and n.state in _UNDER_WAY
        }
        by_tier: dict[int, list[str]] = {}
        seen = set(under_way)
        for call in calls:
            fresh = [d for d in call.reached.destinations if d not in seen]
            seen |= set(fresh)
            by_tier.setdefault(call.row.tier, []).extend(fresh)
        rows = {call.row.tier: call.row for call in calls}
        for tier, destinations in by_tier.items():
            incident = self._incidents[incident_id]
            why = self._why(rows[tier], incident)
            self._owe(NotificationKind.FIRING, incident, destinations, why=why, tier=tier, at_once=at_once)

    def _why(self, row: LadderRow, incident: Incident) -> str:
        """Return how the headline of a tier's message begins; "" for the first tier of a new incident."""
        since = self._now - incident.opened_at
        if row.tier == 1 and row.repeat == 0 and row.round == 1 and since < timedelta(seconds=1):
            return self._flaps(incident)
        if row.asked_by is not None:
            return f"{row.severity.capitalize()}, tier {row.tier}, called by {row.asked_by} after {_length(since)}"
        how = "still unacknowledged" if row.repeat else "unacknowledged"
        return f"{row.severity.capitalize()}, tier {row.tier}, {how} for {_length(since)}"

    def _tell_emergency(self, incident: Incident, why: str) -> None:
        escalation = self._policy.escalation
        names = escalation.emergency if escalation is not None else ()
        destinations = self._policy.directory.ways_of_receivers(names, self._now)
        told = set(self._told(incident))
        self._owe(NotificationKind.UPDATE, incident, [d for d in destinations if d in told], why=why)
        new = [d for d in destinations if d not in told]
        self._owe(NotificationKind.FIRING, self._incidents[incident.id], new, why=why)

    def _is_about_us(self, incident: Incident) -> bool:
        """Return whether an incident is about the monitor's own messages, so that it already reports that somebody is not reached."""
        lead = self._alerts.get(incident.lead)
        return lead is not None and (lead.traits or NO_TRAITS).own_incident


def _distance(notice: Notification) -> tuple[bool, int]:
    """Return how far a notice is from having been read; the least is the nearest."""
    return notice.reached_nobody, _FARTHEST.index(notice.state)


def _why_not_reached(notices: Sequence[Notification]) -> str:
    late = [notice for notice in notices if notice.confirmation is not None]
    refused = " and ".join(notice.destination for notice in notices if notice not in late)
    told = [f"{refused} refused the message"] if refused else []
    return ", ".join([*told, *(f"{notice.destination} was not reached: {notice.receipt}" for notice in late)])


def _acknowledged_by(members: Sequence[Alert]) -> str | None:
    """Return who acknowledged every firing alert; None if one of them is not acknowledged."""
    firing = [alert for alert in members if alert.state is AlertState.FIRING]
    if not firing or any(alert.acked_at is None for alert in firing):
        return None
    return " and ".join(dict.fromkeys(alert.acked_by or "somebody" for alert in firing))


def _length(length: timedelta) -> str:
    return duration(max(0.0, length.total_seconds()))


def _stays_alone(alert: Alert) -> bool:
    """Return whether an alert is no part of the shop's outage (our own messages, for one) and must not keep one open."""
    return alert.traits is not None and alert.traits.own_incident
