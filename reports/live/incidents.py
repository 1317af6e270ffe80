"""Renders `/incidents`: the open ones first, then by what they cost; and the same list as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlencode

from facts import AlertState, Severity
from metrics.incidents import total_lost
from reports.incident_story import stops_buyers
from reports.live.frame import Frame
from reports.live.incident import label_of
from reports.live.range_picker import RangePicker, range_picker
from reports.pages import render
from reports.periodic.data import Story
from reports.periodic.sections.incidents import title_of
from reports.periodic.wording import about
from reports.ranges import TimeRange
from reports.words import exact_span

PAGE_SIZE = 50
USUAL_RANGE = "30d"
_STATES = {Severity.CRITICAL: "critical", Severity.HIGH: "warning", Severity.MEDIUM: "off target"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """Holds the filter that a reader requests; an empty text is no condition. `page` counts from 1.

    `ranged` are the parts of the address that ask for the range.
    """

    ranged: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    severity: str = ""
    page: int = 1

    def query(self, **changed: str) -> str:
        """Return the query of the address of the same list with some changes."""
        asked = {**self.ranged, "state": self.state, "severity": self.severity, **changed}
        return urlencode({key: value for key, value in asked.items() if value}, safe=":")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """Holds an incident as the list shows it."""

    id: str
    label: str
    title: str
    severity: str
    state: str
    state_words: str
    is_open: bool
    began: str
    lasted: str
    told: str
    acknowledged: str
    cost: str
    alerts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsPage:
    """Holds the data of the template. `counts` are the incidents of the period by state: open and resolved."""

    frame: Frame
    heading: str
    sentence: str
    rows: tuple[IncidentRow, ...]
    total: int
    asked: IncidentFilter
    states: tuple[tuple[str, str, str, bool], ...]
    picker: RangePicker
    severities: tuple[str, ...]
    csv: str
    newer: str | None
    older: str | None
    zone: str


def ordered(stories: Sequence[Story], now: datetime) -> list[Story]:
    """Return incidents: the open ones first, then those that cost most, then the most severe, then the longest."""

    def rank(story: Story) -> tuple[bool, float, int, float, str]:
        begins, ends = story.span(now)
        lost = float(sum((story.lost or {}).values()))
        length = (ends - begins).total_seconds()
        return story.incident.resolved_at is not None, -lost, story.incident.severity.rank, -length, story.incident.id

    return sorted(stories, key=rank)


def chosen(stories: Sequence[Story], asked: IncidentFilter) -> list[Story]:
    """Return the incidents of the state and the severity that are asked for."""
    return [
        story
        for story in stories
        if (not asked.state or (asked.state == "open") == (story.incident.resolved_at is None))
        and (not asked.severity or story.incident.severity.value == asked.severity)
    ]


def incidents_page(
    frame: Frame,
    stories: Sequence[Story],
    asked: IncidentFilter,
    shown: TimeRange,
    query: Mapping[str, str],
    now: datetime,
) -> str:
    """Return the page's HTML; `stories` are all incidents of the range `shown`, and `query` is that of the address."""
    zone = frame.zone.zone
    some = ordered(chosen(stories, asked), now)
    first = (asked.page - 1) * PAGE_SIZE
    is_open = sum(story.incident.resolved_at is None for story in stories)
    page = IncidentsPage(
        frame=frame,
        heading=_heading(stories, now, zone),
        sentence=_sentence(stories, asked, now),
        rows=tuple(_row(story, zone, now) for story in some[first : first + PAGE_SIZE]),
        total=len(some),
        asked=asked,
        states=tuple(
            (label, str(number), asked.query(state=key), asked.state == key)
            for key, label, number in (
                ("", "All", len(stories)),
                ("open", "Open", is_open),
                ("resolved", "Resolved", len(stories) - is_open),
            )
        ),
        picker=range_picker(shown, query, zone=zone, zone_name=frame.zone_name),
        severities=tuple(severity.value for severity in Severity),
        csv=asked.query(),
        newer=asked.query(page=str(asked.page - 1)) if asked.page > 1 else None,
        older=asked.query(page=str(asked.page + 1)) if first + PAGE_SIZE < len(some) else None,
        zone=f"{now.astimezone(zone):%Z}",
    )
    return render("live/incidents.html.j2", page)


