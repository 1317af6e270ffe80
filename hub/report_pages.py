"""Adds the page of reports, and each report as a page and as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from hub.errors import HubError
from hub.report_data import ReportSettings
from hub.reports import MadeReport, make_report
from reports.live.reports import listed_reports, report_page, reports_page
from reports.periodic.period import PeriodError, last_whole, read_period
from reports.periodic.registry import REPORTS

if TYPE_CHECKING:
    from hub.site import Pages


def add_reports(router: APIRouter, pages: Pages) -> None:
    """Add `/reports` and `/reports/{name}`: `for` names the period, `download=1` answers with a file."""

    @router.get("/reports")
    def list_reports(request: Request) -> str:
        seen, context = pages.seen_by(request), pages.context
        zone = settings_of(pages).zone
        frame = seen.frame("Reports", "/reports", refresh_s=0)
        return reports_page(frame, listed_reports(context.clock(), zone), zone)

    @router.get("/reports/{name}")
    def show_report(name: str, request: Request) -> Response:
        made = _made(pages, name, request.query_params.get("for"))
        if request.query_params.get("download") == "1":
            headers = {"Content-Disposition": f'attachment; filename="{made.file_name}"'}
            return HTMLResponse(made.html(), headers=headers)
        frame = pages.seen_by(request).frame(made.page.title, "/reports", refresh_s=0)
        return HTMLResponse(report_page(frame, made.page, made.kind, made.period, now=pages.context.clock()))


def settings_of(pages: Pages) -> ReportSettings:
    """Return what the hub's reports are made by."""
    context = pages.context
    return ReportSettings(watched=context.watched, targets=context.targets, base_url=context.policy.base_url)


def _made(pages: Pages, name: str, asked: str | None) -> MadeReport:
    """Return a report; of the last whole period where none is asked for. Raises HubError."""
    kind = REPORTS.get(name)
    if kind is None:
        raise HubError(404, f"no report {name!r:.60}; there are: {', '.join(REPORTS)}")
    settings, now = settings_of(pages), pages.context.clock()
    try:
        period = (
            read_period(asked.strip(), kind.kind, now=now, zone=settings.zone)
            if asked
            else last_whole(kind.kind, now, settings.zone)
        )
    except PeriodError as error:
        raise HubError(422, f"for: {error}") from None
    return make_report(pages.context.store, name, period, settings, now=now)
