"""`daily_goal`: by a time of the day too little money has come in, beside a stated goal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated

from config.bounds import Flag, Form, Whole
from facts import Family, Series, Traits, Verdict, VerdictStatus
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.money import amount, of_currency, other_currencies
from sla.series import FEED, feed_of, feed_verdict, is_silent, newest_at, off, selected, summed, why_no_source
from sla.settings import Label, MetricName, Rule, Share, Silence

_LONGEST_DAY_S = 25 * 3600
TimeOfDay = Annotated[
    str, Form(r"([01][0-9]|2[0-3]):[0-5][0-9]", "is no time of the day; write it like 18:00, with quotes")
]
Minor = Annotated[int, Whole(1, 10**13, "it is in minor units: 50000 is $500.00")]
Currency = Annotated[str, Form(r"[a-z]{3}", "is no currency; write its three letters, like usd")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyGoal(Rule):
    """From the business's midnight to `at` less than `share` of `goal_minor` has come in, in one `currency`.

    Each local date is judged once, by what had come in by then, and is an alert of its own that ends with the day. Nothing is said
    before `at`, nor while the source has brought nothing since. Amounts are minor units; those of other currencies are named, and
    never added. `confirmed` says that the goal is meant as it stands: `sixfb check` asks no more where another rule's differs much.
    """

    metric: MetricName
    goal_minor: Minor
    currency: Currency = "usd"
    share: Share = 0.8
    at: TimeOfDay = "18:00"
    confirmed: Annotated[bool, Flag()] = False
    where: dict[Label, list[str]] = field(default_factory=dict)
    feed_silent: Silence | None = None

    @property
    def group_by(self) -> list[str]:
        """All series of the currency are added."""
        return []


def judge(name: str, rule: DailyGoal, index: HistoryIndex) -> list[Verdict]:
    """Return the verdict on today, and one on the source where `feed_silent` is set."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    calendar = index.history.calendar
    today = calendar.local(index.now).date()
    begins, at = calendar.moment(today), calendar.moment(today, time.fromisoformat(rule.at))
    series = selected(index, rule.metric, rule.where)
    has_read = feed.state.last_good_at is not None and feed.state.last_good_at >= at
    verdicts = [_verdict(name, rule, index, series, begins, at, cannot=is_silent(rule, index, feed) or not has_read)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _verdict(
    name: str,
    rule: DailyGoal,
    index: HistoryIndex,
    series: list[Series],
    begins: datetime,
    at: datetime,
    *,
    cannot: bool,
) -> Verdict:
    is_due = index.now >= at
    came = summed(of_currency(series, rule.currency), begins - timedelta(microseconds=1), min(at, index.now))
    wanted = rule.share * rule.goal_minor
    short = is_due and not cannot and came < wanted
    if not is_due:
        word, said = VerdictStatus.INSUFFICIENT, f"; judged at {rule.at} ({index.history.calendar.timezone})"
    elif cannot:
        word, said = VerdictStatus.NO_DATA, f"; cannot judge: nothing was read since {rule.at}"
    else:
        word, said = (VerdictStatus.WARNING if short else VerdictStatus.MET), ""
    others = other_currencies(series, rule.currency, begins, min(at, index.now))
    return Verdict(
        rule=name,
        subject=index.history.calendar.local(begins).date().isoformat(),
        verdict=word,
        title=rule.title,
        summary=f"{amount(came, rule.currency)} by {rule.at}, {came / rule.goal_minor:.0%} of the goal of "
        f"{amount(rule.goal_minor, rule.currency)} (limit {rule.share:.0%}){others}{said}",
        severity=rule.severity,
        value=came,
        limit=wanted,
        unit=f"minor units of {rule.currency}",
        window=f"the day until {rule.at}",
        breached=short,
        clear=is_due and not cannot and not short,
        samples=(at.isoformat(timespec="seconds"),) if is_due else (),
        samples_are_runs=False,
        data_at=newest_at(series),
        runbook=rule.runbook,
    )


def needs(rule: DailyGoal) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the samples of a day, which has 25 hours at most."""
    return (SeriesNeed(metric=rule.metric, window_s=_LONGEST_DAY_S),)


def traits(rule: DailyGoal, _subject: str | None) -> Traits:
    """Return what its verdicts are about: money that a source counts, or the source."""
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review)


def idle(rule: DailyGoal, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: DailyGoal, index: HistoryIndex) -> str | None:
    """Return why a day is not judged any more: it is over."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    today = index.history.calendar.local(index.now).date().isoformat()
    return None if about.subject == today else f"{about.subject or 'that day'} is over"


KIND = Kind(settings=DailyGoal, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