def _heading(stories: Sequence[Story], now: datetime, zone: tzinfo) -> str:
    still = [story for story in ordered(stories, now) if story.incident.resolved_at is None]
    if still:
        lead = still[0]
        begins, _ = lead.span(now)
        title = title_of(lead)
        more = f" and {len(still) - 1} more" if len(still) > 1 else ""
        return f"{title[:1].upper()}{title[1:]}, since {begins.astimezone(zone):%H:%M %Z}{more}."
    stopped = [story for story in stories if stops_buyers(story)]
    if stopped:
        whole = sum((ends - begins for begins, ends in (story.span(now) for story in stopped)), timedelta())
        times = "once" if len(stopped) == 1 else f"{len(stopped)} times"
        return f"No incident is open. Buyers were stopped {times}, for {exact_span(whole)} in all."
    return "No incident is open." if stories else "No incident."


def _sentence(stories: Sequence[Story], asked: IncidentFilter, now: datetime) -> str:
    if not stories:
        return "Nothing was told to anybody in this period."
    lost = total_lost([impact for story in stories if (impact := story.impact) is not None])
    unknown = sum(bool(story.lost is None and story.lost_unknown) for story in stories)
    known = f"Money at risk: about {about(lost)}" if lost else ""
    unsaid = f"{'not known' if not lost else f'of {unknown} not known'}" if unknown else ""
    if known and unsaid:
        return f"{known}, {unsaid}."
    if known:
        return f"{known}."
    if unsaid:
        return f"Money at risk: {unsaid}."
    return "Nobody was kept from buying."


def _row(story: Story, zone: tzinfo, now: datetime) -> IncidentRow:
    incident = story.incident
    begins, ends = story.span(now)
    is_open = incident.resolved_at is None
    firing = [alert for alert in story.alerts if alert.state is AlertState.FIRING]
    acked = bool(firing) and all(alert.acked_at for alert in firing)
    here = begins.astimezone(zone)
    form = "%-d %b %H:%M" if now - begins < timedelta(days=300) else "%-d %b %Y %H:%M"
    told = story.told_at
    by = next((alert.acked_by for alert in story.alerts if alert.acked_by), None)
    if story.lost is not None:
        cost = about(story.lost)
    elif story.lost_unknown:
        cost = "unknown"
    else:
        cost = "–"
    return IncidentRow(
        id=incident.id,
        label=label_of(incident.id),
        title=title_of(story),
        severity=incident.severity.value,
        state=_STATES.get(incident.severity, "off target") if is_open else "ok",
        state_words=("Acknowledged" if acked else "Firing") if is_open else "Resolved",
        is_open=is_open,
        began=f"{here:{form}}",
        lasted=exact_span(ends - begins),
        told=f"after {exact_span(told - begins)}" if told else "nobody",
        acknowledged=f"after {exact_span(story.acked_at - story.fired_at)} by {by}"
        if story.acked_at and story.fired_at
        else "–",
        cost=cost,
        alerts=len(story.alerts),
    )


COLUMNS = (
    "id",
    "severity",
    "state",
    "title",
    "began_at",
    "ended_at",
    "lasted_s",
    "fired_at",
    "told_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "alerts",
    "highest_tier",
    "lost_minor",
    "currency",
)


def incidents_csv(stories: Sequence[Story], now: datetime) -> str:
    """Return incidents as CSV, in the order of the page; times are ISO 8601 in UTC, amounts in minor units."""
    rows = []
    for story in ordered(stories, now):
        begins, ends = story.span(now)
        incident = story.incident
        is_open = incident.resolved_at is None
        lost = story.lost or {}
        rows.append(
            {
                "id": incident.id,
                "severity": incident.severity.value,
                "state": "open" if is_open else "resolved",
                "title": title_of(story),
                "began_at": iso(begins),
                "ended_at": "" if is_open else iso(ends),
                "lasted_s": round((ends - begins).total_seconds()),
                "fired_at": iso(story.fired_at),
                "told_at": iso(story.told_at),
                "acknowledged_at": iso(story.acked_at),
                "acknowledged_by": next((alert.acked_by for alert in story.alerts if alert.acked_by), ""),
                "resolved_at": iso(incident.resolved_at),
                "alerts": len(story.alerts),
                "highest_tier": story.tiers,
                "lost_minor": " + ".join(str(minor) for minor in lost.values()),
                "currency": " + ".join(lost),
            }
        )
    return as_csv(COLUMNS, rows)


def iso(at: datetime | None) -> str:
    """Return a moment for a program; "" for none."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else ""


def as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(columns), lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    return out.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
