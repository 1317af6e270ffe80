"""`availability`: the share of good runs, or of good samples of a 0-or-1 metric, is below what is promised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import sub
from typing import Annotated, NamedTuple

from config import Complaint
from config.bounds import Bounds, Flag, Whole
from facts import Family, Outcome, Series, Severity, Status, Traits, Verdict, VerdictStatus
from metrics.counting import Class
from metrics.statistics import lasting_low, wilson
from sla.durations import words
from sla.history import LongTally
from sla.hours import Hour
from sla.impossible import complaint, runs_made
from sla.index import HistoryIndex
from sla.kind import About, DaysNeed, Deployment, Kind, Need, RunsNeed, Schedules, SeriesNeed
from sla.series import (
    feed_of,
    groups,
    location_in,
    off,
    why_no_source,
    why_silent_for_good,
    without_samples,
)
from sla.settings import Label, MetricName, Rule, Settle, Share, Wait, Window
from sla.wording import ids, newest, number

_DAY_S, _BY_DAYS = 86_400, 7
"""From so many days on the target's window is counted by days: its runs would take seconds to read."""
_Promise = Annotated[float, Bounds(0.5, 0.99999, "it is the share that should be good: 0.999 is 99.9 %")]
_Bad = Annotated[int, Whole(1, 100_000, "it is how many have to be bad")]
_GAPS_LOOKED_AT = 300
"""How many samples of a series show the usual time between two; a month of them would show no more, and take long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability(Rule):
    """The share of good ones in `window` is under `warning` or `critical`, and not by chance: so is the upper end of its interval.

    Without a `metric` these are the first attempts of slot runs: of `journeys` (None: all), judged by failures at `steps` (None:
    any step) that are none of `not_steps`; with `of_payment` they say nothing where nothing is paid. A `metric` is a gauge that is
    1 (good) or 0; `group_by` tells its subjects apart.

    A rolling window is a scan, not one test: `warning_bad` and `critical_bad` are how many bad ones it takes at least. Whether
    `target` is met is said of `target_window`, and only where it is proven; under `least_coverage` nothing is. It is well again at
    `warning` or better without a bad one for `quiet`.
    """

    target: _Promise
    warning: _Promise
    critical: _Promise
    warning_bad: _Bad = 1
    critical_bad: _Bad = 1
    window: Window = "24h"
    target_window: Window = "30d"
    settle: Settle = "30s"
    quiet: Wait = "2h"
    least_coverage: Share = 0.8
    journeys: list[str] | None = None
    steps: list[str] | None = None
    not_steps: list[str] | None = None
    of_payment: Annotated[bool, Flag()] = False
    metric: MetricName | None = None
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] | None = field(default_factory=list)

    def _wrong(self) -> Iterator[str]:
        if not self.critical <= self.warning <= self.target:
            numbers = f"{self.critical:g}, {self.warning:g}, {self.target:g}"
            yield f"warning: the numbers must rise: critical, warning, target are {numbers}"
        if self.critical_bad < self.warning_bad:
            yield f"critical_bad: {self.critical_bad} is fewer than the {self.warning_bad} of warning_bad"
        if self.s("target_window") < self.s("window"):
            yield f"target_window: {self.target_window} is shorter than the window of {self.window}"
        for name in ("journeys", "steps", "not_steps"):
            if getattr(self, name) == []:
                yield f"{name}: is empty, so nothing is judged; leave the key out, or write `enabled: false`"
            elif self.metric is not None and getattr(self, name) is not None:
                yield f"{name}: is about runs, and `metric` is judged instead of them"

    @property
    def target_days(self) -> int | None:
        """The days of `target_window`, where it is long enough to be counted by days; None for a shorter one, and for a metric."""
        days = math.ceil(self.s("target_window") / _DAY_S)
        return days if self.metric is None and days >= _BY_DAYS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """What a window holds. `expected` is how many there should be, `bad_s` how much time the bad ones stand for, in seconds."""

    good: int
    bad: int
    expected: float
    newest: datetime | None = None
    last_bad_at: datetime | None = None
    locations: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    began_at: datetime | None = None
    bad_s: float = 0.0
    also_covered: int = 0

    @property
    def n(self) -> int:
        return self.good + self.bad

    @property
    def coverage(self) -> float | None:
        return min(1.0, (self.n + self.also_covered) / self.expected) if self.expected >= 1 else None


def judge(name: str, rule: Availability, index: HistoryIndex) -> list[Verdict]:
    """Return one verdict on runs, or one for each group of series of a metric."""
    if rule.metric is not None:
        return _of_metric(name, rule, rule.metric, index)
    if rule.of_payment and not index.history.pays:
        summary = "payment is stop_before_payment, so no run pays"
        return [Verdict(rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary=summary)]
    lately = _of_runs(rule, index, rule.s("window"))
    tally = index.history.tallies.get(rule.target_days) if rule.target_days is not None else None
    long = _of_runs(rule, index, rule.s("target_window")) if tally is None else _of_tally(rule, index, tally)
    verdict = _verdict(name, rule, index, None, lately, long)
    return [replace(verdict, samples_are_runs=True)]


def _of_metric(name: str, rule: Availability, metric: str, index: HistoryIndex) -> list[Verdict]:
    feed = feed_of(index, metric)
    if feed is None:
        return [off(name, rule, index, metric)]
    found = groups(index, metric, rule)
    if not found:
        return [without_samples(name, rule, feed, silent=False)]
    verdicts = []
    for subject, series in found.items():
        every = _usual_gap(series)
        lately, long = (_of_series(series, index, rule.s(window), every) for window in ("window", "target_window"))
        verdicts.append(_verdict(name, rule, index, subject, lately, long))
    return verdicts


def _usual_gap(found: Sequence[Series]) -> timedelta | None:
    """Return the median of the times between two samples, of the latest of each series; None if there are none."""
    moments = ([at for at, _ in one.points[-_GAPS_LOOKED_AT:]] for one in found)
    gaps = sorted(gap for some in moments for gap in map(sub, some[1:], some))
    return gaps[len(gaps) // 2] if gaps else None


def _of_series(found: Sequence[Series], index: HistoryIndex, window_s: float, every: timedelta | None) -> _Tally:
    begins = index.now - timedelta(seconds=window_s)
    inside = [points for one in found if (points := one.within(begins, index.now))]
    bad = sorted(at for points in inside for at, value in points if value < 1)
    every_s = every.total_seconds() if every is not None else window_s
    return _Tally(
        good=sum(map(len, inside)) - len(bad),
        bad=len(bad),
        expected=len(found) * min(window_s, _watched_s(index)) / every_s,
        newest=max((points[-1][0] for points in inside), default=None),
        last_bad_at=bad[-1] if bad else None,
        samples=tuple(at.isoformat(timespec="seconds") for at in bad[-20:]),
        began_at=bad[0] if bad else None,
        bad_s=len(bad) * every_s / len(found),
    )


def _watched_s(index: HistoryIndex) -> float:
    return max(1.0, (index.now - index.history.watching_since).total_seconds())


class _Passed(NamedTuple):
    """How many of an hour passed at their first attempt, how many were skipped, and when the newest passed."""

    good: int
    skipped: int
    newest: datetime | None


def _passed(outcomes: tuple[Outcome, ...]) -> _Passed:
    good = [o for o in outcomes if (o.first_status or o.status) is Status.PASSED]
    skipped = sum((o.first_status or o.status) is Status.SKIPPED for o in outcomes)
    return _Passed(len(good), skipped, newest(good))


def _others(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [o for o in outcomes if (o.first_status or o.status) not in (Status.PASSED, Status.SKIPPED)]


def _of_runs(rule: Availability, index: HistoryIndex, window_s: float) -> _Tally:
    journeys = [j for j in index.journeys() if rule.journeys is None or j in rule.journeys]
    hours: list[Hour] = [h for j in journeys for h in index.hours_within(j, window_s, settle_s=rule.s("settle"))]
    passed = [hour.once(_passed) for hour in hours]
    failed = [o for hour in hours for o in hour.once(_others) if index.first(o) is Class.BAD]
    at_steps = [o for o in failed if rule.steps is None or o.first_failed_step in rule.steps]
    bad = [o for o in at_steps if rule.not_steps is None or o.first_failed_step not in rule.not_steps]
    # A run that failed later than what is judged came through it; one that failed sooner says nothing of it.
    came_through = len(at_steps) - len(bad)
    good = sum(one.good for one in passed) + came_through
    expected = sum(
        index.slots_expected(j, min(window_s, _watched_s(index)), settle_s=rule.s("settle")) for j in journeys
    )
    moments = [at for at in (newest(failed), *(one.newest for one in passed)) if at]
    return _Tally(
        good=good,
        bad=len(bad),
        expected=expected - sum(one.skipped for one in passed),
        newest=max(moments, default=None),
        last_bad_at=newest(bad),
        locations=tuple(sorted({hour.location for hour in hours})),
        samples=ids(bad)[-20:],
        began_at=min((o.started_at for o in bad), default=None),
        bad_s=sum(_stands_for_s(index, o.journey) for o in bad) / max(1, len(journeys)),
        also_covered=len(failed) - len(at_steps),
    )


def _of_tally(rule: Availability, index: HistoryIndex, tally: LongTally) -> _Tally:
    """Return the same of many days, as they are counted; there is no more than the numbers."""
    journeys = [j for j in index.journeys() if rule.journeys is None or j in rule.journeys]
    failed = {key: n for key, n in tally.bad.items() if key[0] in journeys}
    at_steps = {key: n for key, n in failed.items() if rule.steps is None or key[1] in rule.steps}
    bad = sum(n for (_, step), n in at_steps.items() if rule.not_steps is None or step not in rule.not_steps)
    good = sum(tally.passed.get(journey, 0) for journey in journeys) + sum(at_steps.values()) - bad
    length_s = min((index.now - tally.since).total_seconds(), _watched_s(index))
    return _Tally(
        good=good,
        bad=bad,
        expected=sum(index.slots_expected(j, length_s, settle_s=rule.s("settle")) for j in journeys),
        also_covered=sum(failed.values()) - sum(at_steps.values()),
    )


def _stands_for_s(index: HistoryIndex, journey: str) -> float:
    """Return the time between two slots of a journey at any location: one bad run says that much of it was bad."""
    schedule = index.history.schedules[journey]
    return schedule.period_s / len(schedule.grids)


def _verdict(
    name: str, rule: Availability, index: HistoryIndex, subject: str | None, lately: _Tally, long: _Tally
) -> Verdict:
    value = lately.good / lately.n if lately.n else None
    low, high = wilson(lately.good, lately.n)
    covered = lately.coverage is not None and lately.coverage >= rule.least_coverage
    warning = covered and high < rule.warning and lately.bad >= rule.warning_bad
    critical = warning and high < rule.critical and lately.bad >= rule.critical_bad
    quiet = lately.last_bad_at is None or (index.now - lately.last_bad_at).total_seconds() >= rule.s("quiet")
    word = _word(rule, lately, long, covered=covered, warning=warning, critical=critical)
    limit = rule.critical if critical else rule.warning if warning else rule.target
    about = f"{subject.replace('/', ' ')}: " if subject else ""
    return Verdict(
        rule=name,
        subject=subject,
        verdict=word,
        title=f"{rule.title}: {subject.replace('/', ' ')}" if subject else rule.title,
        summary=f"{about}{_sentence(rule, lately, long, word, (low, high))}",
        severity=Severity.CRITICAL if critical else rule.severity,
        value=value,
        limit=limit,
        unit="ratio",
        low=low if lately.n else None,
        high=high if lately.n else None,
        n=lately.n,
        coverage=lately.coverage,
        window=words(rule.s("window")),
        breached=warning,
        clear=covered and value is not None and value >= rule.warning and quiet,
        counted=lately.locations,
        samples=lately.samples,
        samples_are_runs=False,
        began_at=lately.began_at,
        data_at=lately.newest,
        runbook=rule.runbook,
    )


def _word(
    rule: Availability, lately: _Tally, long: _Tally, *, covered: bool, warning: bool, critical: bool
) -> VerdictStatus:
    if not lately.n:
        return VerdictStatus.NO_DATA
    if warning:
        return VerdictStatus.CRITICAL if critical or rule.severity is Severity.CRITICAL else VerdictStatus.WARNING
    if not covered or long.coverage is None or long.coverage < rule.least_coverage:
        return VerdictStatus.UNPROVEN
    if wilson(long.good, long.n)[1] < rule.target:
        return VerdictStatus.OFF_TARGET
    return VerdictStatus.MET if lasting_low(long.good, long.n, rule.target) >= rule.target else VerdictStatus.UNPROVEN


def _sentence(
    rule: Availability, lately: _Tally, long: _Tally, word: VerdictStatus, bounds: tuple[float, float]
) -> str:
    if not lately.n:
        return f"nothing was measured in {words(rule.s('window'))}"
    low, high = bounds
    share = f"{100 * lately.good / lately.n:.2f} % of {lately.n} were good in {words(rule.s('window'))}"
    interval = f"95 %: {100 * low:.2f} to {100 * high:.2f} %"
    target = f"target {number(100 * rule.target)} %, warning {number(100 * rule.warning)} %"
    bad = (
        f"{lately.bad} bad {'slot' if lately.bad == 1 else 'slots'}, about {words(_whole_minutes(lately.bad_s))}"
        if lately.bad
        else "no bad slot"
    )
    said = f"{share}, {bad} ({interval}; {target})"
    if lately.coverage is not None and lately.coverage < rule.least_coverage:
        return f"{said}; only {lately.coverage:.0%} of what was expected was measured"
    if word is VerdictStatus.UNPROVEN and long.n:
        return f"{said}; {long.n} in {words(rule.s('target_window'))} do not prove the target"
    return said


def _whole_minutes(seconds: float) -> float:
    return max(60, round(seconds / 60) * 60)


def needs(rule: Availability) -> tuple[Need, ...]:
    """Return what it looks at: the runs of its window and the counts of its longer one, or the samples of that."""
    window_s = rule.s("target_window") + rule.s("settle")
    if rule.metric is not None:
        return (SeriesNeed(metric=rule.metric, window_s=window_s),)
    if rule.target_days is not None:
        return RunsNeed(window_s=rule.s("window") + rule.s("settle")), DaysNeed(days=rule.target_days)
    return (RunsNeed(window_s=window_s),)


def traits(rule: Availability, subject: str | None) -> Traits:
    """Return what its verdicts are about: our runs, or what a source measures."""
    if rule.metric is None:
        return Traits(family=Family.JOURNEY, from_runs=True, of_payment=rule.of_payment, follows_failure=True)
    return Traits(family=Family.BUSINESS, location_bound=location_in(subject, rule.group_by))


def feasible(name: str, rule: Availability, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint where more runs have to be bad than are made."""
    if rule.metric is not None:
        return
    watched = [s for j, s in schedules.items() if rule.journeys is None or j in rule.journeys]
    runs = sum(runs_made(schedule, rule.s("window")) for schedule in watched)
    if watched and runs < rule.critical_bad:
        what = f"wants {rule.critical_bad} bad runs in {words(rule.s('window'))}, and the schedule makes {runs}: it can never fire"
        yield complaint(f"{name}.critical_bad", what, "a smaller number, or a longer window")


def idle(rule: Availability, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric or ""]
    elif rule.of_payment and not deployment.pays:
        yield "payment is stop_before_payment, so no run pays"
    elif rule.journeys is not None and not set(rule.journeys) & set(deployment.schedules):
        yield f"locations.yaml does not schedule {' or '.join(rule.journeys)}"


def why_closed(about: About, rule: Availability, index: HistoryIndex) -> str | None:
    """Return why it is not judged any more."""
    if rule.metric is None:
        if rule.of_payment and not index.history.pays:
            return "site.yaml says stop_before_payment: nothing is paid that could be judged"
        return f"rule {about.rule} judges runs now (sla.yaml)" if about.subject else None
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    return why_silent_for_good(index, [rule.metric], rule, about.subject, rule.s("target_window"))


KIND = Kind(
    settings=Availability,
    judge=judge,
    needs=needs,
    traits=traits,
    feasible=feasible,
    idle=idle,
    why_closed=why_closed,
)
