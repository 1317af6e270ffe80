"""`consecutive`: a journey fails several times in a row at one location while others pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from facts import NOT_CONFIRMED, Family, Outcome, Traits, Verdict, VerdictStatus
from metrics.counting import Class
from sla.index import LATELY, HistoryIndex, first_good
from sla.kind import IN_A_ROW_S, About, Deployment, Kind, RunsNeed
from sla.settings import InARow, Rule
from sla.wording import ids, journey_title, newest, places, what_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Consecutive(Rule):
    """A journey fails again and again at one location while others pass."""

    failures: InARow = 3
    recover_passes: InARow = 2


def judge(name: str, rule: Consecutive, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each journey and location."""
    return [_one_location(name, rule, index, j, place) for j in index.journeys() for place in index.locations(j)]


def _one_location(name: str, rule: Consecutive, index: HistoryIndex, journey: str, place: str) -> Verdict:
    # A way to the shop that is gone is what this rule is about, though no other location has lost its own.
    wanted = max(LATELY, rule.failures, rule.recover_passes)
    runs = list(islice(index.counted(journey, place, network_counts=True), wanted))[::-1]
    last = runs[-rule.failures :]
    streak = _streak(index, journey, place)
    others = [next(index.counted(journey, other), None) for other in index.locations(journey) if other != place]
    passing = [o for o in others if o and index.speaks(o) and index.final(o) is Class.GOOD]
    fresh = bool(runs) and index.speaks(runs[-1])
    breached = fresh and len(streak) >= rule.failures and bool(passing)
    word = (
        VerdictStatus.NO_DATA
        if not fresh
        else VerdictStatus.WARNING
        if breached
        else VerdictStatus.OFF_TARGET
        if streak
        else VerdictStatus.MET
    )
    said = _of_one(rule, journey, place, streak, passing)
    return Verdict(
        rule=name,
        journey=journey,
        subject=place,
        verdict=word,
        title=f"{journey_title(journey)}: {rule.title} ({place})",
        title_past=f"{journey_title(journey)}: {rule.title_past or rule.title} ({place})",
        summary_past=_of_one(rule, journey, place, streak, (), over=True),
        began_at=streak[-1].started_at if streak else None,
        ended_at=first_good(runs, bad=lambda o: index.final(o, network_counts=True) is Class.BAD),
        summary=said if fresh else f"{journey_title(journey)} at {place}: {index.why_unknown(journey, place)}",
        severity=rule.severity,
        value=float(len(streak)),
        limit=float(rule.failures),
        unit="failures in a row",
        n=len(last),
        window=f"last {rule.failures} runs",
        breached=breached,
        clear=fresh and index.passed_last(runs, rule.recover_passes),
        counted=(place,) if fresh else (),
        left_out=() if fresh else (f"{place}: {index.why_unknown(journey, place)}",),
        samples=ids(streak),
        data_at=newest(last),
        runbook=rule.runbook,
        cause=what_failed(streak) if streak else "",
    )


def _of_one(
    rule: Consecutive,
    journey: str,
    place: str,
    streak: Sequence[Outcome],
    passing: Sequence[Outcome],
    *,
    over: bool = False,
) -> str:
    title = journey_title(journey)
    if not streak:
        return f"{title} passes at {place}"
    times = "once" if len(streak) == 1 else f"{len(streak)} times in a row"
    said = f"{title} {'failed' if over else 'fails'} at {place} {times} (limit {rule.failures}): {what_failed(streak)}"
    unconfirmed = (
        f"; {sum(o.unconfirmed for o in streak)} {NOT_CONFIRMED} by a second attempt"
        if any(o.unconfirmed for o in streak)
        else ""
    )
    return f"{said}{f'; passes at {places(passing)}' if passing else ''}{unconfirmed}"


def _streak(index: HistoryIndex, journey: str, place: str) -> list[Outcome]:
    """The failures since the last run that passed, latest first."""
    runs = index.counted(journey, place, network_counts=True)
    return list(takewhile(lambda o: index.final(o, network_counts=True) is Class.BAD and not index.superseded(o), runs))


def needs(_rule: Consecutive) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the last runs of each location."""
    return (RunsNeed(window_s=IN_A_ROW_S),)


def traits(_rule: Consecutive, subject: str | None) -> Traits:
    """Return what its verdicts are about: one location."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True, location_bound=subject)


def in_a_row(rule: Consecutive) -> dict[str, int]:
    """Return how many runs in a row its settings want."""
    return {"failures": rule.failures, "recover_passes": rule.recover_passes}


def idle(_rule: Consecutive, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if all(len(schedule.grids) < 2 for schedule in deployment.schedules.values()):
        yield "it compares locations, and no journey has a second one"


def why_closed(about: About, _rule: Consecutive, index: HistoryIndex) -> str | None:
    """Return why a journey is not judged at a location any more."""
    if about.journey is None or about.subject in index.locations(about.journey):
        return None
    return f"journey {about.journey} is not bought from {about.subject} any more (locations.yaml)"


KIND = Kind(
    settings=Consecutive,
    judge=judge,
    needs=needs,
    traits=traits,
    in_a_row=in_a_row,
    idle=idle,
    why_closed=why_closed,
)
