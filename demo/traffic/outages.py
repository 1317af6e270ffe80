"""Makes up the outages of a demo's history: when they were, and the alert, the incident and the messages that followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from facts import (
    Alert,
    AlertState,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
    Outcome,
    Severity,
    Status,
    Traits,
)
from reports.words import journey_title
from store import alerts, incidents, outbox, runs

BAD_DAYS: Mapping[int, int] = {23: 16, 9: 7}
"""On which days before today the shop refused to open a checkout, and how many runs in a row failed of each journey and location."""
_BEGINS = timedelta(hours=19, minutes=10)
REFUSED = "POST /api/create-checkout-session answered 500 'Failed to create checkout session'"
"""What the runs of an outage say."""
_TOLD = ("slack-emergency", "webhook")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingRule:
    """Holds the rule whose alert the outages fired: its name in sla.yaml, and its title now and afterwards."""

    name: str
    title: str
    title_past: str


def outages_before(today: datetime, period_s: float) -> list[tuple[datetime, datetime]]:
    """Return the beginning and the end of each outage before `today`, a midnight in UTC; runs are made every `period_s` seconds."""
    begins = [(today - timedelta(days=back) + _BEGINS, slots) for back, slots in BAD_DAYS.items()]
    return [(begin, begin + slots * timedelta(seconds=period_s)) for begin, slots in begins]


def save_outages(
    connection: Connection, *, today: datetime, places: Mapping[str, Sequence[str]], period_s: float, rule: AlertingRule
) -> None:
    """Save the alert, the incident and the messages of each outage before `today`, whose runs are saved already.

    `places` are the locations of each journey, which runs every `period_s` seconds. The alert is about the first of the journeys.
    """
    journey = next(iter(places))
    for number, (begins, ends) in enumerate(outages_before(today, period_s), start=1):
        found = runs.outcomes(connection, since=begins, until=ends + _SECOND, brief=True)
        failed = [one for one in found if one.journey == journey and one.status is Status.FAILED]
        if not failed:
            continue
        alert = _alert(number, journey, places[journey], failed, period_s, rule)
        for at, as_it_was in _stages(alert):
            alerts.save(connection, [as_it_was], at=at)
        incidents.save(connection, [_incident(number, alert)])
        outbox.owe(
            connection, [message for order, kind in enumerate(_KINDS, 1) for message in _messages(alert, kind, order)]
        )


_KINDS = (NotificationKind.FIRING, NotificationKind.RESOLVED)


def _alert(
    number: int,
    journey: str,
    places: Sequence[str],
    failed: Sequence[Outcome],
    period_s: float,
    rule: AlertingRule,
) -> Alert:
    """Return the alert of an outage; `failed` are its runs, oldest first."""
    period = timedelta(seconds=period_s)
    began, over = failed[0].started_at, failed[-1].started_at + period
    fired = began + period + 10 * _SECOND
    name = journey_title(journey)
    cause = failed[0].error or REFUSED
    where = f"at {len(places)} of {len(places)} locations"
    return Alert(
        id=f"{rule.name}.{journey}.{number}",
        key=f"{rule.name}/{journey}",
        rule=rule.name,
        severity=Severity.CRITICAL,
        state=AlertState.RESOLVED,
        episode=number,
        pending_since=began + 5 * _SECOND,
        title=f"{name}: {rule.title}",
        summary=f"{name}: {rule.title} {where}: {cause}",
        title_past=f"{name}: {rule.title_past}",
        summary_past=f"{name}: {rule.title_past} {where}: {cause}",
        journey=journey,
        since=began,
        fired_at=fired,
        acked_at=min(fired + 2 * period, over - _SECOND),
        acked_by="eng-lead",
        ended_at=over,
        resolved_at=over + period,
        counted=tuple(sorted(places)),
        runs=tuple(one.run_id for one in failed[-20:]),
        incident=f"inc-{number}",
        traits=Traits(of_payment=True, from_runs=True, journey_fails=True),
        cause=cause,
    )


def _stages(alert: Alert) -> list[tuple[datetime, Alert]]:
    """Return the alert as it was when it fired, when it was acknowledged and when it was resolved, each with the time."""
    assert alert.fired_at is not None
    assert alert.acked_at is not None
    assert alert.resolved_at is not None
    acked = replace(alert, state=AlertState.FIRING, ended_at=None, resolved_at=None)
    fired = replace(acked, acked_at=None, acked_by=None)
    return [(alert.fired_at, fired), (alert.acked_at, acked), (alert.resolved_at, alert)]


def _incident(number: int, alert: Alert) -> Incident:
    assert alert.fired_at is not None
    return Incident(
        id=f"inc-{number}",
        lead=alert.id,
        severity=alert.severity,
        opened_at=alert.fired_at,
        alerts=(alert.id,),
        told=(alert.id,),
        updated_at=alert.resolved_at,
        resolved_at=alert.resolved_at,
        sequence=2,
    )


def _messages(alert: Alert, kind: NotificationKind, order: int) -> list[Notification]:
    at = alert.fired_at if kind is NotificationKind.FIRING else alert.resolved_at
    assert at is not None
    assert alert.incident is not None
    return [
        Notification(
            id=f"{alert.incident}/{kind.value}/{order}/{destination}",
            thread=alert.incident,
            alert_id=alert.id,
            destination=destination,
            kind=kind,
            severity=alert.severity,
            order=order,
            created_at=at,
            due_at=at,
            state=NotificationState.DELIVERED,
            tries=1,
            delivered_at=at + 2 * _SECOND,
            receipt="200",
        )
        for destination in _TOLD
    ]
