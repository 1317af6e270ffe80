"""Defines the daily report: whether buyers could buy yesterday."""

from __future__ import annotations

from reports.periodic.advice import actions, sentence
from reports.periodic.data import Need, ReportData
from reports.periodic.period import PeriodKind
from reports.periodic.report import Content, ReportType
from reports.periodic.sections.availability import availability
from reports.periodic.sections.changes import changes
from reports.periodic.sections.incidents import incidents
from reports.periodic.sections.money import money
from reports.periodic.sections.speed import speed


def content(data: ReportData) -> Content:
    """Return what the report says."""
    said, tone = sentence(data)
    sections = (incidents(data), availability(data), money(data), speed(data), changes(data))
    return Content(sentence=said, tone=tone, actions=tuple(actions(data)), sections=sections)


REPORT = ReportType(
    name="daily",
    title="Daily summary",
    purpose="What happened on one day, for whoever starts in the morning.",
    kind=PeriodKind.DAY,
    needs=frozenset((Need.RUNS, Need.VITALS, Need.MONEY, Need.ALERTS, Need.VERDICTS)),
    content=content,
)
