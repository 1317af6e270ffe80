"""The section on incidents: how long each lasted, who was notified, how soon it was acknowledged, and what it cost."""

from __future__ import annotations

from datetime import datetime, timedelta

from facts import Severity
from reports.periodic.data import ReportData, Story, Stretch
from reports.periodic.report import Cell, Section, Table
from reports.periodic.wording import about, length, moment
from reports.words import count

ACKNOWLEDGE_WITHIN = {
    Severity.CRITICAL: timedelta(minutes=5),
    Severity.HIGH: timedelta(minutes=15),
    Severity.MEDIUM: timedelta(hours=1),
}
"""The guide's response times."""
_MOST = 50
TONE = {Severity.CRITICAL: "bad", Severity.HIGH: "warn"}


def incidents(data: ReportData) -> Section:
    """Return the section; the most severe and longest incidents come first."""
    now = data.now
    stories = ordered(now)
    table = Table(
        label="Incidents",
        columns=("Incident", "Severity", "Began", "Lasted", "Who was told", "Acknowledged", "Lost sales"),
        rows=tuple(_row(story, data) for story in stories[:_MOST]),
        numbers=frozenset((3,)),
    )
    notes = []
    if len(stories) > _MOST:
        notes.append(f"{len(stories) - _MOST} more, all less severe or shorter, are not listed.")
    if stories:
        notes.append(
            "Lasted: from the beginning of the first bad run to the first good one after it. Lost sales: an estimate, what the same "
            "hours of the week usually sell, by the median of four weeks."
        )
    untold = [alert for alert in now.alerts if not alert.incident]
    if untold:
        notes.append(
            f"{count(len(untold), 'more alert')} fired and told nobody, because another one covered it or somebody silenced it."
        )
    return Section(
        ident="incidents",
        title="Incidents",
        lead=f"{_sum(now)} The period before: {_sum(data.before)}",
        tables=(table,) if stories else (),
        notes=tuple(notes),
    )


def ordered(stretch: Stretch) -> list[Story]:
    """Return the incidents, the most severe first, then the longest."""
    return sorted(
        stretch.stories, key=lambda story: (story.incident.severity.rank, -lasted(story, stretch.ends).total_seconds())
    )


def lasted(story: Story, now: datetime) -> timedelta:
    """Return how long an incident lasted; until now if it is open."""
    begins, ends = story.span(now)
    return ends - begins


def title_of(story: Story) -> str:
    """Return an incident's title: that of the alert that opened it, in the past tense if it is over."""
    lead = story.alerts[0] if story.alerts else None
    if lead is None:
        return story.incident.id
    over = story.incident.resolved_at is not None
    return (lead.title_past if over and lead.title_past else lead.title) or lead.summary


def _sum(stretch: Stretch) -> str:
    if not stretch.stories:
        return "no incident."
    whole = sum((lasted(story, stretch.ends) for story in stretch.stories), timedelta())
    critical = sum(story.incident.severity is Severity.CRITICAL for story in stretch.stories)
    return f"{count(len(stretch.stories), 'incident')}, {critical} of them critical, {length(whole)} in all."


def _row(story: Story, data: ReportData) -> tuple[Cell, ...]:
    incident, zone, ends = story.incident, data.now.period.zone, data.now.ends
    begins, _ = story.span(ends)
    is_open = incident.resolved_at is None
    more = len(story.alerts) - 1
    return (
        Cell(title_of(story), note=incident.id + (f", {count(more, 'more alert')}" if more > 0 else "")),
        Cell(incident.severity.value, TONE.get(incident.severity, "")),
        Cell(moment(begins, zone)),
        Cell(length(lasted(story, ends)), note="still open" if is_open else ""),
        _told(story),
        _acknowledged(story),
        _cost(story),
    )


def _told(story: Story) -> Cell:
    if not story.destinations:
        return Cell("nobody", "bad" if story.incident.severity is Severity.CRITICAL else "warn")
    names = ", ".join(story.destinations[:4])
    more = f" and {len(story.destinations) - 4} more" if len(story.destinations) > 4 else ""
    after = length(story.told_at - story.fired_at) if story.told_at and story.fired_at else "–"
    tiers = f", escalated to tier {story.tiers}" if story.tiers > 1 else ""
    return Cell(f"{names}{more}", note=f"first after {after}{tiers}")


def _acknowledged(story: Story) -> Cell:
    within = ACKNOWLEDGE_WITHIN.get(story.incident.severity)
    urgent = story.incident.severity is Severity.CRITICAL
    if story.acked_at is None:
        return Cell("never", "bad" if urgent else "warn" if within else "")
    by = next((alert.acked_by for alert in story.alerts if alert.acked_by), None) or "somebody"
    took = story.acked_at - story.fired_at if story.fired_at else None
    late = urgent and took is not None and within is not None and took > within
    return Cell(
        f"after {length(took)}",
        "warn" if late else "",
        f"by {by}" + (f", the guide wants {length(within)}" if late else ""),
    )


def _cost(story: Story) -> Cell:
    if story.lost is not None:
        return Cell(about(story.lost))
    return Cell("unknown", note=story.lost_unknown) if story.lost_unknown else Cell("–")
