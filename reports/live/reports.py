"""Renders `/reports`: every report type with its periods, and each report as a page of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reports.live.frame import Frame
from reports.pages import render
from reports.periodic.period import Period, current
from reports.periodic.registry import REPORTS
from reports.periodic.report import ReportPage, ReportType

_EARLIER = 2
"""How many past periods are linked; links to ever older ones would lead a crawler on for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodLink:
    """Holds one period to choose: its name in addresses, its title, and whether it is not over yet."""

    name: str
    title: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """Holds one report type with its newest periods; `example` is how a period of it is written."""

    name: str
    title: str
    purpose: str
    unit: str
    example: str
    periods: tuple[PeriodLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsPage:
    """Holds the data of the template."""

    frame: Frame
    rows: tuple[ReportRow, ...]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReportPage:
    """Everything the template of one report prints. `before` and `after` are the periods beside it, as far as the list of reports has
    them."""

    frame: Frame
    report: ReportPage
    name: str
    period: str
    before: PeriodLink | None
    after: PeriodLink | None


def listed_reports(now: datetime, zone: str) -> list[ReportRow]:
    """Return each report type with the period that it is now and the last whole ones, newest first."""
    return [_row(kind, now, zone) for kind in REPORTS.values()]


def _row(kind: ReportType, now: datetime, zone: str) -> ReportRow:
    return ReportRow(
        name=kind.name,
        title=kind.title,
        purpose=kind.purpose,
        unit=kind.kind.value,
        example=kind.kind.example,
        periods=tuple(_link(period, now) for period in _periods(kind, now, zone)),
    )


def _periods(kind: ReportType, now: datetime, zone: str) -> list[Period]:
    periods = [current(kind.kind, now, zone)]
    for _ in range(_EARLIER):
        periods.append(periods[-1].previous())
    return periods


def _link(period: Period, now: datetime) -> PeriodLink:
    return PeriodLink(name=period.name, title=period.title, is_current=period.until > now)


def reports_page(frame: Frame, rows: Sequence[ReportRow], zone: str) -> str:
    """Return the HTML of the list."""
    return render("live/reports.html.j2", ReportsPage(frame=frame, rows=tuple(rows), zone=zone))


def report_page(frame: Frame, report: ReportPage, kind: ReportType, period: Period, *, now: datetime) -> str:
    """Return the HTML of one report with the navigation of the hub."""
    listed = _periods(kind, now, period.zone)
    before, after = period.previous(), period.following()
    page = LiveReportPage(
        frame=frame,
        report=report,
        name=kind.name,
        period=period.name,
        before=_link(before, now) if before in listed else None,
        after=_link(after, now) if after in listed else None,
    )
    return render("live/report.html.j2", page)
