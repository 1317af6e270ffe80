"""`clock_skew`: a runner's clock, or the hub's own, is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from config.bounds import Bounds
from facts import SKEWS_KEPT, WAITS_FROM_S, Family, Severity, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import Kind
from sla.settings import Rule

_HUB = "hub"
_OWN_CLOCK_FOR_S = 30.0
_ClockSeconds = Annotated[float, Bounds(0.1, 86_400, "it is how many seconds a clock may be off, a day at most")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew(Rule):
    """A runner's clock is not the hub's: so many seconds off, in the median of five messages. Over `reject_s` its times are
    not believed. These are seconds of clocks, which no scale makes shorter."""

    warn_s: _ClockSeconds = 5
    reject_s: _ClockSeconds = 30
    recover_s: _ClockSeconds = 2

    def _wrong(self) -> Iterator[str]:
        if not 0 < self.recover_s <= self.warn_s <= self.reject_s:
            numbers = f"{self.recover_s:g}, {self.warn_s:g}, {self.reject_s:g}"
            yield f"warn_s: the numbers must rise: recover_s, warn_s, reject_s are {numbers}"


def judge(name: str, rule: ClockSkew, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each location, of the runner there whose clock is furthest off, and one for the hub's (subject `hub`)."""
    return [_own_clock(name, rule, index), *(_skew(name, rule, index, place) for place in index.all_locations())]


def _own_clock(name: str, rule: ClockSkew, index: HistoryIndex) -> Verdict:
    clock = index.history.hub_clock
    off = abs(clock.behind_s) if clock.is_wrong and clock.behind_s is not None else None
    way = "behind" if (clock.behind_s or 0) > 0 else "ahead"
    said = (
        "nobody is heard whose clock could tell" if not clock.readings else "the runners' clocks agree with the hub's"
    )
    word = VerdictStatus.NO_DATA if not clock.readings else VerdictStatus.MET
    if clock.is_undecided:
        word, said = (
            VerdictStatus.INSUFFICIENT,
            f"{', '.join(clock.by)} disagrees with the hub's clock, and nobody else is heard",
        )
    if off is not None:
        word = VerdictStatus.CRITICAL if clock.holds_results else VerdictStatus.WARNING
        said = (
            f"the hub's clock is {words(off)} {way}, as {len(clock.by)} of {clock.readings} say ({', '.join(clock.by)})"
        )
        said += "; no result is taken and nothing is judged until it is right" if clock.holds_results else ""
    return Verdict(
        rule=name,
        subject=_HUB,
        verdict=word,
        title="The hub's clock is wrong",
        summary=f"{said} (limit {rule.reject_s:g} s)",
        severity=Severity.CRITICAL if clock.holds_results else Severity.HIGH,
        value=off,
        limit=rule.reject_s,
        unit="s",
        n=clock.readings,
        window="now",
        breached=off is not None,
        clear=word is VerdictStatus.MET,
        # A message that waited while the hub was stopped looks as if the clock was ahead; the next one does not.
        for_s=_OWN_CLOCK_FOR_S if off is not None else 0.0,
        counted=clock.by,
        samples=clock.by if off is not None else (),
        samples_are_runs=False,
        data_at=index.now,
        runbook=rule.runbook,
    )


def _skew(name: str, rule: ClockSkew, index: HistoryIndex, place: str) -> Verdict:
    alive = index.answering(place)
    known = [(abs(runner.skew_s), runner) for runner in alive if runner.skew_s is not None]
    off, runner = max(known, key=lambda one: one[0], default=(None, None))
    rejected = off is not None and off > rule.reject_s
    # The newest message tells whether a clock was set right just now, the runner's or the hub's.
    is_right_now = runner is not None and abs(runner.skews[-1]) <= rule.warn_s
    breached = off is not None and off > rule.warn_s and not is_right_now
    word = (
        VerdictStatus.NO_DATA
        if not alive
        else VerdictStatus.INSUFFICIENT
        if off is None
        else VerdictStatus.WARNING
        if breached
        else VerdictStatus.MET
    )
    if off is not None and off > rule.warn_s and is_right_now:
        word = VerdictStatus.INSUFFICIENT
    said = f"{place}: no runner is heard" if not alive else f"{place}: fewer than {SKEWS_KEPT} messages yet"
    if off is not None and runner is not None:
        way = "ahead of" if (runner.skew_s or 0) > 0 else "behind"
        said = f"{place}: the clock of runner {runner.id or 'without a name'} is {off:.1f} s {way} the hub's"
        said += "; its times are set right by the hub's" if rejected else ""
        said += _whose(index)
    limit = rule.reject_s if rejected else rule.warn_s
    if index.history.hub_clock.is_wrong:
        word, breached, said = (
            VerdictStatus.NO_DATA,
            False,
            f"{place}: cannot be told while the hub's own clock is wrong",
        )
    return Verdict(
        rule=name,
        subject=place,
        verdict=word,
        title=f"{rule.title}: {place}",
        summary=f"{said} (limit {limit:g} s)",
        severity=Severity.HIGH if rejected else rule.severity,
        value=off,
        limit=limit,
        unit="s",
        n=len(runner.skews) if runner else 0,
        window=f"{SKEWS_KEPT} messages",
        breached=breached,
        clear=word is VerdictStatus.MET and off is not None and off < rule.recover_s,
        counted=(place,) if off is not None else (),
        data_at=runner.heard_at if runner else max((r.heard_at for r in alive), default=None),
        runbook=rule.runbook,
    )


def _whose(index: HistoryIndex) -> str:
    clock = index.history.hub_clock
    if not clock.is_undecided:
        return ""
    far = abs(clock.behind_s or 0.0) > WAITS_FROM_S
    waits = "; what it dates into the hub's future waits there until one of them is right" if far else ""
    return f"; it may be the hub's clock that is wrong: no other runner is heard{waits}"


def needs(_rule: ClockSkew) -> tuple[()]:
    """Return what it looks at: nothing that is loaded for it; the runners tell of their clocks in each message."""
    return ()


def traits(_rule: ClockSkew, subject: str | None) -> Traits:
    """Return what its verdicts are about: the clock of a location, or the hub's."""
    return Traits(family=Family.MONITOR, location_bound=None if subject == _HUB else subject)


KIND = Kind(settings=ClockSkew, judge=judge, needs=needs, traits=traits, without_clock=True)
