"""`blocked`: a bot wall stops our runs at several locations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config import Complaint
from facts import Family, Status, Traits, Verdict, VerdictStatus
from sla.impossible import too_many_locations_of_all
from sla.index import LOOK_BACK_SLOTS, HistoryIndex, first_good
from sla.kind import Kind, RunsNeed, Schedules
from sla.settings import InARow, Locations, Rule
from sla.wording import ids, newest, places, plural, what_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked(Rule):
    """A bot wall stops us at several locations."""

    slots: InARow = 2
    locations: Locations = 2


def judge(name: str, rule: Blocked, index: HistoryIndex) -> list[Verdict]:
    """Return one verdict over all journeys: where bot walls stop the runs, nobody is watching the purchase."""
    recent = index.last_slots(rule.slots)
    lately = [o for outcomes in index.last_slots(LOOK_BACK_SLOTS).values() for o in outcomes]
    walled = {
        place: [o for o in outcomes if o.status is Status.BLOCKED and not index.superseded(o)]
        for place, outcomes in recent.items()
    }
    # Two slots of one location, or a first one at each of two: what stands now is the last outcome of each journey.
    blocked_now = {place: runs for place, runs in walled.items() if runs}
    runs = [o for found in blocked_now.values() for o in found]
    needed = index.quorum(rule.locations)
    breached = len(blocked_now) >= needed and any(len(found) >= rule.slots for found in blocked_now.values())
    word = (
        VerdictStatus.NO_DATA
        if not recent
        else VerdictStatus.WARNING
        if breached
        else VerdictStatus.OFF_TARGET
        if runs
        else VerdictStatus.MET
    )
    of = f"{len(blocked_now)} of {plural(len(recent), 'location')}"
    said = f"A bot wall stopped runs at {of} ({places(runs)}): {what_failed(runs)}" if runs else ""
    return [
        Verdict(
            rule=name,
            verdict=word,
            title=rule.title,
            title_past=rule.title_past,
            summary=(f"{said}; nobody is watching the purchase" if breached else said)
            or f"no bot wall at {plural(len(recent), 'location')}",
            summary_past=said,
            cause=what_failed(runs) if runs else "",
            began_at=min((o.started_at for o in runs), default=None),
            ended_at=first_good(lately, bad=lambda o: o.status is Status.BLOCKED),
            severity=rule.severity,
            value=float(len(blocked_now)),
            limit=float(needed),
            unit="locations",
            n=sum(len(outcomes) for outcomes in recent.values()),
            window=f"last {rule.slots} slots",
            breached=breached,
            clear=bool(recent) and not any(o.status is Status.BLOCKED for found in recent.values() for o in found),
            counted=tuple(sorted(recent)),
            left_out=index.all_left_out(recent),
            samples=ids(runs),
            data_at=newest([o for outcomes in recent.values() for o in outcomes]),
            runbook=rule.runbook,
        )
    ]


def needs(rule: Blocked) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the last slots."""
    return (RunsNeed(slots=max(rule.slots, LOOK_BACK_SLOTS) + 1),)


def traits(_rule: Blocked, _subject: str | None) -> Traits:
    """Return what its verdicts are about: all our runs."""
    return Traits(family=Family.JOURNEY, from_runs=True)


def feasible(name: str, rule: Blocked, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint where there are fewer locations than are wanted."""
    yield from too_many_locations_of_all(f"{name}.locations", rule.locations, schedules)


KIND = Kind(settings=Blocked, judge=judge, needs=needs, traits=traits, feasible=feasible)
