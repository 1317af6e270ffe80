"""Registers the reports: a new type is a file in this folder and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from reports.periodic import daily, monthly, quarterly, weekly, yearly
from reports.periodic.report import ReportType

REPORTS: Mapping[str, ReportType] = {
    one.name: one for one in (daily.REPORT, weekly.REPORT, monthly.REPORT, quarterly.REPORT, yearly.REPORT)
}
"""Every report type by its name, the shortest period first."""
