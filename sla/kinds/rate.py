"""`rate`: too large a share of something is bad (payments, API answers, messages), by two metrics that count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from config.bounds import Flag, Whole
from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from metrics.statistics import chance_of_at_least, wilson
from sla.durations import seconds, words
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
    never_told,
    newest_at,
    summed,
    why_no_source_of,
    why_silent_for_good,
    without_samples,
)
from sla.settings import Label, MetricName, Rule, Samples, Silence, SmallShare, Wait, Window, rung_of, wrong_ladder
from sla.wording import number

_Escape = Annotated[int, Whole(2, 1_000, "it is how many bad ones in a row are too many, however few there are")]
_FEWEST_GOOD = 2
"""How many good ones have to come before a rule of few samples is well again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Rule):
    """The bad share of what is counted is over `limit`, and not by chance alone: so is the lower end of its 95 % interval.

    `bad_metric` counts the bad ones, and either `total_metric` all of them or `good_metric` the others. The share is that of the
    shortest of `windows` in which `min_n` were counted. Over `critical` it is critical, over `target` off target; `escalate` gives
    other severities the share over which they hold (`escalate: {high: 0.1}`). A share over the
    limit that chance could explain is `unproven`, and an alert of `unproven_severity` where that is set. However few there are,
    `bad_in_a_row` bad ones without a good one `within` a time are too many. It is well again at `recover` or less.

    With `off_until_told` it is off as long as nothing of `bad_metric` is kept: of what a source need not tell, none is no zero.
    """

    bad_metric: MetricName
    total_metric: MetricName | None = None
    good_metric: MetricName | None = None
    limit: SmallShare
    critical: SmallShare | None = None
    escalate: dict[Severity, SmallShare] = field(default_factory=dict)
    target: SmallShare | None = None
    recover: SmallShare | None = None
    windows: list[Window] = field(default_factory=lambda: ["5m", "15m", "60m"])
    min_n: Samples = 20
    bad_in_a_row: _Escape | None = 3
    within: Window = "60m"
    hold: Wait = "2m"
    recover_for: Wait = "10m"
    unproven_severity: Severity | None = None
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] | None = field(default_factory=list)
    feed_silent: Silence | None = None
    off_until_told: Annotated[bool, Flag()] = False

    def _wrong(self) -> Iterator[str]:
        if (self.total_metric is None) == (self.good_metric is None):
            yield "total_metric: say exactly one of total_metric (all of them) and good_metric (the ones that are not bad)"
        if not self.windows:
            yield "windows: is empty, so nothing is judged; name a window, like [5m, 15m, 60m]"
        lengths = [seconds(text, key="windows") for text in self.windows]
        if lengths != sorted(set(lengths)):
            yield f"windows: must rise, each is tried where the one before holds too few: {', '.join(self.windows)}"
        if self.recover is not None and self.recover >= self.limit:
            yield f"recover: {self.recover:g} is no less than the limit of {self.limit:g}: it would recover while it fires"
        if self.critical is not None and self.critical <= self.limit:
            yield f"critical: {self.critical:g} is no more than the limit of {self.limit:g}"
        if self.target is not None and self.target > self.limit:
            yield f"target: {self.target:g} is more than the limit of {self.limit:g}"
        yield from wrong_ladder(self.severity, self.limit, self.escalate)
        if self.critical is not None and Severity.CRITICAL in self.escalate:
            yield f"escalate.critical: `critical` says {self.critical:g} already; write one of the two"

    @property
    def ladder(self) -> dict[Severity, float]:
        """The share over which each severity above the rule's own holds."""
        return {**self.escalate, **({Severity.CRITICAL: self.critical} if self.critical is not None else {})}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The two metrics: of the bad ones, and of all or of the good ones."""
        return self.bad_metric, self.total_metric or self.good_metric or ""

    @property
    def window_s(self) -> float:
        """How far back it looks, in seconds."""
        return max(seconds(self.windows[-1]), self.s("within"))


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was counted in a window."""

    window_s: float
    bad: int
    n: int

    @property
    def share(self) -> float | None:
        return self.bad / self.n if self.n else None


