"""Computes one step: the next alerts and the owed messages from the current alerts and the verdicts. Pure: the caller saves all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from alerts.incidents import Incidents, Settled
from alerts.ladder import set_right
from alerts.policy import Policy, inhibits
from alerts.states import after_a_clock_step, begun, closed, observed
from alerts.suppress import held_for_now
from facts import Alert, AlertState, Incident, LadderRow, Notification, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands: alerts pending and firing, open incidents with their messages, and the numbers used up.

    `past` are alerts that are over, of incidents that are not. `ladder` are the rows of the open incidents' escalation. `fired`
    tells when the alerts of a key fired lately, for those that fired more than once.
    """

    alerts: Sequence[Alert] = ()
    past: Sequence[Alert] = ()
    incidents: Sequence[Incident] = ()
    notifications: Sequence[Notification] = ()
    episodes: Mapping[str, int] = field(default_factory=dict)
    last_incident: int = 0
    ladder: Sequence[LadderRow] = ()
    fired: Mapping[str, Sequence[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What is new or other than before. `notifications` are owed now; `changed` were owed and are not as they were.

    `unreached` are roles that were to be called and have no contact, `reached` those that have one.
    """

    alerts: tuple[Alert, ...] = ()
    incidents: tuple[Incident, ...] = ()
    notifications: tuple[Notification, ...] = ()
    changed: tuple[Notification, ...] = ()
    ladder: tuple[LadderRow, ...] = ()
    unreached: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()


def advance(
    standing: Standing,
    verdicts: Sequence[Verdict],
    policy: Policy,
    now: datetime,
    *,
    previous: datetime | None,
    gone: Mapping[str, str] = MappingProxyType({}),
) -> Advance:
    """One tick. `previous` is the tick before, whichever hub's (None: the first ever). `gone` tells why some keys are
    not watched any more: their alerts are closed, and none begins.

    A break of the watch between two ticks (a step of the clock, a hub that was down) neither fires nor resolves: only what has
    held is counted anew.
    """
    if previous is not None and abs(now - previous) > policy.clock_step:
        stepped = [after_a_clock_step(alert, now) for alert in standing.alerts]
        moved = [_not_of_the_future(incident, now) for incident in standing.incidents]
        return Advance(
            alerts=_changed(standing.alerts, stepped),
            incidents=tuple(one for one, was in zip(moved, standing.incidents, strict=True) if one != was),
            ladder=tuple(right for row in standing.ladder if (right := set_right(row, now)) != row),
        )
    alerts = _inhibited(standing.alerts, _next(standing, verdicts, now, gone))
    step = Incidents(standing, alerts, policy, now).settle()
    return _advance(step, _changed(standing.alerts, step.alerts))


def _advance(step: Settled, alerts: tuple[Alert, ...]) -> Advance:
    return Advance(
        alerts=alerts,
        incidents=step.incidents,
        notifications=step.notifications,
        changed=step.changed,
        ladder=step.ladder,
        unreached=step.unreached,
        reached=step.reached,
    )


def _not_of_the_future(incident: Incident, now: datetime) -> Incident:
    """Return the incident without times in the future, which a clock that was ahead has set and which would delay its messages."""
    updated_at = incident.updated_at and min(incident.updated_at, now)
    flapping_since = incident.flapping_since and min(incident.flapping_since, now)
    opened_at = min(incident.opened_at, now)
    return replace(incident, opened_at=opened_at, updated_at=updated_at, flapping_since=flapping_since)


def _next(standing: Standing, verdicts: Sequence[Verdict], now: datetime, gone: Mapping[str, str]) -> list[Alert]:
    told = {verdict.key: verdict for verdict in verdicts}
    known = {alert.key for alert in standing.alerts}
    followed = [_followed(alert, told.get(alert.key), now, gone) for alert in standing.alerts]
    new = [
        begun(verdict, episode=standing.episodes.get(verdict.key, 0) + 1, now=now)
        for verdict in verdicts
        if verdict.breached and verdict.key not in known and verdict.key not in gone
    ]
    return [_for_review(alert) for alert in (*followed, *new)]


def _followed(alert: Alert, verdict: Verdict | None, now: datetime, gone: Mapping[str, str]) -> Alert:
    if alert.key in gone:
        return closed(alert, now, gone[alert.key])
    return observed(alert, verdict, now) if verdict else alert


def _for_review(alert: Alert) -> Alert:
    # An oversold seat stays sold twice after the count is right again: somebody has to look at it.
    over = alert.state is AlertState.RESOLVED and alert.closed is None
    wanted = over and alert.traits is not None and alert.traits.needs_review and alert.acked_at is None
    return replace(alert, needs_review=True) if wanted else alert


def _inhibited(before: Sequence[Alert], alerts: Sequence[Alert]) -> list[Alert]:
    known = {alert.id: alert for alert in before}
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    return [
        replace(alert, inhibited_by=_inhibitor(known.get(alert.id), alert, firing))
        if alert.state is AlertState.FIRING
        else alert
        for alert in alerts
    ]


def _inhibitor(before: Alert | None, alert: Alert, firing: Sequence[Alert]) -> str | None:
    """The key of what makes it unnecessary to tell of an alert.

    Once the inhibitor is over, what only looks back on the same outage stays untold: it is told when something new breaches.
    """
    by = next((other.key for other in firing if inhibits(other, alert)), None)
    if by is not None or before is None or before.inhibited_by is None:
        return by
    return before.inhibited_by if alert.runs[-1:] == before.runs[-1:] else None


def _changed(before: Sequence[Alert], after: Sequence[Alert]) -> tuple[Alert, ...]:
    known = {alert.id: alert for alert in before}
    return tuple(alert for alert in after if known.get(alert.id) != alert)


def acknowledge(
    standing: Standing,
    alert: Alert,
    policy: Policy,
    *,
    by: str,
    now: datetime,
    not_to: Collection[str] = (),
    until: datetime | None = None,
) -> Advance:
    """A person takes an alert and its incident on; those who were told of it are told who has it. Twice is once.

    `not_to` are destinations that know it already, because the acknowledgement came from there. `until` is when the acknowledgement
    ends; None where it ends as the escalation says. Said again with another end, the end changes.
    """
    mates = [one for one in standing.alerts if one.incident and one.incident == alert.incident] or [alert]
    if alert.needs_review and all(one.id != alert.id for one in mates):
        mates = [*mates, alert]
    if all(one.acked_at is not None and not one.needs_review for one in mates):
        return Advance() if until is None else Advance(alerts=tuple(replace(one, acked_until=until) for one in mates))
    taken = [_taken(one, by, now, until) for one in mates]
    step = Incidents(standing, _with(standing.alerts, taken), policy, now).acknowledged(alert.incident, by, not_to)
    return _advance(step, tuple(taken))


def _taken(alert: Alert, by: str, now: datetime, until: datetime | None) -> Alert:
    if alert.acked_at is not None and not alert.needs_review:
        return alert
    return replace(alert, acked_at=now, acked_by=by, acked_until=until, needs_review=False)


def unacknowledge(standing: Standing, alert: Alert, policy: Policy, *, by: str, now: datetime) -> Advance:
    """Withdraw a person's acknowledgement of an alert and its incident; its escalation begins again."""
    mates = [one for one in standing.alerts if one.incident and one.incident == alert.incident] or [alert]
    given = [replace(one, acked_at=None, acked_by=None, acked_until=None) for one in mates if one.acked_at]
    if not given:
        return Advance()
    step = Incidents(standing, _with(standing.alerts, given), policy, now).given_back(alert.incident)
    return _advance(step, tuple(given))


class EscalationRefusedError(ValueError):
    """Raised where nobody is called although a person asked for it; its message is the sentence that says why."""


def escalate(standing: Standing, incident_id: str, policy: Policy, *, by: str, now: datetime) -> Advance:
    """Call the next tier of an open incident now because a person asked for it: at any hour, confirmed or not.

    An acknowledgement is taken back, because whoever escalates an incident wants somebody else to have it. A silence and a
    maintenance window are not overruled: somebody asked for them. Every way to ask (page, API, SMS, command) comes here.

    Raises:
        EscalationRefusedError: every alert of the incident is silenced or in maintenance, or no tier is left to call.
    """
    mates = [one for one in standing.alerts if one.incident == incident_id]
    holds = [held_for_now(one, policy, now) for one in mates if one.state is AlertState.FIRING]
    if holds and holds[0] is not None and all(holds):
        raise EscalationRefusedError(f"nobody is called for {incident_id} now: {holds[0].says}")
    given = [replace(one, acked_at=None, acked_by=None, acked_until=None) for one in mates if one.acked_at is not None]
    step = Incidents(standing, _with(standing.alerts, given), policy, now).escalated(incident_id, by)
    if not step.ladder:
        raise EscalationRefusedError(
            f"{incident_id} has no tier to call: its severity does not escalate, or alerts.yaml has no escalation"
        )
    return _advance(step, tuple(given))


def resolve(standing: Standing, alert: Alert, policy: Policy, *, by: str, reason: str, now: datetime) -> Advance:
    """End an alert that is pending or firing because a person says so, and its incident if nothing else fires in it.

    It is closed and has not recovered: messages say who resolved it and why. Nothing is remembered beyond that: where its rule is
    breached at the next tick, a new episode begins.
    """
    over = closed(alert, now, f"resolved by {by}: {reason}")
    step = Incidents(standing, _with(standing.alerts, [over]), policy, now).ended(alert.incident)
    return _advance(step, _changed(standing.alerts, step.alerts))


def audit(standing: Standing, policy: Policy, now: datetime) -> Advance:
    """Find the incidents that fire unacknowledged although their escalation has stopped; restart it, and notify people."""
    step = Incidents(standing, standing.alerts, policy, now).audit()
    return _advance(step, ())


def _with(alerts: Sequence[Alert], newer: Sequence[Alert]) -> list[Alert]:
    by_id = {alert.id: alert for alert in newer}
    return [by_id.pop(alert.id, alert) for alert in alerts] + list(by_id.values())
