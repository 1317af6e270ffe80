"""`change`: a number is far from what it was at this hour of the week, or from a stated one: conversions, traffic, order values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal

from config.bounds import Bounds, Whole
from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from metrics.statistics import median
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.series import (
    FEED,
    feed_of,
    feed_verdict,
    groups,
    location_in,
    newest_at,
    off,
    summed,
    why_no_source,
    why_silent_for_good,
    without_samples,
)
from sla.settings import Label, MetricName, Rule, Samples, Silence, Value, Wait, Window
from sla.wording import number

_WEEK_S = 7 * 86_400
_Weeks = Annotated[int, Whole(1, 4, "metrics are kept for five weeks, the one that is judged among them")]
_Change = Annotated[float, Bounds(0.01, 100, "it is a share of what it was: 0.2 is 20 % more or less, 2 is 200 % more")]
_Factor = Annotated[float, Bounds(0.01, 1, "above 1 it would recover while it still fires")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Rule):
    """A metric in `window` is more than `drop` under, or more than `rise` over, what it usually is.

    What it usually is: the median of the same window in each of the `weeks` before (same weekday, same hour), of which `min_weeks`
    have to hold enough; or `usual`, where it is stated. The value of a window is the sum of its samples, the last one or their mean
    (`of`), divided by the sum of `per_metric` where that is named (payments per session). `min_n` is how many have to be counted in
    a window, of `per_metric` where it is named, before it says anything; of a sum, so many have to be usual or to have come. It is
    well again at `recover_factor` of the limit.
    """

    metric: MetricName
    per_metric: MetricName | None = None
    of: Literal["sum", "last", "mean"] = "sum"
    unit: str = ""
    window: Window = "24h"
    weeks: _Weeks = 4
    min_weeks: _Weeks = 3
    usual: Value | None = None
    drop: Annotated[float, Bounds(0.01, 1, "it is a share of what it was: 0.2 is 20 % less")] | None = None
    rise: _Change | None = None
    min_n: Samples = 20
    recover_factor: _Factor = 0.75
    hold: Wait = "0s"
    recover_for: Wait = "0s"
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] | None = field(default_factory=list)
    feed_silent: Silence | None = None

    def _wrong(self) -> Iterator[str]:
        if self.drop is None and self.rise is None:
            yield "drop: say how far it may change: drop, rise or both"
        if self.usual is None and self.min_weeks > self.weeks:
            yield f"min_weeks: {self.min_weeks} of {self.weeks} weeks: so many are never looked at"
        if self.usual is not None and self.usual <= 0:
            yield f"usual: {self.usual:g}: a change is a share of it, so it must be more than 0"
        if self.usual is None and self.s("window") > _WEEK_S:
            yield f"window: {self.window} is longer than a week, and weeks are compared"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it looks at."""
        return (self.metric, self.per_metric) if self.per_metric else (self.metric,)

    @property
    def looks_back_s(self) -> float:
        """How far back it looks, in seconds."""
        return self.s("window") + (0 if self.usual is not None else self.weeks * _WEEK_S)


@dataclass(frozen=True, slots=True)
class _Window:
    """What a window came to: its value, None where nothing is known, and how many were counted."""

    value: float | None
    n: int


def judge(name: str, rule: Change, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each group of series, and one on the source where `feed_silent` is set."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    silent = rule.feed_silent is not None and feed.age_s > rule.s("feed_silent")
    found, per = groups(index, rule.metric, rule), groups(index, rule.per_metric or "", rule)
    verdicts = [
        _change(name, rule, index, subject, series, per.get(subject, []), silent=silent)
        for subject, series in found.items()
    ]
    if not verdicts:
        verdicts = [without_samples(name, rule, feed, silent=silent)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed, rule.s("feed_silent")))
    return verdicts


