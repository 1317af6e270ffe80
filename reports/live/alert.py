"""Renders `/alerts/{id}`: one alert with all that became of it, and the whole trail of its messages and receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import AlertState, Notification, trail_of
from reports.incident_story import EntryKind, IncidentData, time_line
from reports.live.frame import Frame
from reports.live.incident import EntryRow, clock_of, entry_row, label_of
from reports.live.silences import silenced_words
from reports.pages import render
from reports.words import exact_span

_PILLS = {"critical": "critical", "high": "warning", "medium": "off target"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TryRow:
    """Holds one try to deliver a message, as text."""

    at: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailRow:
    """Holds a message with its history."""

    destination: str
    kind: str
    tier: str
    state: str
    tone: str
    created: str
    delivered: str
    receipt: str
    held: str
    trail: str
    tries: tuple[TryRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage:
    """Holds the data of the template."""

    frame: Frame
    id: str
    heading: str
    sentence: str
    state: str
    state_words: str
    about: str
    facts: tuple[tuple[str, str], ...]
    rule: str
    incident: str | None
    incident_label: str
    runs: tuple[str, ...]
    entries: tuple[EntryRow, ...]
    messages: tuple[TrailRow, ...]
    can_acknowledge: bool
    can_unacknowledge: bool
    can_escalate: bool
    can_resolve: bool
    run_journey: str | None
    run_location: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """Holds one try to deliver a message, as it is stored."""

    at: datetime
    ok: bool
    detail: str | None


def alert_page(frame: Frame, data: IncidentData, tries: Mapping[str, Sequence[Try]]) -> str:
    """Return the page's HTML. `data` is the alert alone with what belongs to it; `tries` are by the message's id."""
    return render("live/alert.html.j2", page_of(frame, data, tries))


def page_of(frame: Frame, data: IncidentData, tries: Mapping[str, Sequence[Try]]) -> AlertPage:
    """Return the context of the page."""
    (alert,) = data.story.alerts
    over, firing = alert.resolved_at is not None, alert.state is AlertState.FIRING
    title = (alert.title_past if over else "") or alert.title or alert.key
    began = alert.began_at.astimezone(data.zone)
    when = f", lasted {exact_span(alert.over_at - alert.began_at)}" if alert.over_at else f", since {began:%H:%M %Z}"
    if alert.needs_review:
        words = "Needs review"
    elif alert.closed:
        words = "Closed"
    elif firing and alert.acked_at:
        words = "Acknowledged"
    else:
        words = alert.state.value.capitalize()
    of_incident = alert.incident is not None
    skipped = (
        (EntryKind.RUN, EntryKind.RECOVERY) if of_incident else (EntryKind.RUN, EntryKind.RECOVERY, EntryKind.RESOLVED)
    )
    silence = next((one for one in data.silences if one.starts_at <= data.now < one.ends_at), None)
    facts = [
        ("Rule", alert.rule),
        ("Began", f"{began:%a %-d %b %Y %H:%M:%S %Z}"),
        ("Fired", clock_of(alert.fired_at, data)),
        ("Counted", ", ".join(alert.counted) or "–"),
        *(("Left out", one) for one in alert.left_out),
        *((("Silenced", silenced_words(silence) or ""),) if silence is not None else ()),
        *((("Not sent", f"{alert.inhibited_by} covers it"),) if alert.inhibited_by else ()),
        *((("Closed", f"{alert.closed}; it did not recover"),) if alert.closed else ()),
        *((("Runbook", alert.runbook),) if alert.runbook else ()),
    ]
    if alert.acked_by:
        until = f", until {clock_of(alert.acked_until, data)}" if alert.acked_until else ""
        facts.append(("Acknowledged", f"by {alert.acked_by}, {clock_of(alert.acked_at, data)}{until}"))
    if over:
        state = "ok"
    elif firing:
        state = _PILLS.get(alert.severity.value, "off target")
    else:
        state = "unproven"
    return AlertPage(
        frame=frame,
        id=alert.id,
        heading=f"{title[:1].upper()}{title[1:]}{when}.",
        sentence=(alert.summary_past if over else "") or alert.summary,
        state=state,
        state_words=words,
        about=f"{alert.severity.value} · episode {alert.episode}",
        facts=tuple(facts),
        rule=alert.rule,
        incident=alert.incident,
        incident_label=label_of(alert.incident) if alert.incident else "",
        runs=alert.runs[-10:],
        entries=tuple(entry_row(entry, data) for entry in time_line(data) if entry.kind not in skipped),
        messages=tuple(_trail(one, tries.get(one.id, ()), data) for one in data.story.messages),
        can_acknowledge=(firing and alert.acked_at is None) or alert.needs_review,
        can_unacknowledge=firing and alert.acked_at is not None,
        can_escalate=firing and bool(data.ladder),
        can_resolve=firing,
        run_journey=alert.journey if firing and alert.journey in data.journeys else None,
        run_location=(alert.traits.location_bound if alert.traits is not None else None) or "",
        zone=f"{began:%Z}",
    )


def _trail(one: Notification, tries: Sequence[Try], data: IncidentData) -> TrailRow:
    received = one.delivered_at is not None and not one.reached_nobody
    if received:
        tone = "ok"
    elif one.reached_nobody:
        tone = "warning"
    else:
        tone = "no data"
    return TrailRow(
        destination=one.destination,
        kind=one.kind.value,
        tier=str(one.tier) if one.tier is not None else "–",
        state=one.state.value,
        tone=tone,
        created=clock_of(one.created_at, data),
        delivered=clock_of(one.delivered_at, data),
        receipt=one.receipt or one.last_error or "–",
        held=one.reason or "–",
        trail=trail_of(one),
        tries=tuple(TryRow(at=clock_of(t.at, data), ok=t.ok, detail=t.detail or "") for t in tries),
    )
