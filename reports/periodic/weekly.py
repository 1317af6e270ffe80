"""Defines the weekly review, which the guide requires: metrics, and what could be better."""

from __future__ import annotations

from reports.periodic.advice import actions, sentence
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
        incidents(data),
        availability(data),
        speed(data),
        opportunities(data),
        objectives(data),
        money(data),
        changes(data),
    )
    return Content(sentence=said, tone=tone, actions=tuple(actions(data)), sections=sections)


REPORT = ReportType(
    name="weekly",
    title="Weekly review",
    purpose="The metrics of a week and where they could be better, for the team.",
    kind=PeriodKind.WEEK,
    needs=frozenset((Need.RUNS, Need.VITALS, Need.ENDPOINTS, Need.MONEY, Need.ALERTS, Need.VERDICTS)),
    content=content,
)
