"""Makes the files of the status page: the page, its JSON, its feed and its badges."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from facts import to_wire
from reports.charts import DayCell, percent_format
from reports.pages import render
from reports.status.badge import badge
from reports.status.feed import feed
from reports.status.summary import Component, StatusSummary
from reports.status.words import announcement, headline, sentence
from reports.text import clean

STATUS_FILES = ("index.html", "status.json", "feed.xml", "badge.svg")
"""The files that there are always; each component has a badge beside them."""
LOGO_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
"""The files that may be a logo, by ending."""
_CELL = {"none failed": "ok", "some failed": "some", "all failed": "all", "unknown": "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The appearance. `accent` is a colour like `#3b48cc`, `logo` a picture with its media type, `home` the address of the site.

    `url` is where the page is published; without it the feed's links lead nowhere else than to the page beside it.
    """

    title: str
    accent: str = "#3b48cc"
    logo: tuple[str, bytes] | None = None
    home: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A component's day: its kind (ok, some, all, unknown), its words, and the place of its incidents on the page, if it has any."""

    kind: str
    words: str
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow:
    """Holds a component as the page shows it."""

    name: str
    state: str
    state_words: str
    passed: str
    checks: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """Holds a day with its incidents, each as a sentence with its kind."""

    id: str
    title: str
    incidents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """Holds the data of the template; `at_ms` is the moment of publication in milliseconds since 1970."""

    look: Look
    logo: str | None
    state: str
    headline: str
    at: str
    at_ms: int
    components: tuple[ComponentRow, ...]
    first_day: str
    days: tuple[DayRow, ...]
    maintenance: tuple[str, ...]


def status_files(summary: StatusSummary, look: Look) -> Mapping[str, str]:
    """Return the content of each file, by its name."""
    files = {
        "index.html": render("status/index.html.j2", _page(summary, look)),
        "status.json": json.dumps(_as_json(summary, look), indent=2, ensure_ascii=False) + "\n",
        "feed.xml": feed(summary, title=look.title, url=look.url or "index.html"),
        "badge.svg": badge(look.title, summary.state),
    }
    for component in summary.components:
        # A journey's name may have any characters; a file's may not.
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", component.id)[:80]
        files[f"badge-{name}.svg"] = badge(component.name, component.state)
    return files


def _page(summary: StatusSummary, look: Look) -> StatusPage:
    by_day: dict[date, list[tuple[str, str]]] = {}
    for incident in summary.incidents:
        by_day.setdefault(incident.began_at.date(), []).append((incident.state.value, sentence(incident)))
    days = tuple(
        DayRow(id=f"{d:%Y-%m-%d}", title=f"{d:%-d %B %Y}", incidents=tuple(found)) for d, found in by_day.items()
    )
    first = min((c.days[0].day for c in summary.components if c.days), default=summary.at.date())
    logo = None
    if look.logo is not None:
        media, content = look.logo
        logo = f"data:{media};base64,{base64.b64encode(content).decode('ascii')}"
    return StatusPage(
        look=look,
        logo=logo,
        state=summary.state.value,
        headline=headline(summary),
        at=f"{summary.at:%-d %b %Y %H:%M} UTC",
        at_ms=round(summary.at.timestamp() * 1000),
        components=tuple(_row(component, summary) for component in summary.components),
        first_day=f"{first:%-d %b}",
        days=days,
        maintenance=tuple(announcement(one) for one in summary.maintenance),
    )


def _row(component: Component, summary: StatusSummary) -> ComponentRow:
    with_incidents = {i.began_at.date() for i in summary.incidents if i.component == component.id}
    share = component.passed_share
    return ComponentRow(
        name=component.name,
        state=component.state.value,
        state_words=component.state.words,
        passed=percent_format(share) if share is not None else "unknown",
        checks=f"{component.checks:,}",
        cells=tuple(_cell(day, with_incidents) for day in component.days),
    )


def _cell(day: DayCell, with_incidents: set[date]) -> Cell:
    counted = f", {day.bad:,} of {day.n:,} checks" if day.bad else ""
    return Cell(
        kind=_CELL[day.state],
        words=f"{day.day:%-d %b %Y}: {day.state}{counted}",
        href=f"#{day.day:%Y-%m-%d}" if day.day in with_incidents else None,
    )


def _as_json(summary: StatusSummary, look: Look) -> dict[str, Any]:
    return {
        "title": clean(look.title),
        "at": to_wire(summary.at),
        "state": summary.state.value,
        "components": [
            {
                "id": clean(component.id),
                "name": clean(component.name),
                "state": component.state.value,
                "checks": component.checks,
                "passed_share": component.passed_share,
                "days": [{"day": f"{d.day:%Y-%m-%d}", "checks": d.n, "failed": d.bad} for d in component.days],
            }
            for component in summary.components
        ],
        "maintenance": [
            {
                "names": [clean(name) for name in one.names],
                "starts_at": to_wire(one.starts_at),
                "ends_at": to_wire(one.ends_at),
                "reason": clean(one.reason),
            }
            for one in summary.maintenance
        ],
        "incidents": [
            {
                "id": clean(incident.id),
                "component": clean(incident.component),
                "state": incident.state.value,
                "began_at": to_wire(incident.began_at),
                "ended_at": to_wire(incident.ended_at),
                "text": clean(sentence(incident)),
            }
            for incident in summary.incidents
        ],
    }
