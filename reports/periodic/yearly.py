"""Defines the yearly review of alert fatigue, which the guide requires: how many alerts people got, and which were unnecessary."""

from __future__ import annotations

from reports.periodic.data import Need, ReportData
from reports.periodic.period import PeriodKind
from reports.periodic.report import Action, Content, ReportType
from reports.periodic.sections.fatigue import doubtful, people, per_week, response, rules, weeks
from reports.periodic.sections.monitoring import false_alarms, false_positives
from reports.periodic.wording import share
from reports.words import count


def content(data: ReportData) -> Content:
    """Return what the report says."""
    fired = data.now.alerts
    wrong, _ = false_alarms(data.now)
    told = [story for story in data.now.stories if story.destinations]
    never = sum(story.acked_at is None for story in told)
    named = f"In {data.now.period.title}"
    if not fired:
        said, tone = f"{named} no alert fired.", "mute"
    else:
        a_week = per_week(len(told), data.now)
        part = f", and {share(never / len(told))} of the incidents were never acknowledged" if told else ""
        said = f"{named} {count(len(fired), 'alert')} fired; {a_week} incidents a week were told of{part}."
        tone = "warn" if told and never > 0.5 * len(told) else "good"
    suspects = doubtful(data)
    actions = [
        *(Action(text=f"Look at the thresholds of {one.rule} ({one.title}): {one.why}.") for one in suspects[:8]),
        *([Action(text=f"{count(wrong, 'alert')} fired without a fault of the site: see below.")] if wrong else []),
    ]
    sections = (people(data), response(data), rules(data), weeks(data), false_positives(data))
    return Content(
        sentence=said,
        tone=tone,
        actions=tuple(actions) or (Action(text="No threshold stands out.", tone="mute"),),
        sections=sections,
    )


REPORT = ReportType(
    name="yearly",
    title="Yearly review",
    purpose="Alert fatigue: how many alerts each person got, which nobody acted on, and which thresholds to look at.",
    kind=PeriodKind.YEAR,
    needs=frozenset((Need.ALERTS,)),
    content=content,
)