def _change(
    name: str,
    rule: Change,
    index: HistoryIndex,
    subject: str | None,
    found: Sequence[Series],
    per: Sequence[Series],
    *,
    silent: bool,
) -> Verdict:
    now = _window(rule, found, per, index.now)
    before = [] if rule.usual is not None else _weeks_before(rule, index, found, per)
    usual = rule.usual if rule.usual is not None else median(before) if len(before) >= rule.min_weeks else None
    enough = usual is not None and usual > 0 and now.value is not None and _counted(rule, now, usual) >= rule.min_n
    change = now.value / usual - 1 if enough and usual and now.value is not None else None
    breached = change is not None and _is_far(rule, change, 1)
    at = newest_at(found)
    beyond = VerdictStatus.CRITICAL if rule.severity is Severity.CRITICAL else VerdictStatus.WARNING
    met = VerdictStatus.INSUFFICIENT if change is None else beyond if breached else VerdictStatus.MET
    about = f"{subject.replace('/', ' ')}: " if subject else ""
    return Verdict(
        rule=name,
        subject=subject,
        verdict=VerdictStatus.NO_DATA if silent else met,
        title=f"{rule.title}: {subject.replace('/', ' ')}" if subject else rule.title,
        summary=f"{about}{_sentence(rule, now, usual, change, weeks=len(before))}",
        severity=rule.severity,
        value=now.value,
        limit=_limit(rule, usual, change),
        unit=rule.unit,
        n=now.n,
        window=words(rule.s("window")),
        breached=breached and not silent,
        clear=not silent and change is not None and not _is_far(rule, change, rule.recover_factor),
        for_s=rule.s("hold"),
        clear_for_s=rule.s("recover_for"),
        samples=(at.isoformat(timespec="seconds"),) if at else (),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _counted(rule: Change, now: _Window, usual: float) -> int:
    """Return how many were counted. Of a sum it is what usually comes where that is more: few that came are the drop itself."""
    return now.n if rule.per_metric is not None or rule.of != "sum" else max(now.n, round(usual))


def _is_far(rule: Change, change: float, factor: float) -> bool:
    """Return whether a change is over this part of the limit."""
    return (rule.drop is not None and change < -rule.drop * factor) or (
        rule.rise is not None and change > rule.rise * factor
    )


def _limit(rule: Change, usual: float | None, change: float | None) -> float | None:
    if usual is None:
        return None
    falls = rule.rise is None or (rule.drop is not None and (change or 0) < 0)
    return usual * (1 - (rule.drop or 0)) if falls else usual * (1 + (rule.rise or 0))


def _weeks_before(rule: Change, index: HistoryIndex, found: Sequence[Series], per: Sequence[Series]) -> list[float]:
    weeks = [
        _window(rule, found, per, index.now - timedelta(seconds=week * _WEEK_S)) for week in range(1, rule.weeks + 1)
    ]
    return [one.value for one in weeks if one.value is not None and one.n >= rule.min_n]


def _window(rule: Change, found: Sequence[Series], per: Sequence[Series], ends: datetime) -> _Window:
    begins = ends - timedelta(seconds=rule.s("window"))
    points = sorted(point for one in found for point in one.points if begins < point[0] <= ends)
    total = summed(found, begins, ends)
    if rule.per_metric is not None:
        n = round(summed(per, begins, ends))
        return _Window(total / n if n else None, n)
    if not points:
        return _Window(None, 0)
    if rule.of == "sum":
        return _Window(total, round(abs(total)))
    return _Window(points[-1][1] if rule.of == "last" else total / len(points), len(points))


def _sentence(rule: Change, now: _Window, usual: float | None, change: float | None, *, weeks: int) -> str:
    window, unit = words(rule.s("window")), f" {rule.unit}" if rule.unit else ""
    if now.value is None:
        return f"nothing was counted in {window}"
    value = f"{number(round(now.value, 4))}{unit} in {window}"
    if usual is None:
        return f"{value}; {weeks} earlier weeks hold enough, {rule.min_weeks} are needed"
    if change is None:
        return f"{value}; {now.n} were counted, {rule.min_n} are needed"
    what = "stated" if rule.usual is not None else f"the median of {weeks} weeks"
    down = f"-{number(100 * rule.drop)} %" if rule.drop is not None else ""
    up = f"+{number(100 * rule.rise)} %" if rule.rise is not None else ""
    limit = " and ".join(filter(None, (down, up)))
    return f"{value}, {change:+.0%} of the usual {number(round(usual, 4))}{unit} ({what}; limit {limit})"


def needs(rule: Change) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the samples of its window, and of the weeks that it is compared with."""
    return tuple(SeriesNeed(metric=metric, window_s=rule.looks_back_s) for metric in rule.metrics)


def traits(rule: Change, subject: str | None) -> Traits:
    """Return what its verdicts are about: a number that a source brings, or the source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, rule.group_by)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Change, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    yield from (deployment.missing_metrics[m] for m in rule.metrics if m in deployment.missing_metrics)


def why_closed(about: About, rule: Change, index: HistoryIndex) -> str | None:
    """Return why a group is not judged any more."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    if rule.group_by == [] and about.subject is not None:
        return f"rule {about.rule} groups by other labels now (sla.yaml)"
    return why_silent_for_good(index, rule.metrics, rule, about.subject, rule.looks_back_s)


KIND = Kind(settings=Change, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
