"""The guide's objectives that no alert judges: fast answers, no lost revenue, and problems found before buyers find them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from reports.periodic.data import Need, ReportData, Story, Stretch
from reports.periodic.report import Cell, Section, Table
from reports.periodic.wording import about, length
from reports.words import count, duration

_FAST_MS = 2000.0
"""The guide: "Sub-2 second response times under normal load"."""


def objectives(data: ReportData) -> Section:
    """Return the section with O1 to O3, each with the reason where it cannot be said."""
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


def _stopped(stretch: Stretch) -> list[Story]:
    return [s for s in stretch.stories if s.lost is not None or s.lost_unknown or s.signs_unknown or s.user_sign_at]


def _lost(stretch: Stretch) -> tuple[Cell, Cell]:
    stopped = _stopped(stretch)
    if not stopped:
        return Cell("nothing", note="no incident kept buyers from buying"), Cell("met", "good")
    sums: Counter[str] = Counter()
    for story in stopped:
        sums.update(story.lost or {})
    unknown = [story for story in stopped if story.lost is None]
    note = f"of {count(len(unknown), 'incident')} unknown: {unknown[0].lost_unknown}" if unknown else "an estimate"
    if len(unknown) == len(stopped):
        return Cell("unknown", note=note), Cell("unknown", "warn")
    is_lost = any(sums.values())
    return Cell(f"about {about(sums)}" if is_lost else "nothing", note=note), Cell(
        "missed", "bad"
    ) if is_lost else Cell("unknown" if unknown else "met", "mute" if unknown else "good")


def _found_first(stretch: Stretch) -> tuple[Cell, Cell]:
    stopped = [story for story in _stopped(stretch) if story.fired_at]
    if not stopped:
        return Cell("nothing to find", note="no incident kept buyers from buying"), Cell("met", "good")
    known = [story for story in stopped if not story.signs_unknown]
    if not known:
        return Cell("unknown", note=stopped[0].signs_unknown), Cell("unknown", "mute")
    leads = [lead for story in known if (lead := lead_time(story)) is not None]
    late = [lead for lead in leads if lead < timedelta()]
    quiet = len(known) - len(leads)
    told = f"{len(known) - len(late)} of {len(known)} incidents were told first"
    note = f"no sign of a real buyer in {quiet}" if quiet else ""
    if late:
        return Cell(told, note=note), Cell(f"missed: a buyer met it up to {length(-min(late))} sooner", "bad")
    return Cell(told, note=note), Cell("met", "good")


def lead_time(story: Story) -> timedelta | None:
    """Return how long before the first sign of a real buyer an incident was told of; below 0 where the buyer was first."""
    if story.user_sign_at is None or story.fired_at is None:
        return None
    return story.user_sign_at - story.fired_at
