"""`silent`: a location, or all of them, sends no results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from config import Complaint
from config.bounds import Bounds, Length
from facts import Family, Inhibition, Outcome, Same, Severity, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.impossible import complaint
from sla.index import HistoryIndex
from sla.kind import Kind, RunsNeed, Schedules
from sla.settings import InARow, Rule

_ALL = "all"
_Periods = Annotated[float, Bounds(0.5, 100, "it is how many periods of the schedule may pass without a run")]
_Margin = Annotated[str, Length("0s", "1d", "it is added to the periods that may pass in silence")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent(Rule):
    """A location, or all of them, sends nothing."""

    periods: _Periods = 2
    margin: _Margin = "90s"
    all_periods: _Periods = 1
    all_margin: _Margin = "90s"
    recover_runs: InARow = 2


def judge(name: str, rule: Silent, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each location, and one for all of them together (subject `all`)."""
    places = index.all_locations()
    return [_everywhere(name, rule, index, places), *(_place(name, rule, index, place) for place in places)]


def _silent_s(index: HistoryIndex, place: str) -> float:
    """For how long the hub has listened in vain. A hub that was down or asleep has not listened: that says nothing of a location."""
    since = index.history.watching_since
    heard = max(index.history.last_received.get(place, since), since)
    return index.history.silent_s.get(place, (index.now - heard).total_seconds())


def _age_s(index: HistoryIndex, places: Iterable[str]) -> float | None:
    """How old the last result of some locations is; None where there is none."""
    received = index.history.last_received
    # What came while the hub's clock was ahead is older than it says: at least as old as the silence since then is long.
    ages = [
        max((index.now - received[place]).total_seconds(), _silent_s(index, place))
        for place in places
        if place in received
    ]
    return min(ages, default=None)


def _quiet_since(index: HistoryIndex, place: str) -> datetime | None:
    """When the last result of a silent location came; None where none ever did."""
    at = index.history.last_received.get(place)
    return at and min(at, index.now - timedelta(seconds=_silent_s(index, place)))


def _period_s(index: HistoryIndex, place: str) -> float:
    schedules = index.history.schedules.values()
    return float(min(schedule.period_s for schedule in schedules if place in schedule.grids))


def _place(name: str, rule: Silent, index: HistoryIndex, place: str) -> Verdict:
    limit = rule.periods * _period_s(index, place) + rule.s("margin")
    silent_s, age = _silent_s(index, place), _age_s(index, [place])
    is_silent = silent_s > limit
    # The hub was down, or has just begun: it may not call a location silent yet, nor well.
    unheard = not is_silent and (age is None or age > limit)
    n = _received(index, place, index.now - timedelta(seconds=limit))
    word = (
        VerdictStatus.NO_DATA
        if unheard and age is not None
        else VerdictStatus.INSUFFICIENT
        if unheard
        else VerdictStatus.MET
    )
    return Verdict(
        rule=name,
        subject=place,
        verdict=VerdictStatus.WARNING if is_silent else word,
        title=f"{rule.title}: {place}",
        summary=f"{place}: {_last_word(age, silent_s)} (limit {words(limit)}){_listening(silent_s, unheard=unheard)}"
        f"{_of_runners(index, place, is_silent=is_silent)}",
        severity=rule.severity,
        value=age if age is not None else silent_s,
        limit=limit,
        unit="s",
        n=n,
        window="since the last result",
        began_at=_quiet_since(index, place) if is_silent else None,
        summary_past=f"{place} sent no result for {words(silent_s if age is None else age)} (limit {words(limit)})"
        if is_silent
        else "",
        breached=is_silent,
        clear=not is_silent and not unheard and n >= rule.recover_runs and _is_heard(index, [place]),
        counted=(place,),
        data_at=index.history.last_received.get(place),
        runbook=rule.runbook,
    )


def _is_heard(index: HistoryIndex, places: Iterable[str]) -> bool:
    """Whether one of some locations was heard since the watch was broken: a silence does not end because the clock was set."""
    return any(place not in index.history.not_heard_since for place in places)


def _received(index: HistoryIndex, place: str, since: datetime) -> int:
    """How many results came from a location after a moment and until now, whichever slots they are of."""
    hours = [hour for journey in index.journeys() for hour in index.hours(journey, place)]
    lately = [hour for hour in hours if hour.once(_last_received) > since]
    return sum(since < o.received_at <= index.now for hour in lately for o in hour.outcomes)


