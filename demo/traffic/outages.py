"""Makes up the outages of a demo's history: the runs that failed, and the alert, the incident and the messages that followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from facts import (
    Alert,
    AlertState,
    Attempt,
    Blame,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
    Run,
    Severity,
    Status,
    Step,
    StepStatus,
    Traits,
)
from store import alerts, incidents, outbox, runs
from store.rows import Arrival, row_of

BAD_DAYS: Mapping[int, int] = {23: 16, 9: 7}
"""On which days before today the shop refused to open a checkout, and how many runs in a row failed of each journey and location."""
_BEGINS = timedelta(hours=19, minutes=10)
_FAILS_AT = {"ga_purchase": "proceed_to_stripe", "vip_member_discount": "proceed_to_checkout"}
_REFUSED = (
    "POST /api/create-checkout-session answered 500 'Failed to create checkout session'; "
    "the page showed alert 'Failed to proceed to payment. Please try again.'"
)
_TOLD = ("slack-emergency", "webhook")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingRule:
    """Holds the rule whose alert the outages fired: its name in sla.yaml, and its title now and afterwards."""

    name: str
    title: str
    title_past: str


def slots_of(back: int, today: datetime, period_s: float) -> list[datetime]:
    """Return the slots that failed on the day that was `back` days before `today`, a midnight in UTC; none on most days."""
    begins = today - timedelta(days=back) + _BEGINS
    return [begins + number * timedelta(seconds=period_s) for number in range(BAD_DAYS.get(back, 0))]


def save_outages(
    connection: Connection, *, today: datetime, places: Mapping[str, Sequence[str]], period_s: float, rule: AlertingRule
) -> None:
    """Save the outages of the days before `today`. `places` are the locations of each journey, run every `period_s` seconds."""
    for number, back in enumerate(BAD_DAYS, start=1):
        slots = slots_of(back, today, period_s)
        failed = [_run(journey, place, slot) for slot in slots for journey, some in places.items() for place in some]
        runs.save_all(connection, [row_of(Arrival(run), received_at=run.finished_at) for run in failed])
        journey = next(iter(places))
        ids = tuple(run.id for run in failed if run.journey == journey)
        alert = _alert(number, journey, places[journey], slots, period_s, rule, ids)
        alerts.save(connection, [alert], at=alert.pending_since)
        incidents.save(connection, [_incident(number, alert)])
        outbox.owe(
            connection, [message for order, kind in enumerate(_KINDS, 1) for message in _messages(alert, kind, order)]
        )


_KINDS = (NotificationKind.FIRING, NotificationKind.RESOLVED)


def _run(journey: str, place: str, slot: datetime) -> Run:
    started, took = slot + _SECOND, timedelta(seconds=4)
    step = _FAILS_AT.get(journey, "proceed_to_checkout")
    error = f"{step}: {_REFUSED}"
    steps = (Step(name=step, status=StepStatus.FAILED, started_ms=2800.0, duration_ms=1200.0, error=error),)
    attempt = Attempt(
        number=1,
        status=Status.FAILED,
        started_at=started,
        blame=Blame.SITE,
        failed_step=step,
        error=error,
        error_group="POST /api/create-checkout-session answered 500",
        duration_ms=4000.0,
        steps=steps,
    )
    return Run(
        id=f"{slot:%Y%m%dT%H%M%SZ}-{journey}-{place}-history",
        journey=journey,
        location=place,
        slot=slot,
        status=Status.FAILED,
        started_at=started,
        finished_at=started + took,
        site="simulated",
        browser="simulated",
        plan="",
        blame=Blame.SITE,
        failed_step=step,
        error=error,
        duration_ms=4000.0,
        steps=steps,
        attempts=(attempt,),
        notes=("This run is a part of the demo's made-up history.",),
        buys=False,
    )


def _alert(
    number: int,
    journey: str,
    places: Sequence[str],
    slots: Sequence[datetime],
    period_s: float,
    rule: AlertingRule,
    run_ids: tuple[str, ...],
) -> Alert:
    period = timedelta(seconds=period_s)
    began, over = slots[0] + _SECOND, slots[-1] + period
    fired = began + period + 10 * _SECOND
    name = journey.replace("_", " ").replace("ga ", "GA ").replace("vip ", "VIP ")
    cause = f"{_FAILS_AT.get(journey, 'proceed_to_checkout')}: {_REFUSED}"
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
        runs=run_ids[-20:],
        incident=f"inc-{number}",
        traits=Traits(of_payment=True, from_runs=True, journey_fails=True),
        cause=cause,
    )


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
