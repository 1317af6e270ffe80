"""`server_errors`: the site answers 500 or more inside our runs, at several locations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config import Complaint
from facts import Family, Outcome, Traits, Verdict, VerdictStatus
from sla.impossible import more_runs_than_are_made, too_many_locations_of_all
from sla.index import LOOK_BACK_SLOTS, HistoryIndex, first_good
from sla.kind import Kind, RunsNeed, Schedules
from sla.settings import InARow, Locations, Rule, Runs
from sla.wording import ids, newest, places, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerErrors(Rule):
    """First-party answers of 500 or more inside runs, in the last slots."""

    slots: InARow = 2
    responses: Runs = 3
    runs: Runs = 2
    locations: Locations = 2
    recover_slots: InARow = 2

    def _wrong(self) -> Iterator[str]:
        if self.runs > self.responses:
            yield f"runs: {self.runs} runs with {self.responses} bad answers together: write {self.runs} responses at least"
        if self.locations > self.runs:
            yield f"locations: {self.runs} runs are made at {self.runs} locations at most, and {self.locations} are wanted"


def judge(name: str, rule: ServerErrors, index: HistoryIndex) -> list[Verdict]:
    """Return one verdict over all journeys."""
    recent = [o for outcomes in index.last_slots(rule.slots).values() for o in outcomes]
    lately = [o for outcomes in index.last_slots(LOOK_BACK_SLOTS).values() for o in outcomes]
    bad = {o.run_id: _server_errors(o) for o in recent}
    broken = [o for o in recent if bad[o.run_id]]
    standing = [o for o in broken if not index.superseded(o)]
    responses = sum(len(answers) for answers in bad.values())
    where = sorted({answer for answers in bad.values() for answer in answers})
    needed = index.quorum(rule.locations)
    breached = (
        sum(len(bad[o.run_id]) for o in standing) >= rule.responses
        and len(standing) >= rule.runs
        and len({o.location for o in standing}) >= needed
    )
    word = (
        VerdictStatus.NO_DATA
        if not recent
        else VerdictStatus.CRITICAL
        if breached
        else VerdictStatus.OFF_TARGET
        if broken
        else VerdictStatus.MET
    )
    said = f" at {places(broken)}: {', '.join(where[:4])}" if broken else ""
    return [
        Verdict(
            rule=name,
            verdict=word,
            title=rule.title,
            title_past=rule.title_past,
            summary=f"{_answers(responses)} in {len(broken)} of {plural(len(recent), 'run')}{said} "
            f"(limit {rule.responses} in {plural(rule.runs, 'run')} at {plural(needed, 'location')})",
            summary_past=f"The site gave {_answers(responses)} in {len(broken)} of {plural(len(recent), 'run')}{said}"
            if broken
            else "",
            began_at=min((o.started_at for o in broken), default=None),
            ended_at=first_good(lately, bad=lambda o: bool(_server_errors(o))),
            severity=rule.severity,
            value=float(responses),
            limit=float(rule.responses),
            unit="responses",
            n=len(recent),
            window=f"last {rule.slots} slots",
            breached=breached,
            clear=bool(recent) and not broken,
            counted=tuple(sorted({o.location for o in recent})),
            left_out=index.all_left_out({o.location for o in recent}),
            samples=ids(broken),
            data_at=newest(recent),
            runbook=rule.runbook,
        )
    ]


def _answers(responses: int) -> str:
    return (
        f"{plural(responses, 'first-party answer')} of 500 or more"
        if responses
        else "no first-party answer of 500 or more"
    )


def _server_errors(outcome: Outcome) -> list[str]:
    return [
        f"{a.method} {a.endpoint} {a.status}" for a in outcome.requests if a.party == "first" and (a.status or 0) >= 500
    ]


def needs(rule: ServerErrors) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the answers of 500 or more in the last slots."""
    return (RunsNeed(slots=max(rule.slots, rule.recover_slots, LOOK_BACK_SLOTS) + 1, details=True, server_errors=True),)


def traits(_rule: ServerErrors, _subject: str | None) -> Traits:
    """Return what its verdicts are about: the whole site, by our runs."""
    return Traits(family=Family.JOURNEY, from_runs=True)


def feasible(name: str, rule: ServerErrors, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each number that the schedule cannot reach."""
    yield from too_many_locations_of_all(f"{name}.locations", rule.locations, schedules)
    most = sum(rule.slots * len(schedule.grids) for schedule in schedules.values())
    yield from more_runs_than_are_made(name, rule.runs, most, f"{rule.slots} slots")


KIND = Kind(settings=ServerErrors, judge=judge, needs=needs, traits=traits, feasible=feasible)
