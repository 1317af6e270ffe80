"""`funnel`: from one step of a funnel to the next more visitors are lost than in the weeks before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from config.bounds import Bounds, Whole
from facts import Family, Series, Traits, Verdict, VerdictStatus
from metrics.statistics import median, wilson
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.series import feed_of, newest_at, off, summed, why_no_source
from sla.settings import Label, MetricName, Rule, Samples, Share, Window
from sla.wording import number

_Worse = Annotated[float, Bounds(0.01, 10, "it is a share of the usual drop-off: 0.2 is a fifth more than usual")]
_Weeks = Annotated[int, Whole(1, 4, "metrics are kept for five weeks, the one that is judged among them")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel(Rule):
    """The share that is lost between two of `steps`, in their order, is `worse` than the median of the `weeks` before, and not by
    chance.

    `metric` counts the steps by its label `by`. A step is judged where `min_n` came to it in `window`, and in `min_weeks` of the weeks.
    A share over `off_target` is shown as off target whatever is usual, and tells nobody. It is well again at `recover` worse.
    """

    metric: MetricName
    steps: list[str]
    by: Label = "step"
    window: Window = "24h"
    worse: _Worse = 0.2
    recover: _Worse = 0.15
    off_target: Share = 0.2
    min_n: Samples = 200
    weeks: _Weeks = 4
    min_weeks: _Weeks = 3

    def _wrong(self) -> Iterator[str]:
        if len(self.steps) < 2 or len(set(self.steps)) < len(self.steps):
            yield "steps: name two at least, each once, in the order in which visitors take them"
        if self.recover > self.worse:
            yield f"recover: {self.recover:g} is over the {self.worse:g} at which it fires"
        if self.min_weeks > self.weeks:
            yield f"min_weeks: {self.min_weeks} of {self.weeks} weeks: so many are never looked at"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each step with the one that follows it."""
        return list(zip(self.steps, self.steps[1:], strict=False))


class _Lost(NamedTuple):
    """How many came to a step, and how many of them were lost before the next."""

    came: int
    lost: int

    @property
    def share(self) -> float:
        return self.lost / self.came if self.came else 0.0


class _Usual(NamedTuple):
    """What is usually lost, None where that is not known; by how many weeks; and what makes today unlike other days."""

    share: float | None
    weeks: int
    unlike: str | None


def judge(name: str, rule: Funnel, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each pair of steps that follow one another."""
    if feed_of(index, rule.metric) is None:
        return [off(name, rule, index, rule.metric)]
    series = index.history.series.get(rule.metric, ())
    return [_judged(name, rule, index, series, pair) for pair in rule.pairs]


def _lost(rule: Funnel, series: Sequence[Series], pair: tuple[str, str], ends: datetime) -> _Lost:
    begins = ends - timedelta(seconds=rule.s("window"))
    came, went_on = (
        round(summed([one for one in series if one.label(rule.by) == step], begins, ends)) for step in pair
    )
    return _Lost(came, max(0, came - went_on))


def _usual(rule: Funnel, index: HistoryIndex, series: Sequence[Series], pair: tuple[str, str]) -> _Usual:
    calendar, length = index.history.calendar, timedelta(seconds=rule.s("window"))
    ends = [calendar.weeks_before(index.now, week) for week in range(1, rule.weeks + 1)]
    weeks = [_lost(rule, series, pair, end) for end in ends if calendar.special(end - length, end) is None]
    before = [one.share for one in weeks if one.came >= rule.min_n]
    share = median(before) if len(before) >= rule.min_weeks else None
    return _Usual(share, len(before), calendar.special(index.now - length, index.now))


def _judged(name: str, rule: Funnel, index: HistoryIndex, series: Sequence[Series], pair: tuple[str, str]) -> Verdict:
    now, usual = _lost(rule, series, pair, index.now), _usual(rule, index, series, pair)
    low, high = wilson(now.lost, now.came)
    is_judged = now.came >= rule.min_n and usual.share is not None and usual.unlike is None
    share = usual.share or 0.0
    breached = is_judged and now.share > (1 + rule.worse) * share and low > share
    first, then = pair
    at = newest_at(series)
    return Verdict(
        rule=name,
        subject=f"{first}/{then}",
        verdict=_word(rule, now, is_judged=is_judged, breached=breached),
        title=f"{rule.title}: {first} to {then}",
        summary=f"{first} to {then}: {_sentence(rule, index, now, usual)}",
        severity=rule.severity,
        value=now.share if now.came else None,
        limit=(1 + rule.worse) * share if usual.share is not None else rule.off_target,
        unit="ratio",
        low=low if now.came else None,
        high=high if now.came else None,
        n=now.came,
        window=words(rule.s("window")),
        breached=breached,
        clear=is_judged and now.share <= (1 + rule.recover) * share,
        samples=(at.isoformat(timespec="seconds"),) if at else (),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _word(rule: Funnel, now: _Lost, *, is_judged: bool, breached: bool) -> VerdictStatus:
    if breached:
        return VerdictStatus.WARNING
    if now.came < rule.min_n:
        return VerdictStatus.INSUFFICIENT
    if now.share > rule.off_target:
        return VerdictStatus.OFF_TARGET
    return VerdictStatus.MET if is_judged else VerdictStatus.INSUFFICIENT


def _sentence(rule: Funnel, index: HistoryIndex, now: _Lost, usual: _Usual) -> str:
    window = words(rule.s("window"))
    if now.came < rule.min_n:
        return f"{now.came} came to it in {window}, {rule.min_n} are needed"
    said = f"{now.share:.1%} of {now.came} were lost in {window} (target {rule.off_target:.0%}"
    if usual.unlike is not None:
        return f"{said}); it is {usual.unlike}, which is compared with no other week"
    if usual.share is None:
        missing = timedelta(weeks=rule.min_weeks - usual.weeks)
        day = index.history.calendar.local(index.now + missing).date().isoformat()
        weeks = f"{usual.weeks} earlier weeks hold enough, {rule.min_weeks} are needed"
        return f"{said}); {weeks}; it can judge from {day} on"
    return f"{said}; usual {usual.share:.1%} by {usual.weeks} weeks, limit {number(100 * rule.worse)} % more)"


def needs(rule: Funnel) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the steps of its window, and of the same one in the weeks before."""
    return (SeriesNeed(metric=rule.metric, window_s=rule.s("window"), weeks=rule.weeks),)


def traits(rule: Funnel, _subject: str | None) -> Traits:
    """Return what its verdicts are about: visitors whom a source counts."""
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review)


def idle(rule: Funnel, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: Funnel, index: HistoryIndex) -> str | None:
    """Return why a pair of steps is not judged any more."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    is_judged = about.subject in {f"{first}/{then}" for first, then in rule.pairs}
    return None if is_judged else f"rule {about.rule} judges other steps now (sla.yaml)"


KIND = Kind(settings=Funnel, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