def _last_received(outcomes: tuple[Outcome, ...]) -> datetime:
    return max(o.received_at for o in outcomes)


def _last_word(age_s: float | None, silent_s: float) -> str:
    if age_s is None:
        return f"no result in the {words(silent_s)} since the hub began to watch"
    return f"the last result came {words(age_s)} ago"


def _listening(silent_s: float, *, unheard: bool) -> str:
    return f"; the hub has listened for {words(silent_s)} only" if unheard else ""


def _of_runners(index: HistoryIndex, place: str, *, is_silent: bool) -> str:
    word = index.runners_word(place) if is_silent else ""
    return f"; {word}" if word else ""


def _everywhere(name: str, rule: Silent, index: HistoryIndex, places: list[str]) -> Verdict:
    silent_s = min((_silent_s(index, place) for place in places), default=0.0)
    age = _age_s(index, places)
    period = min((_period_s(index, place) for place in places), default=0.0)
    limit = rule.all_periods * period + rule.s("all_margin")
    blind = silent_s > limit
    unheard = not blind and (age is None or age > limit)
    word = (
        VerdictStatus.NO_DATA
        if unheard and age is not None
        else VerdictStatus.INSUFFICIENT
        if unheard
        else VerdictStatus.MET
    )
    shown = words(silent_s if age is None else age)
    where = f"of {len(places)} locations ({', '.join(places)})"
    waiting = blind or age is None
    said = f"no result from any {where} for {shown}" if waiting else f"the last result {where} came {shown} ago"
    return Verdict(
        rule=name,
        subject=_ALL,
        verdict=VerdictStatus.CRITICAL if blind else word,
        title="The monitor is blind: no location sends results",
        title_past="The monitor was blind: no location sent results",
        summary=f"{said} (limit {words(limit)}){_listening(silent_s, unheard=unheard)}",
        summary_past=f"no location ({', '.join(places)}) sent a result for {shown} (limit {words(limit)})"
        if blind
        else "",
        began_at=max((at for place in places if (at := _quiet_since(index, place))), default=None) if blind else None,
        severity=Severity.CRITICAL,
        value=age if age is not None else silent_s,
        limit=limit,
        unit="s",
        n=len(places),
        window="since the last result",
        breached=blind,
        clear=not blind and not unheard and _is_heard(index, places),
        counted=tuple(places),
        data_at=max(index.history.last_received.values(), default=None),
        runbook=rule.runbook,
    )


def needs(rule: Silent) -> tuple[RunsNeed, ...]:
    """Return what it looks at: when the last results came."""
    return (RunsNeed(window_s=rule.s("margin"), slots=int(rule.periods) + rule.recover_runs + 1),)


def traits(_rule: Silent, subject: str | None) -> Traits:
    """Return what its verdicts are about: one location, of whose runs nothing is known, or all of them."""
    if subject == _ALL:
        return Traits(family=Family.MONITOR, inhibits=(Inhibition(from_runs=True), Inhibition(same=Same.RULE)))
    inhibits = (Inhibition(family=Family.JOURNEY, same=Same.LOCATION),)
    return Traits(family=Family.MONITOR, location_bound=subject, inhibits=inhibits)


def feasible(name: str, rule: Silent, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint where it would fire between two runs, or never end."""
    periods: dict[str, list[int]] = {}
    for schedule in schedules.values():
        for place in schedule.grids:
            periods.setdefault(place, []).append(schedule.period_s)
    for key, many, margin in (("periods", rule.periods, "margin"), ("all_periods", rule.all_periods, "all_margin")):
        # All locations together speak oftener than each of them; alone, it is the one that speaks for all.
        often = max((len(periods) if key == "all_periods" else 1), 1)
        for period in sorted({min(of_place) for of_place in periods.values()}):
            limit, between = many * period + rule.s(margin), period / often
            if limit <= between:
                what = f"silent after {words(limit)}, and a run comes every {words(between)} only: it would fire between two"
                yield complaint(f"{name}.{key}", what, f"more periods, or a longer {margin}")
    for place, of_place in periods.items():
        limit = rule.periods * min(of_place) + rule.s("margin")
        most = sum(int(limit // period) + 1 for period in of_place)
        if rule.recover_runs > most:
            what = f"wants {rule.recover_runs} runs in {words(limit)}, and {place} makes {most} at most: it would never end"
            yield complaint(f"{name}.recover_runs", what, "a smaller number")
            return


KIND = Kind(settings=Silent, judge=judge, needs=needs, traits=traits, feasible=feasible)
