"""Adds the pages of incidents: the list, its CSV, the page of one incident, and the draft of its post-mortem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from facts import Severity
from hub.asked_range import asked_range
from hub.context import HubContext
from hub.errors import HubError
from hub.incident_data import load_incident, load_stories
from hub.loading import CLOCKS_APART
from hub.report_data import ReportSettings
from hub.report_pages import settings_of
from reports.incident_story import IncidentData
from reports.live.incident import incident_page
from reports.live.incidents import USUAL_RANGE, IncidentFilter, chosen, incidents_csv, incidents_page
from reports.periodic.data import Story
from reports.postmortem import postmortem
from reports.ranges import TimeRange
from store import incidents

if TYPE_CHECKING:
    from hub.site import Pages

MOST_LISTED = 2000
_STATES = ("", "open", "resolved")


def add_incident_pages(router: APIRouter, pages: Pages) -> None:
    """Add `/incidents`, `/incidents.csv`, `/incidents/{id}` and `/incidents/{id}.md`."""

    @router.get("/incidents")
    def list_incidents(request: Request) -> str:
        seen, now = pages.seen_by(request), pages.context.clock()
        shown = asked_range(seen, request, usual=USUAL_RANGE)
        asked = filter_of(request, shown.query(seen.zone.zone))
        frame = seen.frame("Incidents", "/incidents", refresh_s=30)
        return incidents_page(frame, _stories(pages, shown), asked, shown, dict(request.query_params), now)

    @router.get("/incidents.csv")
    def incidents_as_csv(request: Request) -> Response:
        seen = pages.seen_by(request)
        shown = asked_range(seen, request, usual=USUAL_RANGE)
        asked = filter_of(request, shown.query(seen.zone.zone))
        return csv_file(incidents_csv(chosen(_stories(pages, shown), asked), pages.context.clock()), "incidents.csv")

    @router.get("/incidents/{incident_id}")
    def show_incident(incident_id: str, request: Request) -> Response:
        name = incident_id.removesuffix(".md")
        data = read_incident(pages.context, name)
        if name != incident_id:
            text = postmortem(data, base_url=pages.context.policy.base_url)
            headers = {"Content-Disposition": f'attachment; filename="{name}.md"'}
            return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)
        refresh_s = 5 if data.is_open else 0
        seen = pages.seen_by(request)
        frame = seen.frame(name.upper(), f"/incidents/{name}", refresh_s=refresh_s)
        # The page is for its reader, in their zone; the draft of the post-mortem is for all, in the business's.
        return HTMLResponse(incident_page(frame, replace(data, zone=seen.zone.zone)))


def csv_file(text: str, name: str) -> Response:
    """Return a CSV as a file to keep."""
    return Response(
        text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def read_incident(context: HubContext, incident_id: str) -> IncidentData:
    """Return all that is stored about an incident. Raises HubError 404."""
    if incidents.number_of(incident_id) is None:
        raise HubError(404, f"no incident {incident_id!r:.80}; an id is written like inc-41, and /incidents lists them")
    settings = ReportSettings(watched=context.watched, targets=context.targets, base_url=context.policy.base_url)
    with context.store.read() as connection:
        data = load_incident(connection, incident_id, settings, context.policy, now=context.clock())
    if data is None:
        raise HubError(404, f"no incident {incident_id!r:.80}; /incidents lists those there are")
    return data


def _stories(pages: Pages, shown: TimeRange) -> list[Story]:
    context, now = pages.context, pages.context.clock()
    until = shown.until if shown.is_custom else now + CLOCKS_APART
    with context.store.read() as connection:
        found = incidents.of_period(connection, since=shown.since, until=until, limit=MOST_LISTED)
        return load_stories(connection, found, settings_of(pages), now=now)


def filter_of(request: Request, ranged: Mapping[str, str]) -> IncidentFilter:
    """Return what the address of the list asks for. Raises HubError 422."""
    asked = request.query_params
    return IncidentFilter(
        ranged=ranged,
        state=one_of("state", asked.get("state", ""), _STATES),
        severity=one_of("severity", asked.get("severity", ""), ("", *(severity.value for severity in Severity))),
        page=page_of(asked.get("page", "1")),
    )


def one_of(key: str, value: str, known: tuple[str, ...]) -> str:
    """Return a value of an address. Raises HubError 422 where it is none of those known."""
    if value not in known:
        raise HubError(422, f"{key}: {value!a:.40} is not known; there are {', '.join(filter(None, known))}")
    return value


def page_of(text: str) -> int:
    """Return the number of a page of a list. Raises HubError 422."""
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text) >= 1):
        raise HubError(422, f"page: {text!a:.40} is no number of a page; write 1 or more")
    return int(text)
