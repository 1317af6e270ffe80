"""`third_parties`: requests to a third party fail at several locations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config import Complaint
from facts import Family, Outcome, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.impossible import more_runs_than_are_made, runs_made, too_many_locations_of_all
from sla.index import HistoryIndex, first_good
from sla.kind import About, Kind, RunsNeed, Schedules
from sla.settings import InARow, Locations, Rule, Runs, Window
from sla.wording import ids, newest, places, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdParties(Rule):
    """Requests to somebody else's service fail at several locations."""

    window: Window = "15m"
    runs: Runs = 2
    locations: Locations = 2
    recover_slots: InARow = 3

    def _wrong(self) -> Iterator[str]:
        if self.locations > self.runs:
            yield f"locations: {self.runs} runs are made at {self.runs} locations at most, and {self.locations} are wanted"


def judge(name: str, rule: ThirdParties, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each third party that any run of late asked something of."""
    hours = [hour for j in index.journeys() for hour in index.hours(j)]
    origins = sorted({origin for hour in hours for origin in hour.once(_third_parties)})
    return [_third_party(name, rule, index, origin) for origin in origins]


def _third_parties(outcomes: tuple[Outcome, ...]) -> set[str]:
    return {a.party for o in outcomes for a in o.requests if a.party != "first"}


def _third_party(name: str, rule: ThirdParties, index: HistoryIndex, origin: str) -> Verdict:
    recent = [o for j in index.journeys() for o in index.within(j, rule.s("window")) if _asked(o, origin)]
    failed = [o for o in recent if _failures(o, origin)]
    standing = [o for o in failed if not o.late and not index.superseded(o)]
    needed = index.quorum(rule.locations)
    breached = len(standing) >= rule.runs and len({o.location for o in standing}) >= needed
    last = [
        o for j in index.journeys() for place in index.locations(j) for o in index.last(j, place, rule.recover_slots)
    ]
    asked = [o for o in last if _asked(o, origin)]
    clean = bool(asked) and not any(_failures(o, origin) for o in last)
    answers = sorted({text for o in failed for text in _failures(o, origin)})
    said = f" at {places(failed)}: {', '.join(answers[:3])}" if failed else ""
    return Verdict(
        rule=name,
        subject=origin,
        verdict=VerdictStatus.NO_DATA
        if not recent
        else VerdictStatus.WARNING
        if breached
        else VerdictStatus.OFF_TARGET
        if failed
        else VerdictStatus.MET,
        title=f"{rule.title}: {origin}",
        summary=f"{origin}: requests failed in {len(failed)} of {plural(len(recent), 'run')} in {words(rule.s('window'))}{said} "
        f"(limit {plural(rule.runs, 'run')} at {plural(needed, 'location')})",
        began_at=min((o.started_at for o in failed), default=None),
        ended_at=first_good(recent, bad=lambda o: bool(_failures(o, origin))),
        severity=rule.severity,
        value=float(len(failed)),
        limit=float(rule.runs),
        unit="runs",
        n=len(recent),
        window=words(rule.s("window")),
        breached=breached and not clean,
        clear=clean,
        counted=tuple(sorted({o.location for o in recent})),
        samples=ids(failed),
        data_at=newest(recent),
        runbook=rule.runbook,
    )


def _asked(outcome: Outcome, origin: str) -> bool:
    return any(a.party == origin for a in outcome.requests)


def _failures(outcome: Outcome, origin: str) -> list[str]:
    return [
        f"{a.method} {a.endpoint} {a.status or 'no answer'}" for a in outcome.requests if a.party == origin and a.failed
    ]


def needs(rule: ThirdParties) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the requests to other parties in its window, and in the last slots."""
    return (RunsNeed(window_s=rule.s("window"), slots=rule.recover_slots + 1, details=True, third_parties=True),)


def traits(_rule: ThirdParties, _subject: str | None) -> Traits:
    """Return what its verdicts are about: somebody else's service, which a failing journey may not reach."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True)


def feasible(name: str, rule: ThirdParties, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each number that the schedule cannot reach."""
    yield from too_many_locations_of_all(f"{name}.locations", rule.locations, schedules)
    window_s = rule.s("window")
    # A window may begin just before a run: it holds one more than it is long.
    most = sum(runs_made(schedule, window_s) + len(schedule.grids) for schedule in schedules.values())
    yield from more_runs_than_are_made(name, rule.runs, most, words(window_s))


def why_closed(about: About, rule: ThirdParties, index: HistoryIndex) -> str | None:
    """Return why a third party is not judged any more."""
    runs = index.last_until_passed(rule.recover_slots)
    if runs is None or any(answer.party == about.subject for o in runs for answer in o.requests):
        return None
    return f"no run asks anything of {about.subject} any more"


KIND = Kind(settings=ThirdParties, judge=judge, needs=needs, traits=traits, feasible=feasible, why_closed=why_closed)
