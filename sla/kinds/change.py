"""`change`: a number is far from what it was at this hour of the week, or from a stated one: conversions, traffic, order values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from config.bounds import Bounds, Whole
from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from metrics.statistics import chance_of_count, median, spread
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.powerless import too_few_in
from sla.series import (
    FEED,
    feed_of,
    feed_verdict,
    first_off,
    groups,
    is_silent,
    location_in,
    newest_at,
    subject_of,
    summed,
    why_no_source_of,
    why_silent_for_good,
    without_samples,
)
from sla.settings import Label, MetricName, Rule, Samples, Silence, Value, Wait, Window, rung_of, wrong_ladder
from sla.wording import number

_WEEK_S, _DAY_S = 7 * 86_400, 86_400
_UNLIKELY = 0.001
"""A count as far from the usual ones as this seldom by chance is a change; a rule looks at it thousands of times a month."""
_SPREADS = 3.0
"""Money has to be so many standard deviations away from its median."""
_Weeks = Annotated[int, Whole(1, 4, "metrics are kept for five weeks, the one that is judged among them")]
_Days = Annotated[int, Whole(1, 28, "metrics are kept for five weeks, the day that is judged among them")]
_Change = Annotated[float, Bounds(0.01, 100, "it is a share of what it was: 0.2 is 20 % more or less, 2 is 200 % more")]
_Factor = Annotated[float, Bounds(0.01, 1, "above 1 it would recover while it still fires")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Rule):
    """A metric in `window` is more than `drop` under, or more than `rise` over, what it usually is.

    What it usually is: the median of the same window in each of the `weeks` before (same weekday and hour of the business's clock), of
    which `min_weeks` have to hold enough; with `days` the mean of the same hour of so many days before, which together have to hold
    `min_before`; or `usual`, where it is stated. A window that lies in a holiday or a declared sale window (site.yaml) is compared
    with nothing, and is in no baseline.

    The value of a window is the sum of its samples, the last one or their mean (`of`), divided by the sum of `per_metric` where that is
    named (payments per session); `per_where` chooses the series of that one. `min_n` is how many have to be counted in a window, of
    `per_metric` where it is named, before it says anything; of a sum, so many have to be usual or to have come.

    With `chance: counts` a change has to be too large for chance as well, by the tail of the Poisson or negative binomial
    distribution; with `chance: money` by the spread (MAD) of the weeks before. `escalate` gives more urgent severities the change
    over which they hold. It is well again at `recover_factor` of the limit.
    """

    metric: MetricName
    per_metric: MetricName | None = None
    of: Literal["sum", "last", "mean"] = "sum"
    unit: str = ""
    window: Window = "24h"
    weeks: _Weeks = 4
    min_weeks: _Weeks = 3
    days: _Days | None = None
    min_before: Samples = 10
    usual: Value | None = None
    drop: Annotated[float, Bounds(0.01, 1, "it is a share of what it was: 0.2 is 20 % less")] | None = None
    rise: _Change | None = None
    escalate: dict[Severity, _Change] = field(default_factory=dict)
    chance: Literal["ignored", "counts", "money"] = "ignored"
    min_n: Samples = 20
    recover_factor: _Factor = 0.75
    hold: Wait = "0s"
    recover_for: Wait = "0s"
    where: dict[Label, list[str]] = field(default_factory=dict)
    per_where: dict[Label, list[str]] | None = None
    group_by: list[Label] | None = field(default_factory=list)
    feed_silent: Silence | None = None

    def _wrong(self) -> Iterator[str]:
        if self.drop is None and self.rise is None:
            yield "drop: say how far it may change: drop, rise or both"
        if self.usual is None and self.days is None and self.min_weeks > self.weeks:
            yield f"min_weeks: {self.min_weeks} of {self.weeks} weeks: so many are never looked at"
        if self.usual is not None and self.usual <= 0:
            yield f"usual: {self.usual:g}: a change is a share of it, so it must be more than 0"
        if self.usual is not None and self.days is not None:
            yield "days: are not looked at where `usual` is stated; write one of the two"
        if self.usual is None and self.s("window") > (_DAY_S if self.days is not None else _WEEK_S):
            what = "a day, and days" if self.days is not None else "a week, and weeks"
            yield f"window: {self.window} is longer than {what} are compared"
        if self.per_where is not None and self.per_metric is None:
            yield "per_where: chooses series of `per_metric`, and there is none"
        if self.chance != "ignored" and (self.usual is not None or self.days is not None):
            yield "chance: is told by the weeks before, which are not looked at here"
        if self.chance == "counts" and (self.per_metric is not None or self.of != "sum"):
            yield "chance: counts are sums of one metric; leave per_metric and `of` out"
        nearest = min(limit for limit in (self.drop, self.rise, 100.0) if limit is not None)
        yield from wrong_ladder(self.severity, nearest, self.escalate)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it looks at."""
        return (self.metric, self.per_metric) if self.per_metric else (self.metric,)

    @property
    def looks_back_s(self) -> float:
        """How far back it looks, in seconds."""
        back_s = self.days * _DAY_S if self.days is not None else self.weeks * _WEEK_S
        return self.s("window") + (0 if self.usual is not None else back_s)


@dataclass(frozen=True, slots=True)
class _Window:
    """What a window came to: its value, None where nothing is known, and how many were counted."""

    value: float | None
    n: int


class _Usual(NamedTuple):
    """What is usual: the value, None where that is not known, the windows it rests on, and what it is in words."""

    value: float | None
    before: Sequence[float]
    what: str


def judge(name: str, rule: Change, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each group of series, and one on the source where `feed_silent` is set."""
    if (verdict := first_off(name, rule, index, rule.metrics)) is not None:
        return [verdict]
    feed = feed_of(index, rule.metric)
    assert feed is not None
    silent = is_silent(rule, index, feed)
    found, per = groups(index, rule.metric, rule), _per_groups(rule, index)
    verdicts = [
        _change(name, rule, index, subject, series, per.get(subject, []), silent=silent)
        for subject, series in found.items()
    ]
    if not verdicts:
        verdicts = [without_samples(name, rule, feed, silent=silent)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _per_groups(rule: Change, index: HistoryIndex) -> dict[str | None, list[Series]]:
    every = index.history.series.get(rule.per_metric or "", ())
    has = {label for one in every for label, _ in one.labels}
    where = rule.per_where if rule.per_where is not None else rule.where
    chosen = {label: values for label, values in where.items() if label in has}
    found: dict[str | None, list[Series]] = {}
    for one in every:
        if all(one.label(label) in values for label, values in chosen.items()):
            found.setdefault(subject_of(one.labels, rule.group_by), []).append(one)
    return found


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
    unlike = _unlike(rule, index, index.now) if rule.usual is None else None
    usual = _usual(rule, index, found, per)
    is_known = usual.value is not None and usual.value > 0 and now.value is not None and unlike is None
    enough = is_known and _counted(rule, now, usual.value or 0) >= rule.min_n
    change = now.value / usual.value - 1 if enough and usual.value and now.value is not None else None
    far = change is not None and _is_far(rule, change, 1)
    breached = far and not _is_chance(rule, now, usual)
    rung = rung_of(rule.escalate, abs(change)) if breached and change is not None else None
    severity = rung or rule.severity
    at = newest_at(found)
    beyond = VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    met = (
        VerdictStatus.INSUFFICIENT
        if change is None
        else beyond
        if breached
        else VerdictStatus.UNPROVEN
        if far
        else VerdictStatus.MET
    )
    about = f"{subject.replace('/', ' ')}: " if subject else ""
    said = _sentence(rule, index, now, usual, change, unlike)
    return Verdict(
        rule=name,
        subject=subject,
        verdict=VerdictStatus.NO_DATA if silent else met,
        title=f"{rule.title}: {subject.replace('/', ' ')}" if subject else rule.title,
        summary=f"{about}{said}{'; so far by chance' if far and not breached else ''}",
        severity=severity,
        value=now.value,
        limit=_limit(rule, usual.value, change),
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


def _is_chance(rule: Change, now: _Window, usual: _Usual) -> bool:
    """Return whether chance alone explains a change, as far as the rule asks."""
    if rule.chance == "ignored" or now.value is None or usual.value is None:
        return False
    if rule.chance == "counts":
        return chance_of_count(now.value, usual.before, at_most=now.value < usual.value) > _UNLIKELY
    return abs(now.value - usual.value) <= _SPREADS * spread(usual.before)


def _limit(rule: Change, usual: float | None, change: float | None) -> float | None:
    if usual is None:
        return None
    falls = rule.rise is None or (rule.drop is not None and (change or 0) < 0)
    return usual * (1 - (rule.drop or 0)) if falls else usual * (1 + (rule.rise or 0))


def _unlike(rule: Change, index: HistoryIndex, ends: datetime) -> str | None:
    """Return what makes a window that ends then unlike others, such as a holiday; None where nothing does."""
    return index.history.calendar.special(ends - timedelta(seconds=rule.s("window")), ends)


def _usual(rule: Change, index: HistoryIndex, found: Sequence[Series], per: Sequence[Series]) -> _Usual:
    calendar = index.history.calendar
    if rule.usual is not None:
        return _Usual(rule.usual, (), "stated")
    if rule.days is not None:
        ends = [calendar.days_before(index.now, day) for day in range(1, rule.days + 1)]
        days = [_window(rule, found, per, end) for end in ends if _unlike(rule, index, end) is None]
        values = [one.value or 0.0 for one in days]
        enough = days and sum(one.n for one in days) >= rule.min_before and _is_watched(index, rule, found)
        return _Usual(sum(values) / len(values) if enough else None, values, f"the mean of {len(values)} days")
    ends = [calendar.weeks_before(index.now, week) for week in range(1, rule.weeks + 1)]
    weeks = [_window(rule, found, per, end) for end in ends if _unlike(rule, index, end) is None]
    before = [one.value for one in weeks if one.value is not None and one.n >= rule.min_n]
    return _Usual(
        median(before) if len(before) >= rule.min_weeks else None, before, f"the median of {len(before)} weeks"
    )


def _is_watched(index: HistoryIndex, rule: Change, found: Sequence[Series]) -> bool:
    """Return whether the days before are known: the oldest sample is of the first of them, or the source was there before it."""
    begins = index.now - timedelta(seconds=rule.looks_back_s)
    oldest = min((one.points[0][0] for one in found if one.points), default=index.now)
    return oldest - begins <= timedelta(days=2)


def _window(rule: Change, found: Sequence[Series], per: Sequence[Series], ends: datetime) -> _Window:
    begins = ends - timedelta(seconds=rule.s("window"))
    inside = [points for one in found if (points := one.within(begins, ends))]
    total = sum(value for points in inside for _, value in points)
    if rule.per_metric is not None:
        n = round(summed(per, begins, ends))
        return _Window(total / n if n else None, n)
    if not inside:
        return _Window(None, 0)
    if rule.of == "sum":
        return _Window(total, round(abs(total)))
    n = sum(map(len, inside))
    return _Window(max(points[-1] for points in inside)[1] if rule.of == "last" else total / n, n)


def _sentence(
    rule: Change, index: HistoryIndex, now: _Window, usual: _Usual, change: float | None, unlike: str | None
) -> str:
    window, unit = words(rule.s("window")), f" {rule.unit}" if rule.unit else ""
    if now.value is None:
        return f"nothing was counted in {window}"
    value = f"{number(round(now.value, 4))}{unit} in {window}"
    if unlike is not None:
        return f"{value}; it is {unlike}, which is compared with no other week"
    if usual.value is None and rule.days is not None:
        return f"{value}; the {rule.days} days before do not hold the {rule.min_before} that are needed"
    if usual.value is None:
        return f"{value}; {len(usual.before)} earlier weeks hold enough, {rule.min_weeks} are needed{_from(rule, index, usual)}"
    if change is None:
        return f"{value}; {now.n} were counted, {rule.min_n} are needed"
    down = f"-{number(100 * rule.drop)} %" if rule.drop is not None else ""
    up = f"+{number(100 * rule.rise)} %" if rule.rise is not None else ""
    limit = " and ".join(filter(None, (down, up)))
    return f"{value}, {change:+.0%} of the usual {number(round(usual.value, 4))}{unit} ({usual.what}; limit {limit})"


def _from(rule: Change, index: HistoryIndex, usual: _Usual) -> str:
    """Return from which day on it can be judged at the earliest, where weeks that begin now hold enough."""
    missing = rule.min_weeks - len(usual.before)
    day = index.history.calendar.local(index.now + timedelta(weeks=missing)).date()
    return f"; it can judge from {day.isoformat()} on"


def needs(rule: Change) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the samples of its window, and of the same one in the weeks or days that it is compared with."""
    if rule.usual is not None or rule.days is not None:
        return tuple(SeriesNeed(metric=metric, window_s=rule.looks_back_s) for metric in rule.metrics)
    return tuple(SeriesNeed(metric=metric, window_s=rule.s("window"), weeks=rule.weeks) for metric in rule.metrics)


def traits(rule: Change, subject: str | None) -> Traits:
    """Return what its verdicts are about: a number that a source brings, or the source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, rule.group_by)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Change, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    missing = [deployment.missing_metrics[m] for m in rule.metrics if m in deployment.missing_metrics]
    yield from missing[:1]


def powerless(rule: Change, a_day: Mapping[str, float]) -> str | None:
    """Return why so few come that it can hardly ever judge; None where enough do, or their number is not known."""
    metric = rule.per_metric or rule.metric
    if metric not in a_day or (rule.per_metric is None and rule.of != "sum"):
        return None
    return too_few_in(a_day[metric], rule.min_n, rule.s("window"))


def why_closed(about: About, rule: Change, index: HistoryIndex) -> str | None:
    """Return why a group is not judged any more."""
    if (reason := why_no_source_of(index, rule.metrics)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    if rule.group_by == [] and about.subject is not None:
        return f"rule {about.rule} groups by other labels now (sla.yaml)"
    return why_silent_for_good(index, rule.metrics, rule, about.subject, rule.looks_back_s)


KIND = Kind(
    settings=Change,
    judge=judge,
    needs=needs,
    traits=traits,
    idle=idle,
    powerless=powerless,
    why_closed=why_closed,
)
