"""Defines the monthly report for stakeholders, which the guide requires: insights and recommendations."""

from __future__ import annotations

from reports.periodic.advice import actions, off_sources, sentence
from reports.periodic.data import Need, ReportData
from reports.periodic.period import PeriodKind
from reports.periodic.report import Content, ReportType
from reports.periodic.sections.availability import availability
from reports.periodic.sections.changes import changes
from reports.periodic.sections.incidents import incidents
from reports.periodic.sections.money import money
from reports.periodic.sections.objectives import objectives
from reports.periodic.sections.opportunities import opportunities
from reports.periodic.sections.speed import speed


def content(data: ReportData) -> Content:
    """Return what the report says."""
    said, tone = sentence(data)
    sections = (
        objectives(data),
        availability(data),
        incidents(data),
        money(data),
        speed(data),
        opportunities(data),
        changes(data),
    )
    return Content(sentence=said, tone=tone, actions=(*actions(data), *off_sources(data)), sections=sections)


REPORT = ReportType(
    name="monthly",
    title="Monthly report",
    purpose="How the shop did in a month and what to do about it, for owners and stakeholders.",
    kind=PeriodKind.MONTH,
    needs=frozenset((Need.RUNS, Need.VITALS, Need.ENDPOINTS, Need.MONEY, Need.ALERTS, Need.VERDICTS)),
    content=content,
)
