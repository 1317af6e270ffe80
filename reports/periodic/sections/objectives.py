"""The section on the guide's objectives without alerts: fast answers, no lost revenue, and problems found before buyers do."""

from __future__ import annotations

from datetime import timedelta

from metrics import IncidentImpact
from metrics.incidents import found_first, total_lost
from reports.periodic.data import Need, ReportData, Story, Stretch
from reports.periodic.report import Cell, Section, Table
from reports.periodic.wording import about, length
from reports.words import count, duration

_FAST_MS = 2000.0
"""The guide: "Sub-2 second response times under normal load"."""


def objectives(data: ReportData) -> Section:
    """Return the section with O1 to O3, each with the reason if it is unknown."""
    rows = (
        (Cell("Answers in less than 2 s", note="Objective O1"), *_fast(data.now), _fast(data.before)[0]),
        (Cell("No revenue lost", note="Objective O2"), *_lost(data.now), _lost(data.before)[0]),
        (Cell("Found before buyers did", note="Objective O3"), *_found_first(data.now), _found_first(data.before)[0]),
    )
    table = Table(label="Objectives", columns=("Objective", "This period", "Verdict", "Before"), rows=rows)
    return Section(ident="objectives", title="Objectives", tables=(table,))


def _fast(stretch: Stretch) -> tuple[Cell, Cell]:
    if (why := stretch.why_not.get(Need.ENDPOINTS)) is not None:
        return Cell("off", note=why), Cell("unknown", "mute")
    known = {name: times.p95 for name, times in stretch.endpoints.items() if times.p95 is not None}
    if not known:
        few = sum(times.n for times in stretch.endpoints.values())
        return Cell("unknown", note=f"{count(few, 'answer')} measured, 20 of one endpoint are needed"), Cell(
            "unknown", "mute"
        )
    slow = sorted((name for name, p95 in known.items() if p95 > _FAST_MS), key=lambda name: -known[name])
    worst = max(known, key=lambda name: known[name])
    said = Cell(f"p95 of {worst}: {duration(known[worst])}", note=f"the slowest of {count(len(known), 'endpoint')}")
    return said, Cell(f"missed by {', '.join(slow)}", "warn") if slow else Cell("met", "good")


def _stopped(stretch: Stretch) -> list[tuple[Story, IncidentImpact]]:
    return [(story, impact) for story in stretch.stories if (impact := story.impact) is not None]


def _lost(stretch: Stretch) -> tuple[Cell, Cell]:
    stopped = _stopped(stretch)
    if not stopped:
        return Cell("nothing", note="no incident kept buyers from buying"), Cell("met", "good")
    sums = total_lost([impact for _, impact in stopped])
    unknown = [story for story, impact in stopped if impact.lost is None]
    note = f"of {count(len(unknown), 'incident')} unknown: {unknown[0].lost_unknown}" if unknown else "an estimate"
    if len(unknown) == len(stopped):
        return Cell("unknown", note=note), Cell("unknown", "warn")
    if any(sums.values()):
        return Cell(f"about {about(sums)}", note=note), Cell("missed", "bad")
    return Cell("nothing", note=note), Cell("unknown", "mute") if unknown else Cell("met", "good")


def _found_first(stretch: Stretch) -> tuple[Cell, Cell]:
    stopped = [(story, impact) for story, impact in _stopped(stretch) if story.fired_at]
    if not stopped:
        return Cell("nothing to find", note="no incident kept buyers from buying"), Cell("met", "good")
    impacts = [impact for _, impact in stopped]
    share = found_first(impacts, stretch.period.since)
    if share.value is None:
        return Cell("unknown", note=stopped[0][0].signs_unknown), Cell("unknown", "mute")
    known = [impact for impact in impacts if impact.is_watched]
    first = sum(impact.is_found_first for impact in known)
    quiet = sum(impact.lead_s is None for impact in known)
    told = f"{first} of {share.n} incidents were told first"
    note = f"no sign of a real buyer in {quiet}" if quiet else ""
    if first < share.n:
        worst = min(impact.lead_s for impact in known if impact.lead_s is not None)
        return Cell(told, note=note), Cell(
            f"missed: a buyer met it up to {length(timedelta(seconds=-worst))} sooner", "bad"
        )
    return Cell(told, note=note), Cell("met", "good")
