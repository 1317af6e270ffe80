"""`slow_runs`: several of the last runs took longer than the guide allows, at several locations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from config import Complaint
from facts import Family, Outcome, Status, Traits, Verdict, VerdictStatus
from sla.impossible import too_many_locations
from sla.index import HistoryIndex
from sla.kind import IN_A_ROW_S, Kind, RunsNeed, Schedules
from sla.settings import InARow, Locations, Rule
from sla.wording import ids, journey_title, newest, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRuns(Rule):
    """`slow` of the last `of` runs over the guide's duration, at several locations."""

    slow: InARow = 3
    of: InARow = 5
    locations: Locations = 2

    def _wrong(self) -> Iterator[str]:
        if self.slow > self.of:
            yield f"slow: {self.slow} of {self.of}: at most {self.of} runs are looked at, so it can never fire"


def judge(name: str, rule: SlowRuns, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each journey."""
    return [_slow(name, rule, index, journey) for journey in index.journeys()]


def _slow(name: str, rule: SlowRuns, index: HistoryIndex, journey: str) -> Verdict:
    last = {place: _last_passed(index, journey, place, rule.of) for place in index.locations(journey)}
    alive = {place: runs for place, runs in last.items() if runs and index.speaks(next(index.counted(journey, place)))}
    slow = {place: [o for o in runs if o.slow] for place, runs in alive.items()}
    places_slow = [place for place, runs in slow.items() if len(runs) >= rule.slow]
    found = [o for place in places_slow for o in slow[place]]
    every = [o for runs in alive.values() for o in runs]
    needed = index.quorum(rule.locations, journey)
    breached = len(places_slow) >= needed
    longest = max((o.duration_ms for o in every), default=0) / 1000
    word = (
        VerdictStatus.NO_DATA
        if not alive
        else VerdictStatus.WARNING
        if breached
        else VerdictStatus.OFF_TARGET
        if any(slow.values())
        else VerdictStatus.MET
    )
    return Verdict(
        rule=name,
        journey=journey,
        verdict=word,
        title=f"{journey_title(journey)}: {rule.title}",
        summary=_how_slow(rule, journey, "is", places_slow, len(alive), needed)
        + f"; {sum(o.slow for o in every)} of the last {plural(len(every), 'run')} over it, the longest took {longest:.1f} s",
        summary_past=_how_slow(rule, journey, "was", places_slow, len(alive), needed),
        began_at=min((o.started_at for o in found), default=None),
        severity=rule.severity,
        value=float(len(places_slow)),
        limit=float(needed),
        unit="locations",
        n=len(every),
        window=f"last {rule.of} runs per location",
        breached=breached,
        clear=bool(alive) and not any(slow.values()),
        counted=tuple(alive),
        left_out=index.left_out(journey, alive),
        samples=ids(found),
        data_at=newest(every),
        runbook=rule.runbook,
    )


def _how_slow(rule: SlowRuns, journey: str, verb: str, slow: list[str], of: int, needed: int) -> str:
    where = f"slow at {len(slow)} of {plural(of, 'location')} ({', '.join(slow)})" if slow else "slow at no location"
    limit = (
        f"over the guide's duration in {rule.slow} of the last {plural(rule.of, 'run')} at {plural(needed, 'location')}"
    )
    return f"{journey_title(journey)} {verb} {where} ({limit})"


def _last_passed(index: HistoryIndex, journey: str, place: str, n: int) -> list[Outcome]:
    passed = (o for o in index.counted(journey, place) if o.status is Status.PASSED)
    return list(islice(passed, n))[::-1]


def needs(_rule: SlowRuns) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the last runs of each location."""
    return (RunsNeed(window_s=IN_A_ROW_S),)


def traits(_rule: SlowRuns, _subject: str | None) -> Traits:
    """Return what its verdicts are about: a journey, of which a failure that is told already is no news."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True)


def feasible(name: str, rule: SlowRuns, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each journey with fewer locations than are wanted."""
    yield from too_many_locations(name, rule.locations, schedules)


def in_a_row(rule: SlowRuns) -> dict[str, int]:
    """Return how many runs in a row its settings want."""
    return {"slow": rule.slow}


KIND = Kind(settings=SlowRuns, judge=judge, needs=needs, traits=traits, feasible=feasible, in_a_row=in_a_row)