def judge(name: str, rule: Rate, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each group of series, and one on the source where `feed_silent` is set."""
    if (
        verdict := first_off(name, rule, index, rule.metrics) or never_told(name, rule, index, rule.bad_metric)
    ) is not None:
        return [verdict]
    feed = feed_of(index, rule.bad_metric)
    assert feed is not None
    silent = is_silent(rule, index, feed)
    bad, others = (groups(index, metric, rule) for metric in rule.metrics)
    subjects = sorted({*bad, *others}, key=lambda subject: subject or "")
    verdicts = [_rate(name, rule, index, one, bad.get(one, []), others.get(one, []), silent=silent) for one in subjects]
    if not verdicts:
        verdicts = [without_samples(name, rule, feed, silent=silent)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _rate(
    name: str,
    rule: Rate,
    index: HistoryIndex,
    subject: str | None,
    bad: Sequence[Series],
    others: Sequence[Series],
    *,
    silent: bool,
) -> Verdict:
    counted = _widest_needed(rule, index, bad, others)
    lately = _in(rule, index, bad, others, rule.s("within"))
    low, high = wilson(counted.bad, counted.n)
    share, enough = counted.share, counted.n >= rule.min_n
    over = enough and share is not None and share > rule.limit
    proven = over and low > rule.limit
    in_a_row = rule.bad_in_a_row is not None and lately.bad >= rule.bad_in_a_row and lately.bad == lately.n
    rung = rung_of(rule.ladder, share) if proven and share is not None else None
    recover = rule.recover if rule.recover is not None else rule.limit
    # Of too few to prove anything, those that came since have to be good.
    all_good = not in_a_row and counted.bad == 0 and counted.n >= _FEWEST_GOOD
    clear = share is not None and share <= recover if enough else all_good
    severity = rule.severity
    if rung is not None:
        severity = rung
    elif over and not proven and not in_a_row:
        severity = rule.unproven_severity or rule.severity
    at = newest_at((*bad, *others))
    about = f"{subject.replace('/', ' ')}: " if subject else ""
    return Verdict(
        rule=name,
        subject=subject,
        verdict=VerdictStatus.NO_DATA
        if silent or (not counted.n and at is None)
        else _word(rule, severity, share, over=over, proven=proven, in_a_row=in_a_row, enough=enough),
        title=f"{rule.title}: {subject.replace('/', ' ')}" if subject else rule.title,
        summary=f"{about}{_sentence(rule, counted, lately, over=over, proven=proven, in_a_row=in_a_row, enough=enough)}",
        severity=severity,
        value=share,
        limit=rule.ladder[rung] if rung is not None else rule.limit,
        unit="ratio",
        low=low if counted.n else None,
        high=high if counted.n else None,
        n=counted.n,
        window=words(counted.window_s),
        breached=not silent and (proven or in_a_row or (over and rule.unproven_severity is not None)),
        clear=not silent and clear,
        for_s=0.0 if in_a_row else rule.s("hold"),
        clear_for_s=rule.s("recover_for"),
        samples=(at.isoformat(timespec="seconds"),) if at else (),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _word(
    rule: Rate, severity: Severity, share: float | None, *, over: bool, proven: bool, in_a_row: bool, enough: bool
) -> VerdictStatus:
    if proven or in_a_row:
        return VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    if over:
        return VerdictStatus.UNPROVEN
    if not enough or share is None:
        return VerdictStatus.INSUFFICIENT
    return VerdictStatus.OFF_TARGET if rule.target is not None and share > rule.target else VerdictStatus.MET


def _sentence(
    rule: Rate, counted: _Counted, lately: _Counted, *, over: bool, proven: bool, in_a_row: bool, enough: bool
) -> str:
    if in_a_row and not proven:
        within = words(rule.s("within"))
        return f"{lately.bad} bad in a row and none good in {within} (limit {rule.bad_in_a_row}, however few there are)"
    share = "nothing was counted" if counted.share is None else f"{100 * counted.share:.1f} % of {counted.n} are bad"
    said = f"{share} in {words(counted.window_s)} (limit {number(100 * rule.limit)} %)"
    if over and not proven:
        return f"{said}; so few could be bad by chance"
    return said if enough else f"{said}; {rule.min_n} are needed"


def _widest_needed(rule: Rate, index: HistoryIndex, bad: Sequence[Series], others: Sequence[Series]) -> _Counted:
    """Return the counts of the shortest window that holds enough, else of the longest one."""
    found = [_in(rule, index, bad, others, seconds(text)) for text in rule.windows]
    return next((one for one in found if one.n >= rule.min_n), found[-1])


def _in(rule: Rate, index: HistoryIndex, bad: Sequence[Series], others: Sequence[Series], window_s: float) -> _Counted:
    begins: datetime = index.now - timedelta(seconds=window_s)
    n_bad = round(summed(bad, begins, index.now))
    n_others = round(summed(others, begins, index.now))
    n = n_bad + n_others if rule.good_metric is not None else max(n_bad, n_others)
    return _Counted(window_s, n_bad, n)


def needs(rule: Rate) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the counts of its longest window."""
    return tuple(
        SeriesNeed(metric=metric, window_s=rule.window_s, newest=rule.off_until_told and metric == rule.bad_metric)
        for metric in rule.metrics
    )


def traits(rule: Rate, subject: str | None) -> Traits:
    """Return what its verdicts are about: what sources count, or the source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, rule.group_by)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Rate, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    missing = [deployment.missing_metrics[m] for m in rule.metrics if m in deployment.missing_metrics]
    yield from missing[:1]


def powerless(rule: Rate, a_day: Mapping[str, float]) -> str | None:
    """Return why so few come that it can hardly ever judge; None where enough do, or their number is not known."""
    found = [a_day[metric] for metric in rule.metrics if metric in a_day]
    if not found or (why := too_few_in(max(found), rule.min_n, rule.window_s)) is None:
        return None
    if rule.bad_in_a_row is None:
        return why
    chance = chance_of_at_least(rule.bad_in_a_row, max(found) * rule.s("within") / 86_400)
    return (
        f"{why}; {rule.bad_in_a_row} in a row within {words(rule.s('within'))}, which need no {rule.min_n}, come together with a "
        f"chance of {chance:.1g}"
    )


def why_closed(about: About, rule: Rate, index: HistoryIndex) -> str | None:
    """Return why a group is not judged any more."""
    if (reason := why_no_source_of(index, rule.metrics)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    if rule.group_by == [] and about.subject is not None:
        return f"rule {about.rule} groups by other labels now (sla.yaml)"
    return why_silent_for_good(index, rule.metrics, rule, about.subject, rule.window_s)


KIND = Kind(
    settings=Rate, judge=judge, needs=needs, traits=traits, idle=idle, powerless=powerless, why_closed=why_closed
)
