"""Makes the context of a dashboard's template, with its heading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Alert, Family, Severity
from reports.dashboards.numbers import Numbers
from reports.dashboards.registry import Dashboard
from reports.dashboards.view import ALERTS, View
from reports.dashboards.widget import Widget
from reports.live.frame import Ago, Choice, Frame, ago
from reports.live.outage import began, headline_of
from reports.live.range_picker import RangePicker, range_picker
from reports.pages import render
from reports.states import WidgetState, blocks_buyers, overall_state, told_alerts
from reports.text import one_line
from reports.words import count, span

_SHOWN = 4
_LONGEST = 200
_NO_ALERT = {
    "critical": "No critical alert fires.",
    "all": "No alert fires.",
    "business": "No alert about the business fires.",
}
_TOLD = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
_NO_AGES = re.compile(r">[^<]*</time>")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """Holds a firing alert in one line."""

    id: str
    severity: str
    title: str
    since: Ago | None
    is_acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Holds a widget with its age."""

    widget: Widget
    age: Ago | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardPage:
    """Holds the data of the template."""

    frame: Frame
    heading: str
    sentence: str
    state: WidgetState
    state_words: str
    facts: tuple[tuple[str, str], ...]
    alerts: tuple[AlertLine, ...]
    more_alerts: int
    cards: tuple[Card, ...]
    picker: RangePicker
    zones: tuple[Choice, ...]
    alert_choices: tuple[Choice, ...]
    zone_name: str
    shown_at: str
    is_part: bool


def dashboard_page(
    frame: Frame, dashboard: Dashboard, view: View, numbers: Numbers, *, now: datetime, is_part: bool = False
) -> tuple[str, str]:
    """Return the HTML of a dashboard and its ETag; with `is_part` only what changes while it is open.

    The ETag does not depend on ages, which change every second.
    """
    widgets = tuple(kind.draw(kind, view, numbers) for kind in dashboard.widgets)
    page = _page(frame, dashboard, view, numbers, widgets, now=now, is_part=is_part)
    html = render("dashboards/live.html.j2" if is_part else "dashboards/page.html.j2", page)
    return html, etag_of(html)


def etag_of(html: str) -> str:
    """Return a tag that is the same for pages that differ in ages only."""
    return f'"{hashlib.sha256(_NO_AGES.sub("></time>", html).encode()).hexdigest()[:20]}"'


def _page(
    frame: Frame,
    dashboard: Dashboard,
    view: View,
    numbers: Numbers,
    widgets: tuple[Widget, ...],
    *,
    now: datetime,
    is_part: bool,
) -> DashboardPage:
    chosen = [alert for alert in told_alerts(numbers.alerts, now) if _is_chosen(alert, view.alerts)]
    state, words = overall_state(numbers.alerts, numbers.verdicts, now)
    heading, sentence = _heading(dashboard, numbers, widgets, chosen, view)
    asked = {"zone": view.zone_key, "alerts": view.alerts} | ({"tz": view.browser_zone} if view.browser_zone else {})
    return DashboardPage(
        frame=frame,
        heading=heading,
        sentence=sentence,
        state=state,
        state_words=words,
        facts=_facts(dashboard, numbers, widgets, now),
        alerts=tuple(_line(alert, now) for alert in chosen[:_SHOWN]),
        more_alerts=max(0, len(chosen) - _SHOWN),
        cards=tuple(Card(widget=widget, age=ago(widget.at, now)) for widget in widgets),
        picker=range_picker(view.range, asked, zone=view.zone, zone_name=_zone_name(view)),
        zones=_zones(view),
        alert_choices=tuple(
            Choice(label=v, query=view.query(alerts=k), is_current=k == view.alerts) for k, v in ALERTS.items()
        ),
        zone_name=_zone_name(view),
        shown_at=f"{view.now.astimezone(view.zone):%a %-d %b %Y, %H:%M %Z}",
        is_part=is_part,
    )


def _is_chosen(alert: Alert, which: str) -> bool:
    if which == "critical":
        return alert.severity is Severity.CRITICAL
    return which == "all" or (alert.traits is not None and alert.traits.family is Family.BUSINESS)


def _line(alert: Alert, now: datetime) -> AlertLine:
    return AlertLine(
        id=alert.id,
        severity=alert.severity.value,
        title=alert.title or alert.key,
        since=ago(alert.began_at, now),
        is_acknowledged=alert.acked_at is not None,
    )


