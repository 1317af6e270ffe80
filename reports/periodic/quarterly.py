"""Defines the quarterly review of monitoring effectiveness, which the guide requires: detection time, accuracy and coverage."""

from __future__ import annotations

from reports.periodic.data import Need, ReportData
from reports.periodic.period import PeriodKind
from reports.periodic.report import Action, Content, ReportType
from reports.periodic.sections.availability import availability
from reports.periodic.sections.incidents import incidents
from reports.periodic.sections.monitoring import (
    blind_share,
    blind_time,
    detection,
    detection_median,
    false_alarms,
    false_positives,
    guide_coverage,
    not_judged,
    sources,
)
from reports.periodic.wording import length, share
from reports.words import count, listed

_MOST_NAMED = 8


def content(data: ReportData) -> Content:
    """Return what the report says."""
    wrong, fired = false_alarms(data.now)
    median, blind = detection_median(data.now), blind_share(data)
    off = [source for source in data.sources if source.off is not None]
    idle = not_judged(data)
    seen = (
        f"an incident was told of {length(median)} after it began, by the median"
        if median is not None
        else "no incident was told of"
    )
    blindness = (
        "nothing is known of blind time" if blind is None else f"the monitor was blind {share(blind)} of the time"
    )
    said = f"In {data.now.period.title} {seen}; {wrong} of {count(fired, 'alert')} were false; {blindness}."
    is_bad = (blind is not None and blind > 0.05) or (fired > 0 and wrong > 0.2 * fired)
    actions = [
        *(
            [
                Action(
                    text=f"Mend what made {count(wrong, 'alert')} fire without a fault of the site: see the table below."
                )
            ]
            if wrong
            else []
        ),
        *(
            [Action(text=f"Find out why the monitor was blind {share(blind)} of the time.", tone="bad")]
            if blind and blind > 0.01
            else []
        ),
        *([Action(text=f"{count(len(idle), 'rule')} of the guide could not judge: {_names(idle)}.")] if idle else []),
        *(Action(text=f"Connect {source.name}: {source.off}.", tone="mute") for source in off),
    ]
    sections = (
        detection(data),
        false_positives(data),
        blind_time(data),
        guide_coverage(data),
        sources(data),
        incidents(data),
        availability(data),
    )
    unknown = median is None and blind is None
    if unknown:
        tone = "mute"
    elif is_bad or wrong:
        tone = "warn"
    else:
        tone = "good"
    return Content(
        sentence=said,
        tone=tone,
        actions=tuple(actions) or (Action(text="Nothing to do.", tone="mute"),),
        sections=sections,
    )


def _names(rules: list[str]) -> str:
    return (
        listed(rules)
        if len(rules) <= _MOST_NAMED
        else f"{', '.join(rules[:_MOST_NAMED])} and {len(rules) - _MOST_NAMED} more"
    )


REPORT = ReportType(
    name="quarterly",
    title="Quarterly review",
    purpose="How well the monitoring itself worked: detection, false alarms, blind time, coverage of the guide.",
    kind=PeriodKind.QUARTER,
    needs=frozenset((Need.RUNS, Need.ALERTS, Need.VERDICTS)),
    content=content,
)
