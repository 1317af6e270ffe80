"""Renders `/alerts`: what fires with who was told and what comes next, what is pending and acknowledged, silences, maintenance, and
what is resolved; and the same list as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from facts import (
    SILENCE_KEYS,
    Alert,
    AlertState,
    Incident,
    LadderRow,
    LadderStatus,
    Notification,
    NotificationKind,
    NotificationState,
    Severity,
    Silence,
    SilenceState,
    urgency,
    withheld_thread,
)
from reports.incident_story import names
from reports.live.frame import Ago, Frame, ago
from reports.live.incident import label_of
from reports.live.incidents import as_csv, iso
from reports.live.silences import silenced_words
from reports.pages import render
from reports.words import count, exact_span

PAGE_SIZE = 50
STATES = ("", "firing", "pending", "acknowledged", "resolved")
_PILLS = {Severity.CRITICAL: "critical", Severity.HIGH: "warning", Severity.MEDIUM: "off target"}
_WAITING = (NotificationState.OWED, NotificationState.CLAIMED)
_PREVIEWED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """What a reader asks of the page; an empty text is no condition. `page` counts the pages of resolved alerts from 1."""

    state: str = ""
    severity: str = ""
    journey: str = ""
    location: str = ""
    page: int = 1

    def query(self, **changed: str) -> str:
        """Return the query of the address of the same list with some changes."""
        asked = {name: getattr(self, name) for name in ("state", "severity", "journey", "location")} | changed
        return urlencode({key: value for key, value in asked.items() if value})

    def takes(self, alert: Alert) -> bool:
        """Return whether an alert is of the severity, the journey and the location that are asked for."""
        if self.severity and alert.severity.value != self.severity:
            return False
        if self.journey and alert.journey != self.journey:
            return False
        bound = alert.traits.location_bound if alert.traits is not None else None
        return not self.location or self.location == bound or self.location in alert.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceTime:
    """Holds one occurrence of a maintenance window that is under way or to come."""

    name: str
    about: str
    reason: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDraft:
    """What the form of a new silence is filled with, and what it would have held back. `alerts` is None without a preview."""

    match: Mapping[str, str] = field(default_factory=dict)
    length: str = "2h"
    reason: str = ""
    problem: str = ""
    alerts: Sequence[Alert] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the form contains anything."""
        return bool(self.match or self.problem or self.alerts is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsData:
    """Holds what the page is made of. `messages` and `ladder` are by thread, `held` is how many alerts of the last 7 days each silence
    matches, by its id."""

    standing: Sequence[Alert] = ()
    resolved: Sequence[Alert] = ()
    resolved_total: int = 0
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    messages: Mapping[str, Sequence[Notification]] = field(default_factory=dict)
    ladder: Mapping[str, Sequence[LadderRow]] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    silenced: Mapping[str, Silence] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    maintenance: Sequence[MaintenanceTime] = ()
    journeys: Mapping[str, str] = field(default_factory=dict)
    locations: Sequence[str] = ()
    draft: SilenceDraft = SilenceDraft()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAlert:
    """An alert in the form of the list. `follows` is the incident that it belongs to without having opened it."""

    id: str
    title: str
    summary: str
    severity: str
    state: str
    where: str
    left_out: tuple[str, ...]
    since: Ago | None
    clock: str
    lasted: str
    told: str
    next: str
    acknowledged: str
    incident: str | None
    incident_label: str
    follows: str | None
    inhibited_by: str | None
    silenced: str | None
    closed: str | None
    needs_review: bool
    last_known: bool
    run_id: str | None
    can_acknowledge: bool
    can_unacknowledge: bool
    can_escalate: bool
    ended: str = ""
    acked_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSilence:
    """Holds a silence as the list shows it."""

    id: str
    about: str
    state: str
    begins: str
    ends: str
    by: str
    reason: str
    holds_now: int
    would_have_held: int
    ended_by: str | None
    can_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMaintenance:
    """Holds an occurrence of a maintenance window as the list shows it."""

    name: str
    about: str
    reason: str
    when: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """Holds an alert that a silence would have held back."""

    id: str
    title: str
    severity: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsPage:
    """Holds the data of the template."""

    frame: Frame
    heading: str
    sentence: str
    cause: tuple[str, str] | None
    acknowledge_all: tuple[str, int] | None
    firing: tuple[ListedAlert, ...]
    covered: tuple[ListedAlert, ...]
    pending: tuple[ListedAlert, ...]
    acknowledged: tuple[ListedAlert, ...]
    resolved: tuple[ListedAlert, ...]
    resolved_total: int
    review: tuple[ListedAlert, ...]
    silences: tuple[ListedSilence, ...]
    silences_active: int
    maintenance: tuple[ListedMaintenance, ...]
    states: tuple[tuple[str, str, bool], ...]
    asked: AlertFilter
    severities: tuple[str, ...]
    journeys: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    shows: frozenset[str]
    draft: SilenceDraft
    draft_rows: tuple[PreviewRow, ...]
    draft_critical: int
    silence_keys: tuple[str, ...]
    newer: str | None
    older: str | None
    csv: str
    zone: str


def alerts_page(frame: Frame, data: AlertsData, asked: AlertFilter, zone: ZoneInfo, now: datetime) -> str:
    """Return the page's HTML."""
    return render("live/alerts.html.j2", page_of(frame, data, asked, zone, now))


def page_of(frame: Frame, data: AlertsData, asked: AlertFilter, zone: ZoneInfo, now: datetime) -> AlertsPage:
    """Return the context of the page."""
    standing = sorted(data.standing, key=lambda alert: urgency(alert, now))
    chosen = [alert for alert in standing if asked.takes(alert)]
    is_firing = [a for a in standing if a.state is AlertState.FIRING and a.inhibited_by is None]
    unacked = [alert for alert in is_firing if alert.acked_at is None]
    rows = {alert.id: _row(alert, data, zone, now) for alert in (*chosen, *data.resolved)}
    groups = {
        "firing": [a for a in chosen if a in is_firing and a.acked_at is None],
        "covered": [a for a in chosen if a.state is AlertState.FIRING and a.inhibited_by is not None],
        "pending": [a for a in chosen if a.state is AlertState.PENDING],
        "acknowledged": [a for a in chosen if a in is_firing and a.acked_at is not None],
    }
    counts = {
        "": len(standing) + data.resolved_total,
        "firing": len(unacked),
        "pending": sum(alert.state is AlertState.PENDING for alert in standing),
        "acknowledged": len(is_firing) - len(unacked),
        "resolved": data.resolved_total,
    }
    shows = frozenset((asked.state,) if asked.state else STATES[1:])
    preview = data.draft.alerts or ()
    first = asked.page * PAGE_SIZE
    lead = _lead(unacked or is_firing, data)
    return AlertsPage(
        frame=frame,
        heading=_heading(is_firing, unacked, counts),
        sentence=_sentence(unacked or is_firing, data, zone, now),
        cause=(lead.incident, label_of(lead.incident)) if lead is not None and lead.incident else None,
        acknowledge_all=_acknowledge_all(unacked),
        firing=tuple(rows[alert.id] for alert in groups["firing"]),
        covered=tuple(rows[alert.id] for alert in groups["covered"]),
        pending=tuple(rows[alert.id] for alert in groups["pending"]),
        acknowledged=tuple(rows[alert.id] for alert in groups["acknowledged"]),
        resolved=tuple(rows[alert.id] for alert in data.resolved),
        resolved_total=data.resolved_total,
        review=tuple(rows[alert.id] for alert in data.resolved if alert.needs_review),
        silences=tuple(_silences(data, zone, now)),
        silences_active=sum(one.state(now) is SilenceState.ACTIVE for one in data.silences),
        maintenance=tuple(_maintenance(one, zone, now) for one in data.maintenance),
        states=tuple(
            (f"{key.capitalize() or 'All'} {counts[key]}", asked.query(state=key), asked.state == key) for key in STATES
        ),
        asked=asked,
        severities=tuple(severity.value for severity in Severity),
        journeys=tuple(data.journeys.items()),
        locations=tuple(data.locations),
        shows=shows,
        draft=data.draft,
        draft_rows=tuple(
            PreviewRow(
                id=a.id,
                title=a.title or a.key,
                severity=a.severity.value,
                at=f"{a.began_at.astimezone(zone):%-d %b %H:%M}",
            )
            for a in preview[:_PREVIEWED]
        ),
        draft_critical=sum(alert.severity is Severity.CRITICAL for alert in preview),
        silence_keys=SILENCE_KEYS,
        newer=asked.query(page=str(asked.page - 1)) if asked.page > 1 else None,
        older=asked.query(page=str(asked.page + 1)) if first < data.resolved_total else None,
        csv=asked.query(),
        zone=f"{now.astimezone(zone):%Z}",
    )


def _heading(firing: Sequence[Alert], unacked: Sequence[Alert], counts: Mapping[str, int]) -> str:
    if not firing:
        pending = counts["pending"]
        return f"No alert fires. {count(pending, 'alert')} pending." if pending else "No alert fires."
    fire = f"{count(len(firing), 'alert')} {'fires' if len(firing) == 1 else 'fire'}"
    if not unacked:
        by = names(alert.acked_by or "somebody" for alert in firing)
        return f"{fire}, acknowledged by {by}."
    if len(unacked) == len(firing):
        return f"{fire}. Nobody has acknowledged."
    return f"{fire}, {len(unacked)} of them not acknowledged."


def _lead(alerts: Sequence[Alert], data: AlertsData) -> Alert | None:
    """Return the most urgent alert of which people were notified; None if there is none."""
    told = [alert for alert in alerts if alert.inhibited_by is None and alert.id not in data.silenced]
    return next(iter(told), None)


def _sentence(alerts: Sequence[Alert], data: AlertsData, zone: ZoneInfo, now: datetime) -> str:
    lead = _lead(alerts, data)
    if lead is None:
        return "Those that fire are silenced, or follow from another one." if alerts else "Nobody needs to act."
    said = f"{lead.title or lead.key}, since {lead.began_at.astimezone(zone):%H:%M %Z}."
    coming = _next(data.ladder.get(lead.incident or "", ()), now)
    if coming is None or lead.acked_at is not None:
        return said
    roles = names(recipient.role for recipient in coming.recipients)
    at = f"{coming.due_at.astimezone(zone):%H:%M}"
    return f"{said} Tier {coming.tier} ({roles}) is told at {at} unless somebody acknowledges."


def _acknowledge_all(unacked: Sequence[Alert]) -> tuple[str, int] | None:
    """Return the alert with which all firing alerts can be acknowledged, because they belong to one incident, and their number."""
    incidents = {alert.incident for alert in unacked}
    if len(unacked) < 2 or len(incidents) != 1 or None in incidents:
        return None
    return unacked[0].id, len(unacked)


def _next(rows: Sequence[LadderRow], now: datetime) -> LadderRow | None:
    pending = [row for row in rows if row.status is LadderStatus.PENDING]
    return min(pending, key=lambda row: (row.due_at, row.tier), default=None)


def _row(alert: Alert, data: AlertsData, zone: ZoneInfo, now: datetime) -> ListedAlert:
    thread = alert.incident or withheld_thread(alert.id)
    messages, ladder = data.messages.get(thread, ()), data.ladder.get(thread, ())
    incident = data.incidents.get(alert.incident or "")
    firing, over = alert.state is AlertState.FIRING, alert.resolved_at is not None
    joined = incident is not None and incident.lead != alert.id
    coming = _next(ladder, now) if firing and alert.acked_at is None else None
    ended = (alert.over_at or now) if over else now
    silence = data.silenced.get(alert.id)
    began = alert.began_at
    return ListedAlert(
        id=alert.id,
        title=(alert.title_past if over else "") or alert.title or alert.key,
        summary=(alert.summary_past if over else "") or alert.summary,
        severity=alert.severity.value,
        state=_PILLS.get(alert.severity, "off target"),
        where=_where(alert, data),
        left_out=alert.left_out,
        since=ago(began, now),
        clock=_clock(began, zone, now),
        lasted=exact_span(max(ended - began, timedelta())),
        told=_told(alert, messages, joined),
        next=f"tier {coming.tier} {_in(coming.due_at, now)}" if coming is not None and not joined else "",
        acknowledged=_acknowledged(alert, zone, now),
        incident=alert.incident,
        incident_label=label_of(alert.incident) if alert.incident else "",
        follows=label_of(alert.incident) if joined and alert.incident else None,
        inhibited_by=alert.inhibited_by,
        silenced=silenced_words(silence),
        closed=alert.closed,
        needs_review=alert.needs_review,
        last_known=alert.last_known,
        run_id=alert.runs[-1] if alert.runs else None,
        can_acknowledge=(firing and alert.acked_at is None) or alert.needs_review,
        can_unacknowledge=firing and alert.acked_at is not None,
        can_escalate=firing and bool(ladder) and alert.incident is not None and not joined,
        ended=_clock(alert.resolved_at, zone, now) if alert.resolved_at else "",
        acked_in=f"in {exact_span(alert.acked_at - alert.fired_at)}" if alert.acked_at and alert.fired_at else "–",
    )


def _in(due: datetime, now: datetime) -> str:
    return f"in {exact_span(due - now)}" if due > now else "now"


def _clock(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    here, today = at.astimezone(zone), now.astimezone(zone).date()
    if here.date() == today:
        return f"{here:%H:%M:%S}"
    return f"{here:%-d %b %H:%M}" if now - at < timedelta(days=300) else f"{here:%-d %b %Y}"


def _where(alert: Alert, data: AlertsData) -> str:
    bound = alert.traits.location_bound if alert.traits is not None else None
    if bound:
        return bound
    if alert.counted and set(alert.counted) <= set(data.locations):
        return f"{len(alert.counted)} of {count(len(data.locations), 'location')}"
    return names(alert.counted, 3) if alert.counted else (alert.subject or "–")


def _told(alert: Alert, messages: Sequence[Notification], joined: bool) -> str:
    kinds = (NotificationKind.FIRING,)
    sent = [one for one in messages if one.kind in kinds and one.state is not NotificationState.SUPERSEDED]
    if alert.inhibited_by is not None:
        return "nobody, another alert covers it"
    withheld = [one for one in sent if one.state is NotificationState.SUPPRESSED and one.alert_id == alert.id]
    sent = [one for one in sent if one.state is not NotificationState.SUPPRESSED]
    if not sent:
        return (withheld[0].reason or "held back") if withheld else "nobody yet"
    if joined:
        return "with its incident"
    received = [one for one in sent if one.delivered_at is not None and not one.reached_nobody]
    held = [one for one in sent if one.state in _WAITING and one.hold is not None]
    text = f"{len(received)} of {len(sent)} received"
    return f"{text}, {held[0].reason}" if held and held[0].reason else text


def _acknowledged(alert: Alert, zone: ZoneInfo, now: datetime) -> str:
    if alert.acked_at is None:
        return ""
    until = f", until {_clock(alert.acked_until, zone, now)}" if alert.acked_until else ""
    return f"by {alert.acked_by or 'somebody'}, {_clock(alert.acked_at, zone, now)}{until}"


def _silences(data: AlertsData, zone: ZoneInfo, now: datetime) -> list[ListedSilence]:
    order = [SilenceState.ACTIVE, SilenceState.PENDING, SilenceState.ENDED]
    holds = [silence.id for silence in data.silenced.values()]
    return [
        ListedSilence(
            id=one.id,
            about=one.about,
            state=one.state(now).value,
            begins=_clock(one.starts_at, zone, now),
            ends=f"{one.ends_at.astimezone(zone):%-d %b %H:%M %Z}",
            by=one.by,
            reason=one.reason,
            holds_now=holds.count(one.id),
            would_have_held=data.held.get(one.id, 0),
            ended_by=one.ended_by,
            can_end=one.state(now) is not SilenceState.ENDED,
        )
        for one in sorted(data.silences, key=lambda one: (order.index(one.state(now)), one.ends_at))
    ]


def _maintenance(one: MaintenanceTime, zone: ZoneInfo, now: datetime) -> ListedMaintenance:
    begins, ends = one.starts_at.astimezone(zone), one.ends_at.astimezone(zone)
    last = f"{ends:%H:%M %Z}" if ends.date() == begins.date() else f"{ends:%a %-d %b %H:%M %Z}"
    return ListedMaintenance(
        name=one.name,
        about=one.about,
        reason=one.reason,
        when=f"{begins:%a %-d %b %H:%M} – {last}",
        is_active=one.starts_at <= now < one.ends_at,
    )


COLUMNS = (
    "id",
    "rule",
    "severity",
    "state",
    "title",
    "summary",
    "journey",
    "subject",
    "incident",
    "began_at",
    "fired_at",
    "acknowledged_at",
    "acknowledged_by",
    "ended_at",
    "resolved_at",
    "lasted_s",
    "inhibited_by",
)


def alerts_csv(alerts: Sequence[Alert]) -> str:
    """Return alerts as CSV; times are ISO 8601 in UTC."""
    rows = [
        {
            "id": one.id,
            "rule": one.rule,
            "severity": one.severity.value,
            "state": one.state.value,
            "title": one.title or one.key,
            "summary": one.summary,
            "journey": one.journey or "",
            "subject": one.subject or "",
            "incident": one.incident or "",
            "began_at": iso(one.began_at),
            "fired_at": iso(one.fired_at),
            "acknowledged_at": iso(one.acked_at),
            "acknowledged_by": one.acked_by or "",
            "ended_at": iso(one.over_at),
            "resolved_at": iso(one.resolved_at),
            "lasted_s": "" if one.lasted_s is None else round(one.lasted_s),
            "inhibited_by": one.inhibited_by or "",
        }
        for one in alerts
    ]
    return as_csv(COLUMNS, rows)
