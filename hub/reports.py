"""Makes reports for the hub: a period's data from the store, and the report about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.report_data import ReportSettings, load_report_data
from reports.periodic.period import Period
from reports.periodic.registry import REPORTS
from reports.periodic.report import ReportPage, ReportType, render_page, report_context
from store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeReport:
    """Holds a report that was made, its type, and the period that it is about."""

    kind: ReportType
    period: Period
    page: ReportPage

    @property
    def file_name(self) -> str:
        """The name of its file: `monthly-2026-11.html`."""
        return f"{self.kind.name}-{self.period.name}.html"

    def html(self) -> str:
        """Return it as one HTML file that needs no network."""
        return render_page(self.page)


def make_report(store: Store, name: str, period: Period, settings: ReportSettings, *, now: datetime) -> MadeReport:
    """Return the report of a type about a period. Raises KeyError for an unknown type."""
    kind = REPORTS[name]
    with store.read() as connection:
        data = load_report_data(connection, kind.needs, period, settings, now=now)
    return MadeReport(kind=kind, period=period, page=report_context(kind, data))
