"""Adds the pages of alerts: the list with silences and maintenance, its CSV, and the page of one alert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from alerts.silences import SilenceError, matches, read_match
from facts import SILENCE_KEYS, Alert, Incident, Severity, Silence, withheld_thread
from hub.context import HubContext
from hub.errors import HubError
from hub.incident_pages import csv_file, one_of, page_of
from hub.report_data import parts
from hub.silence_endpoints import LOOK_BACK, preview, shown_silences, silenced_alerts
from reports.incident_story import IncidentData
from reports.live.alert import Try, alert_page
from reports.live.alert_list import (
    PAGE_SIZE,
    STATES,
    AlertFilter,
    AlertsData,
    MaintenanceTime,
    SilenceDraft,
    alerts_csv,
    alerts_page,
)
from reports.periodic.data import Story
from sla.wording import journey_title
from store import alerts, incidents, ladder, outbox, silences

if TYPE_CHECKING:
    from hub.site import Pages

_MAINTENANCE_AHEAD = timedelta(days=14)
_MOST_CSV = 5000
_MOST_LOCATED = 1000
_MOST_WEEK = 1000


def add_alert_pages(router: APIRouter, pages: Pages) -> None:
    """Add `/alerts`, `/alerts.csv` and `/alerts/{id}`."""

    @router.get("/alerts")
    def list_alerts(request: Request) -> str:
        asked = filter_of(request, pages.context)
        now = pages.context.clock()
        with pages.context.store.read() as connection:
            data = load_alerts(connection, pages.context, asked, _draft(request, connection, now), now)
        seen = pages.seen_by(request)
        return alerts_page(seen.frame("Alerts", "/alerts"), data, asked, seen.zone.zone, now)

    @router.get("/alerts.csv")
    def alerts_as_csv(request: Request) -> Response:
        asked = filter_of(request, pages.context)
        with pages.context.store.read() as connection:
            found = [] if asked.state == "resolved" else alerts.standing(connection)
            if asked.state in ("", "resolved"):
                found = [*found, *_resolved(connection, asked, 0, _MOST_CSV)]
        wanted = {"firing": False, "acknowledged": True}.get(asked.state)
        some = [
            alert
            for alert in found
            if asked.takes(alert)
            and (asked.state in ("", "resolved") or (alert.state.value == "pending") == (asked.state == "pending"))
            and (wanted is None or (alert.acked_at is not None) is wanted)
        ]
        return csv_file(alerts_csv(some), "alerts.csv")

    @router.get("/alerts/{alert_id}")
    def show_alert(alert_id: str, request: Request) -> Response:
        context, now, seen = pages.context, pages.context.clock(), pages.seen_by(request)
        with context.store.read() as connection:
            alert = alerts.get(connection, alert_id)
            if alert is None:
                raise HubError(404, f"no alert {alert_id!r:.220}; /alerts lists those there are")
            data = _alone(connection, context, alert, seen.zone.zone, now)
            tries = {
                one.id: [Try(at=t.at, ok=t.ok, detail=t.detail) for t in outbox.tries_of(connection, one.id)]
                for one in data.story.messages
                if one.tries > 1
            }
        frame = seen.frame(alert.title or alert.id, f"/alerts/{alert_id}")
        return HTMLResponse(alert_page(frame, data, tries))


def filter_of(request: Request, context: HubContext) -> AlertFilter:
    """Return what the address of the list asks for. Raises HubError 422."""
    asked = request.query_params
    return AlertFilter(
        state=one_of("state", asked.get("state", ""), STATES),
        severity=one_of("severity", asked.get("severity", ""), ("", *(severity.value for severity in Severity))),
        journey=one_of("journey", asked.get("journey", ""), ("", *context.watched.schedules())),
        location=one_of("location", asked.get("location", ""), ("", *context.watched.locations.locations)),
        page=page_of(asked.get("page", "1")),
    )


def load_alerts(
    connection: Connection, context: HubContext, asked: AlertFilter, draft: SilenceDraft, now: datetime
) -> AlertsData:
    """Return what the list is made of."""
    standing = alerts.standing(connection)
    shows_resolved = asked.state in ("", "resolved")
    first = (asked.page - 1) * PAGE_SIZE
    resolved = _resolved(connection, asked, first, PAGE_SIZE) if shows_resolved else []
    every = [*standing, *resolved]
    threads = sorted({alert.incident or withheld_thread(alert.id) for alert in every})
    owed = [one for part in parts(threads) for one in outbox.of_threads(connection, part)]
    rows = [row for part in parts(threads) for row in ladder.of_incidents(connection, part)]
    known = {name: incidents.get(connection, name) for name in {alert.incident for alert in standing if alert.incident}}
    found = shown_silences(connection, now)
    return AlertsData(
        standing=standing,
        resolved=resolved,
        resolved_total=_count(connection, asked),
        incidents={name: one for name, one in known.items() if one is not None},
        messages={thread: [one for one in owed if one.thread == thread] for thread in threads},
        ladder={thread: [row for row in rows if row.incident == thread] for thread in threads},
        silences=found,
        silenced=silenced_alerts(standing, found, now),
        held=_held(connection, found, now),
        maintenance=_maintenance(context, now),
        journeys={name: journey_title(name) for name in context.watched.schedules()},
        locations=tuple(context.watched.locations.locations),
        draft=draft,
    )


def _resolved(connection: Connection, asked: AlertFilter, first: int, limit: int) -> list[Alert]:
    severity = Severity(asked.severity) if asked.severity else None
    journey = asked.journey or None
    if not asked.location:
        return alerts.resolved_page(connection, severity=severity, journey=journey, offset=first, limit=limit)
    # Where an alert was seen stands within it, so the newest are looked through.
    found = alerts.resolved_page(connection, severity=severity, journey=journey, limit=_MOST_LOCATED)
    return [alert for alert in found if asked.takes(alert)][first : first + limit]


def _count(connection: Connection, asked: AlertFilter) -> int:
    if asked.location:
        return len(_resolved(connection, asked, 0, _MOST_LOCATED))
    severity = Severity(asked.severity) if asked.severity else None
    return alerts.count_resolved(connection, severity=severity, journey=asked.journey or None)


def _held(connection: Connection, found: Sequence[Silence], now: datetime) -> dict[str, int]:
    """Return how many of the alerts that fired in the last 7 days each silence matches, by its id."""
    if not found:
        return {}
    until = now + timedelta(seconds=1)
    week = alerts.of_period(connection, since=now - LOOK_BACK, until=until, limit=_MOST_WEEK)
    fired = [alert for alert in week if alert.fired_at is not None]
    return {silence.id: sum(matches(silence, alert) for alert in fired) for silence in found}


def _maintenance(context: HubContext, now: datetime) -> list[MaintenanceTime]:
    found = [
        MaintenanceTime(name=one.name, about=one.about, reason=one.reason, starts_at=starts, ends_at=ends)
        for one in context.policy.maintenance
        for starts, ends in one.between(now - one.duration, now + _MAINTENANCE_AHEAD)
    ]
    return sorted(found, key=lambda one: (one.starts_at, one.name))[:20]


def _draft(request: Request, connection: Connection, now: datetime) -> SilenceDraft:
    """Return the initial values of the form for a new silence: from an alert, or from what was typed before a preview."""
    asked = request.query_params
    typed = {key: asked[f"silence_{key}"][:400] for key in SILENCE_KEYS if asked.get(f"silence_{key}")}
    length, reason = asked.get("silence_for", "2h")[:20], asked.get("silence_reason", "")[:500]
    if not typed and (alert_id := asked.get("silence")):
        alert = alerts.get(connection, alert_id)
        if alert is None:
            return SilenceDraft(problem=f"There is no alert {alert_id:.80}.")
        bound = alert.traits.location_bound if alert.traits is not None else None
        wanted = {"rule": alert.rule, "journey": alert.journey, "location": bound}
        typed = {key: value for key, value in wanted.items() if value}
    if not asked.get("preview"):
        return SilenceDraft(match=typed, length=length, reason=reason)
    try:
        match = read_match({key: [v.strip() for v in text.split(",") if v.strip()] for key, text in typed.items()})
    except SilenceError as error:
        said = str(error)
        return SilenceDraft(match=typed, length=length, reason=reason, problem=f"{said[:1].upper()}{said[1:]}.")
    return SilenceDraft(match=typed, length=length, reason=reason, alerts=preview(connection, match, now))


def _alone(connection: Connection, context: HubContext, alert: Alert, zone: ZoneInfo, now: datetime) -> IncidentData:
    """Return one alert with what belongs to it, in the form of an incident."""
    thread = alert.incident or withheld_thread(alert.id)
    stored = incidents.get(connection, alert.incident) if alert.incident else None
    incident = stored or Incident(
        id=thread,
        lead=alert.id,
        severity=alert.severity,
        opened_at=alert.fired_at or alert.pending_since,
        alerts=(alert.id,),
        resolved_at=alert.resolved_at,
    )
    own = withheld_thread(alert.id)
    messages = [
        one
        for one in outbox.of_threads(connection, list(dict.fromkeys((thread, own))))
        # What was withheld of another alert of the incident is told on that one's page.
        if one.alert_id == alert.id or one.order > 0
    ]
    found = silences.listed(connection, since=alert.began_at)
    return IncidentData(
        story=Story(incident=incident, alerts=(alert,), messages=tuple(messages)),
        now=now,
        zone=zone,
        journeys={name: journey_title(name) for name in context.watched.schedules()},
        changes=alerts.changes(connection, alert.id),
        ladder=ladder.of_incidents(connection, [alert.incident] if alert.incident else []),
        silences=[one for one in found if one.starts_at <= (alert.resolved_at or now) and matches(one, alert)],
    )
