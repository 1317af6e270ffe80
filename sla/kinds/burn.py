"""The error budget and the run's own length: F2a, F2b, F2c, F1."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from facts import Outcome, Status, Verdict, Word
from sla.durations import words
from sla.hours import Hour, slot_of
from sla.index import Class, HistoryIndex, first_good
from sla.statistics import wilson
from sla.targets import BurnRule, SlowRule
from sla.wording import ids, journey_title, newest, plural, what_failed


def budget_burns(name: str, rule: BurnRule, index: HistoryIndex) -> list[Verdict]:
    """F2: a verdict for each journey that runs often enough for the rule to fire."""
    schedules = index.history.schedules
    return [
        _burn(name, rule, index, journey) for journey in index.journeys() if rule.can_fire(journey, schedules[journey])
    ]


def _burn(name: str, rule: BurnRule, index: HistoryIndex, journey: str) -> Verdict:
    hours = index.hours_within(journey, rule.s("window"), settle_s=rule.s("settle"))
    passed = [(hour.location, hour.once(_passed_at_first)) for hour in hours]
    bad = [o for hour in hours for o in hour.once(_stumbled) if index.first(o) is Class.BAD]
    bad.sort(key=lambda o: (slot_of(o), o.run_id))
    n = sum(good.n for _, good in passed) + len(bad)
    every = sum(len(hour.outcomes) for hour in hours)
    schedule, locations = index.history.schedules[journey], {o.location for o in bad}
    limit = rule.limit(journey, schedule)
    recent = _since(bad, index, rule.recent_s(journey, schedule) + rule.s("settle"))
    counted = _counted_since(min((o.started_at for o in [*recent, *bad[-1:]]), default=None), hours, index)
    # Only a run that is the last word of its location may begin a page: a failure from before the last pass is history.
    recent = [o for o in recent if not o.late and not _passed_since(counted, o) and not index.superseded(o)]
    breached = len(bad) >= limit and len(locations) >= index.quorum(rule.locations, journey) and bool(recent)
    quiet = not _since(bad, index, rule.s("quiet") + rule.s("settle"))
    few = len(bad) < limit * rule.recover_share
    low, high = wilson(n - len(bad), n)
    good_share = 1 - len(bad) / n if n else None
    word = Word.NO_DATA if not n else Word.CRITICAL if breached else Word.OFF_TARGET if bad else Word.MET
    rate = f"{good_share:.1%} of {n} first attempts passed" if good_share is not None else "no result"
    said = f"; the last one, at {_last(bad).location}: {what_failed(bad)}" if bad else ""
    found = f"{plural(len(bad), 'failed first attempt')} in {words(rule.s('window'))}"
    return Verdict(
        rule=name,
        journey=journey,
        verdict=Word.WARNING if breached and rule.severity != "critical" else word,
        title=f"{journey_title(journey)}: {rule.title}",
        summary=f"{journey_title(journey)}: {found} (limit {limit}); {rate}{said}",
        summary_past=f"{journey_title(journey)} had {found} (limit {limit}){said}" if bad else "",
        began_at=min((o.started_at for o in bad), default=None),
        ended_at=first_good(counted, bad=lambda o: index.first(o) is Class.BAD),
        severity=rule.severity,
        value=good_share,
        limit=rule.target,
        unit="ratio",
        low=low,
        high=high,
        n=n,
        coverage=n / every if every else None,
        window=words(rule.s("window")),
        breached=breached,
        clear=bool(n) and few and quiet,
        counted=tuple(sorted({place for place, good in passed if good.n} | locations)),
        samples=ids(bad),
        data_at=max((at for at in [newest(bad), *(good.newest for _, good in passed)] if at), default=None),
        runbook=rule.runbook,
    )


class _Good(NamedTuple):
    """How many passed at their first attempt, and when the newest of them finished."""

    n: int
    newest: datetime | None


def _passed_at_first(outcomes: tuple[Outcome, ...]) -> _Good:
    good = [o for o in outcomes if (o.first_status or o.status) is Status.PASSED]
    return _Good(len(good), newest(good))


def _stumbled(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [o for o in outcomes if (o.first_status or o.status) is not Status.PASSED]


def _counted_since(since: datetime | None, hours: list[Hour], index: HistoryIndex) -> list[Outcome]:
    """The runs that count and began no earlier than a moment; none where there is no moment.

    Whether a location has passed since, and which run was the first good one, is asked of these alone: of three days few are left.
    """
    if since is None:
        return []
    late = (o for hour in hours if hour.once(_latest_start) >= since for o in hour.outcomes if o.started_at >= since)
    return [o for o in late if index.first(o) in (Class.GOOD, Class.BAD)]


def _latest_start(outcomes: tuple[Outcome, ...]) -> datetime:
    return max(o.started_at for o in outcomes)


def _passed_since(counted: list[Outcome], bad: Outcome) -> bool:
    """Whether the location passed at a first attempt after a bad one."""
    return any(
        o.location == bad.location and o.started_at > bad.started_at and o.status is Status.PASSED for o in counted
    )


def _last(outcomes: list[Outcome]) -> Outcome:
    return max(outcomes, key=lambda o: o.finished_at)


def _since(outcomes: list[Outcome], index: HistoryIndex, length_s: float) -> list[Outcome]:
    return [o for o in outcomes if o.finished_at > index.now - timedelta(seconds=length_s)]


def runs_are_slow(name: str, rule: SlowRule, index: HistoryIndex) -> list[Verdict]:
    """F1: a verdict for each journey."""
    return [_slow(name, rule, index, journey) for journey in index.journeys()]


def _slow(name: str, rule: SlowRule, index: HistoryIndex, journey: str) -> Verdict:
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
        Word.NO_DATA if not alive else Word.WARNING if breached else Word.OFF_TARGET if any(slow.values()) else Word.MET
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


def _how_slow(rule: SlowRule, journey: str, verb: str, slow: list[str], of: int, needed: int) -> str:
    where = f"slow at {len(slow)} of {plural(of, 'location')} ({', '.join(slow)})" if slow else "slow at no location"
    limit = (
        f"over the guide's duration in {rule.slow} of the last {plural(rule.of, 'run')} at {plural(needed, 'location')}"
    )
    return f"{journey_title(journey)} {verb} {where} ({limit})"


def _last_passed(index: HistoryIndex, journey: str, place: str, n: int) -> list[Outcome]:
    passed = (o for o in index.counted(journey, place) if o.status is Status.PASSED)
    return list(islice(passed, n))[::-1]
