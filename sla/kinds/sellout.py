"""`sellout`: what is left will be sold within hours, at the pace of the last day; the prediction is a range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from config.bounds import Bounds
from facts import Family, Series, Traits, Verdict, VerdictStatus
from metrics.statistics import poisson_interval
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.powerless import too_few_in
from sla.series import (
    ago,
    feed_of,
    first_off,
    groups,
    label_words,
    newest_at,
    subject_of,
    summed,
    why_no_source_of,
    why_not_listed,
    without_samples,
)
from sla.settings import Label, MetricName, Rule, Samples, Window
from sla.wording import number

_LEFT_LOOKS_BACK_S = 3600.0
_Hours = Annotated[float, Bounds(0.1, 1000, "it is in hours")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sellout(Rule):
    """What `metric` says is left lasts for less than `hours`, at the pace at which `sold_metric` was counted in `window`.

    Both are compared by the labels `group_by`. It says nothing before `min_sold` were sold in the window, and of what is sold out. The
    prediction is a range, because few sales tell a pace badly. Under `again_hours` it is told once more, as an alert of its own. It is
    well again over `recover_hours`.
    """

    metric: MetricName
    sold_metric: MetricName
    hours: _Hours = 24
    again_hours: _Hours | None = None
    recover_hours: _Hours = 30
    window: Window = "24h"
    min_sold: Samples = 10
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] = field(default_factory=lambda: ["city", "tier"])

    def _wrong(self) -> Iterator[str]:
        if self.recover_hours < self.hours:
            yield f"recover_hours: {number(self.recover_hours)} is less than the {number(self.hours)} at which it fires"
        if self.again_hours is not None and self.again_hours >= self.hours:
            yield f"again_hours: {number(self.again_hours)} is reached no later than the {number(self.hours)} of hours"

    @property
    def metrics(self) -> tuple[str, str]:
        """The two metrics: what is left, and what is sold."""
        return self.metric, self.sold_metric


class _Pace(NamedTuple):
    """What is left, what was sold in the window, and for how many hours that lasts, with its range; None where nobody can tell."""

    left: float
    sold: float
    hours: float | None = None
    low: float | None = None
    high: float | None = None


def judge(name: str, rule: Sellout, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each group, and a second one where it is told again."""
    if (verdict := first_off(name, rule, index, rule.metrics)) is not None:
        return [verdict]
    sold, found = _sold(rule, index), list[Verdict]()
    for subject, series in groups(index, rule.metric, rule).items():
        pace = _pace(rule, sum(one.points[-1][1] for one in series), sold.get(subject, 0.0))
        found.append(_verdict(name, rule, subject, series, pace, (rule.hours, rule.recover_hours)))
        if rule.again_hours is not None:
            again = "/".join(filter(None, (subject, f"{number(rule.again_hours)}h")))
            found.append(_verdict(name, rule, again, series, pace, (rule.again_hours, rule.hours)))
    feed = feed_of(index, rule.metric)
    assert feed is not None
    return found or [without_samples(name, rule, feed, silent=False)]


def _sold(rule: Sellout, index: HistoryIndex) -> dict[str | None, float]:
    begins, found = ago(index, rule.s("window")), dict[str | None, float]()
    for one in index.history.series.get(rule.sold_metric, ()):
        subject = subject_of(one.labels, rule.group_by)
        found[subject] = found.get(subject, 0.0) + summed([one], begins, index.now)
    return found


def _pace(rule: Sellout, left: float, sold: float) -> _Pace:
    if sold < rule.min_sold or left <= 0:
        return _Pace(left, sold)
    window_h = rule.s("window") / 3600
    slow, fast = poisson_interval(sold)
    return _Pace(left, sold, left * window_h / sold, left * window_h / fast, left * window_h / slow if slow else None)


def _verdict(
    name: str,
    rule: Sellout,
    subject: str | None,
    series: Sequence[Series],
    pace: _Pace,
    limits: tuple[float, float],
) -> Verdict:
    """Return the verdict on one group, by the hours at which it fires and at which it is well again."""
    limit, recover = limits
    breached = pace.hours is not None and pace.hours < limit
    is_judged = pace.hours is not None or pace.left <= 0
    about = label_words(tuple((one, dict(series[0].labels).get(one, "")) for one in rule.group_by))
    at = newest_at(series)
    return Verdict(
        rule=name,
        subject=subject,
        verdict=VerdictStatus.WARNING if breached else VerdictStatus.MET if is_judged else VerdictStatus.INSUFFICIENT,
        title=f"{rule.title}: {about}" if about else rule.title,
        summary=f"{f'{about}: ' if about else ''}{_sentence(rule, pace, limit)}",
        severity=rule.severity,
        value=pace.hours,
        limit=limit,
        low=pace.low,
        high=pace.high,
        unit="hours",
        n=round(pace.sold),
        window=words(rule.s("window")),
        breached=breached,
        clear=(pace.hours is not None and pace.hours > recover) or pace.left <= 0,
        samples=(at.isoformat(timespec="seconds"),) if at else (),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _sentence(rule: Sellout, pace: _Pace, limit: float) -> str:
    if pace.left <= 0:
        return "sold out"
    told = f"{number(pace.left)} left, {number(pace.sold)} sold in {words(rule.s('window'))}"
    if pace.hours is None or pace.low is None:
        return f"{told}; {rule.min_sold} are needed to tell a pace"
    until = f"to {pace.high:.0f}" if pace.high is not None else "or more"
    return f"{told}: sold out in {pace.hours:.0f} h (95 %: {pace.low:.0f} {until} h; limit {number(limit)} h)"


def needs(rule: Sellout) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: what is left lately, and what was sold in its window."""
    return (
        SeriesNeed(metric=rule.metric, window_s=_LEFT_LOOKS_BACK_S),
        SeriesNeed(metric=rule.sold_metric, window_s=rule.s("window")),
    )


def traits(rule: Sellout, _subject: str | None) -> Traits:
    """Return what its verdicts are about: what sources count."""
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review)


def idle(rule: Sellout, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    missing = [deployment.missing_metrics[m] for m in rule.metrics if m in deployment.missing_metrics]
    yield from missing[:1]


def powerless(rule: Sellout, a_day: Mapping[str, float]) -> str | None:
    """Return why so few are sold that it can hardly ever judge; None where enough are, or their number is not known."""
    return too_few_in(a_day[rule.sold_metric], rule.min_sold, rule.s("window")) if rule.sold_metric in a_day else None


def why_closed(about: About, rule: Sellout, index: HistoryIndex) -> str | None:
    """Return why a group is not judged any more."""
    if (reason := why_no_source_of(index, rule.metrics)) is not None:
        return reason
    subject = about.subject
    if rule.again_hours is not None and subject is not None:
        subject = subject.removesuffix(f"/{number(rule.again_hours)}h")
    if subject is not None and subject.count("/") >= len(rule.group_by):
        return f"rule {about.rule} tells at other hours now (sla.yaml)"
    return why_not_listed(index, rule.metric, rule, subject) if subject else None


KIND = Kind(
    settings=Sellout,
    judge=judge,
    needs=needs,
    traits=traits,
    idle=idle,
    powerless=powerless,
    why_closed=why_closed,
)