def _heading(
    dashboard: Dashboard, numbers: Numbers, widgets: Sequence[Widget], alerts: Sequence[Alert], view: View
) -> tuple[str, str]:
    """Return the heading about the present state of buyers or money, and the sentence below it."""
    by_name = {widget.name: widget for widget in widgets}
    silent = [widget.title for widget in widgets if widget.state.says_nothing]
    missing = f"{count(len(silent), 'widget')} without numbers: {', '.join(silent)}." if silent else ""
    if alerts:
        lead = alerts[0]
        if lead.severity is Severity.CRITICAL and any(blocks_buyers(alert) for alert in numbers.alerts):
            at = f"{began(lead, numbers.alerts).astimezone(view.zone):%H:%M}"
            return headline_of(lead, numbers.alerts, numbers.journeys, at), one_line(lead.summary, most=_LONGEST)
        more = f", and {count(len(alerts) - 1, 'more alert')}" if len(alerts) > 1 else ""
        since = f"{lead.began_at.astimezone(view.zone):%H:%M}"
        title = lead.title or lead.key
        said = title[:1].upper() + title[1:]
        return f"{said}, since {since}{more}.", one_line(lead.summary, most=_LONGEST)
    return _QUIET[dashboard.path](by_name), missing or _NO_ALERT[view.alerts]


def _executive(widgets: dict[str, Widget]) -> str:
    health, revenue = widgets.get("system_health_status"), widgets.get("revenue_today")
    works = health.sentence if health and health.sentence else "It is not known whether buyers can buy."
    if revenue is None or revenue.state.says_nothing:
        return works
    change = revenue.delta.partition(" to the usual")[0]
    if not change.startswith(("▲", "▼")) or change == revenue.delta:
        return f"{revenue.value} sold today. {works}"
    way = "above" if change.startswith("▲") else "below"
    sales = f"Sales run {change[2:]} {way} usual"
    return f"{sales}, and everything works." if works == "Everything works." else f"{sales}. {works}"


def _operations(widgets: dict[str, Widget]) -> str:
    off = [widget for widget in widgets.values() if widget.state in (WidgetState.CRITICAL, WidgetState.WARNING)]
    if off:
        return f"{off[0].title}: {off[0].state}. {count(len(off), 'widget')} to look at."
    if all(widget.state.says_nothing for widget in widgets.values()):
        return "Nothing is measured yet."
    return "No errors to act on."


def _business(widgets: dict[str, Widget]) -> str:
    cities = widgets.get("sales_by_city_trend")
    if cities is None or not cities.figures:
        return "Sales by city are not known yet."
    names = [figure.heading for figure in cities.figures]
    slips = [figure.heading for figure in cities.figures if figure.delta.startswith("▼")]
    lead = f"{names[0]} leads" if len(names) > 1 else f"{names[0]} sells"
    return f"{lead}, {slips[-1]} slips." if slips and slips[-1] != names[0] else f"{lead}; {cities.value} last week."


_QUIET = {"/executive": _executive, "/operations": _operations, "/business": _business}


def _facts(
    dashboard: Dashboard, numbers: Numbers, widgets: Sequence[Widget], now: datetime
) -> tuple[tuple[str, str], ...]:
    firing = told_alerts(numbers.alerts, now)
    told = sum(not widget.state.says_nothing for widget in widgets)
    counts = tuple(
        (severity.value.capitalize(), str(sum(alert.severity is severity for alert in firing))) for severity in _TOLD
    )
    refreshed = (
        f"every {dashboard.refresh_s} s" if dashboard.refresh_s < 120 else f"every {dashboard.refresh_s // 60} min"
    )
    judged = f"{span(now - numbers.judged_at)} ago" if numbers.judged_at and numbers.judged_at <= now else "–"
    shown = counts if dashboard.path == "/operations" else counts[:1]
    evaluated = () if dashboard.path == "/operations" else (("Judged", judged),)
    return (*shown, *evaluated, ("With numbers", f"{told} of {len(widgets)}"), ("Refreshes", refreshed))


def _zones(view: View) -> tuple[Choice, ...]:
    business = f"Business ({view.now.astimezone(view.business):%Z})"
    labels = {"local": "Local", "business": business, "utc": "UTC"}
    return tuple(
        Choice(label=label, query=view.query(zone=key), is_current=key == view.zone_key, key=key)
        for key, label in labels.items()
    )


def _zone_name(view: View) -> str:
    if view.zone_key == "local" and not view.browser_zone:
        return "UTC; your own zone needs JavaScript"
    return view.zone.key
