"""`coverage`: too few of the expected slots have a result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import ClassVar

from config import Complaint
from facts import Family, Traits, Verdict, VerdictStatus
from metrics.counting import Class
from sla.durations import words
from sla.hours import slot_of
from sla.impossible import runs_made, too_few_runs
from sla.index import HistoryIndex
from sla.kind import Kind, RunsNeed, Schedules
from sla.settings import Apart, Rule, Samples, Settle, Share, Wait, Window
from sla.wording import newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Rule):
    """Too few of the expected slots have a result. `settle` is how long a result is waited for."""

    # A faster clock makes no browser faster: a run that fails and is confirmed takes what it takes.
    REAL_TIME: ClassVar[frozenset[str]] = frozenset({"settle"})

    least: Share = 0.8
    recover_at: Share = 0.95
    window: Window = "1h"
    settle: Settle = "150s"
    ticks: Apart = "10s"
    recover_for: Wait = "1h"
    min_n: Samples = 5

    def _wrong(self) -> Iterator[str]:
        if self.recover_at < self.least:
            yield f"recover_at: {self.recover_at:g} is less than {self.least:g}: it would recover while it fires"


def judge(name: str, rule: Coverage, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each journey."""
    return [_coverage(name, rule, index, journey) for journey in index.journeys()]


def _coverage(name: str, rule: Coverage, index: HistoryIndex, journey: str) -> Verdict:
    until = index.now - timedelta(seconds=rule.s("settle"))
    since = max(until - timedelta(seconds=rule.s("window")), index.history.watching_since)
    expected = good = 0
    poor: list[str] = []
    measured = []
    for place, grid in index.history.schedules[journey].grids.items():
        slots = set(grid.between(since, until)) if until > since else set()
        here = [
            o for o in takewhile(lambda o: slot_of(o) > since, index.latest_first(journey, place)) if o.slot in slots
        ]
        wanted = len(slots) - sum(index.first(o) is Class.SKIPPED for o in here)
        has = [o for o in here if index.final(o) in (Class.GOOD, Class.BAD)]
        measured += has
        expected, good = expected + wanted, good + len(has)
        if len(has) < rule.least * wanted:
            poor.append(f"{place}: {len(has)} of {wanted}")
    share = good / expected if expected else None
    enough = expected >= rule.min_n
    breached = enough and share is not None and share < rule.least
    word = VerdictStatus.INSUFFICIENT if not enough else VerdictStatus.WARNING if breached else VerdictStatus.MET
    shown = "no slot yet" if share is None else f"{share:.0%} of {expected} slots have a result"
    return Verdict(
        rule=name,
        journey=journey,
        verdict=word,
        title=f"{rule.title}: {journey}",
        summary=f"{journey}: {shown} (limit {rule.least:.0%}) in {words(rule.s('window'))}"
        + (f"; {'; '.join(poor)}" if poor else ""),
        severity=rule.severity,
        value=share,
        limit=rule.least,
        unit="ratio",
        n=expected,
        coverage=share,
        window=words(rule.s("window")),
        breached=breached,
        clear=enough and share is not None and share >= rule.recover_at,
        clear_for_s=rule.s("recover_for"),
        counted=tuple(index.locations(journey)),
        left_out=tuple(poor),
        data_at=newest(measured),
        runbook=rule.runbook,
    )


def needs(rule: Coverage) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the slots of its window."""
    return (RunsNeed(window_s=rule.s("window") + rule.s("settle")),)


def traits(_rule: Coverage, _subject: str | None) -> Traits:
    """Return what its verdicts are about: how much the monitor sees, by its own runs."""
    return Traits(family=Family.MONITOR, from_runs=True)


def feasible(name: str, rule: Coverage, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each journey that runs too seldom to be judged."""
    for journey, schedule in schedules.items():
        runs = runs_made(schedule, rule.s("window"))
        if runs < rule.min_n:
            yield too_few_runs(f"{name}.min_n", rule.min_n, runs, rule.s("window"), f"a longer window ({journey})")


KIND = Kind(settings=Coverage, judge=judge, needs=needs, traits=traits, feasible=feasible)
