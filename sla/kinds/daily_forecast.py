"""`daily_forecast`: less money comes in than on the same weekday of the weeks before, by the hour and at the end of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple

from config.bounds import Bounds, Whole
from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from metrics.statistics import median, spread
from sla.calendar import Calendar
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.kinds.daily_goal import Currency, Minor, TimeOfDay
from sla.money import amount, of_currency, other_currencies
from sla.series import FEED, feed_of, feed_verdict, is_silent, newest_at, off, selected, summed, why_no_source
from sla.settings import Label, MetricName, Rule, Silence, rung_of, wrong_ladder

_DAY_S = 86_400
_LOOKS_BACK_S = 26 * 3600 + _DAY_S
_SPREADS = 3.0
_Drop = Annotated[float, Bounds(0.01, 1, "it is a share of the forecast: 0.2 is 20 % below it")]
_Weeks = Annotated[int, Whole(1, 4, "metrics are kept for five weeks, the one that is judged among them")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyForecast(Rule):
    """What came in since the business's midnight is more than `drop` below the forecast for that hour, in one `currency`.

    The forecast is the median of the same weekday of the `weeks` before until the same hour, where `min_weeks` of them are known, and
    `target_minor` by the share of the day that has passed, where they are not. It is judged at each full hour from `not_before` on, and
    for the whole day in the hour after its end. A change within three spreads (MAD) of those weeks is `unproven`. Holidays and
    declared sale windows are compared with nothing, and are in no forecast. `escalate` gives more urgent severities their drop.
    """

    metric: MetricName
    target_minor: Minor
    currency: Currency = "usd"
    drop: _Drop = 0.2
    escalate: dict[Severity, _Drop] = field(default_factory=dict)
    weeks: _Weeks = 4
    min_weeks: _Weeks = 2
    not_before: TimeOfDay = "12:00"
    recover_factor: Annotated[float, Bounds(0.01, 1, "above 1 it would recover while it still fires")] = 0.75
    where: dict[Label, list[str]] = field(default_factory=dict)
    feed_silent: Silence | None = None

    def _wrong(self) -> Iterator[str]:
        if self.min_weeks > self.weeks:
            yield f"min_weeks: {self.min_weeks} of {self.weeks} weeks: so many are never looked at"
        yield from wrong_ladder(self.severity, self.drop, self.escalate)


class _Part(NamedTuple):
    """The part of a local day that is judged: the date, when it begins and ends, and until which time of the day that is."""

    day: date
    begins: datetime
    ends: datetime
    until: str


class _Forecast(NamedTuple):
    value: float
    before: Sequence[float]
    what: str


def judge(name: str, rule: DailyForecast, index: HistoryIndex) -> list[Verdict]:
    """Return the verdict on the day, and one on the source where `feed_silent` is set."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    part = _part(index.history.calendar, index.now)
    has_read = feed.state.last_good_at is not None and feed.state.last_good_at >= part.ends
    cannot = is_silent(rule, index, feed) or not has_read
    verdicts = [_verdict(name, rule, index, part, cannot=cannot)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _part(calendar: Calendar, now: datetime) -> _Part:
    """Return what is judged now: yesterday in the first hour of a day, else today until the last full hour."""
    here = calendar.local(now)
    if here.hour == 0:
        day = here.date() - timedelta(days=1)
        return _Part(day, calendar.moment(day), calendar.moment(here.date()), "its end")
    hour = here.replace(minute=0, second=0, microsecond=0)
    return _Part(here.date(), calendar.moment(here.date()), hour.astimezone(now.tzinfo), f"{hour:%H:%M}")


def _verdict(name: str, rule: DailyForecast, index: HistoryIndex, part: _Part, *, cannot: bool) -> Verdict:
    series = selected(index, rule.metric, rule.where)
    ours = of_currency(series, rule.currency)
    came = _sum(ours, part.begins, part.ends)
    calendar = index.history.calendar
    unlike = calendar.special(part.begins, part.ends)
    forecast = _forecast(rule, calendar, ours, part)
    too_early = part.until != "its end" and part.until < rule.not_before
    is_judged = not cannot and unlike is None and not too_early and forecast.value > 0
    below = 1 - came / forecast.value if forecast.value > 0 else 0.0
    far = is_judged and below > rule.drop
    by_chance = bool(forecast.before) and forecast.value - came <= _SPREADS * spread(forecast.before)
    breached = far and not by_chance
    severity = (rung_of(rule.escalate, below) if breached else None) or rule.severity
    word = VerdictStatus.MET
    if cannot:
        word = VerdictStatus.NO_DATA
    elif not is_judged:
        word = VerdictStatus.INSUFFICIENT
    elif breached:
        word = VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    elif far:
        word = VerdictStatus.UNPROVEN
    why = (
        "; cannot judge: nothing was read since then"
        if cannot
        else f"; it is {unlike}, which is compared with no other week"
        if unlike
        else f"; judged from {rule.not_before} on"
        if too_early
        else "; so far by chance"
        if far and by_chance
        else ""
    )
    return Verdict(
        rule=name,
        subject=part.day.isoformat(),
        verdict=word,
        title=rule.title,
        summary=f"{amount(came, rule.currency)} until {part.until}, {-below:+.0%} of the forecast of "
        f"{amount(forecast.value, rule.currency)} ({forecast.what}; limit -{rule.drop:.0%})"
        f"{other_currencies(series, rule.currency, part.begins, part.ends)}{why}",
        severity=severity,
        value=came,
        limit=(1 - rule.drop) * forecast.value,
        unit=f"minor units of {rule.currency}",
        window=f"the day until {part.until}",
        breached=breached,
        clear=is_judged and below <= rule.recover_factor * rule.drop,
        samples=(part.ends.isoformat(timespec="seconds"),) if is_judged else (),
        samples_are_runs=False,
        data_at=newest_at(ours),
        runbook=rule.runbook,
    )


def _sum(series: Sequence[Series], begins: datetime, ends: datetime) -> float:
    return summed(series, begins - timedelta(microseconds=1), ends)


def _forecast(rule: DailyForecast, calendar: Calendar, series: Sequence[Series], part: _Part) -> _Forecast:
    """Return what should have come in; of a week in which nothing came for two days it is taken that nobody counted."""
    until = calendar.local(part.ends).time() if part.until != "its end" else None
    before: list[float] = []
    for week in range(1, rule.weeks + 1):
        day = part.day - timedelta(weeks=week)
        begins, whole = calendar.moment(day), calendar.moment(day + timedelta(days=1))
        ends = calendar.moment(day, until) if until else whole
        if calendar.special(begins, whole) is None and _sum(series, begins - timedelta(days=1), ends) > 0:
            before.append(_sum(series, begins, ends))
    if len(before) >= rule.min_weeks:
        return _Forecast(median(before), before, f"the median of {len(before)} weeks")
    whole_day = calendar.moment(part.day + timedelta(days=1)) - part.begins
    return _Forecast(
        rule.target_minor * ((part.ends - part.begins) / whole_day),
        (),
        "the target by the time of day: too few weeks are known",
    )


def needs(rule: DailyForecast) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: two days, and the same of the weeks before."""
    return (SeriesNeed(metric=rule.metric, window_s=_LOOKS_BACK_S, weeks=rule.weeks),)


def traits(rule: DailyForecast, _subject: str | None) -> Traits:
    """Return what its verdicts are about: money that a source counts, or the source."""
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review)


def idle(rule: DailyForecast, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: DailyForecast, index: HistoryIndex) -> str | None:
    """Return why a day is not judged any more: it is over."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    day = _part(index.history.calendar, index.now).day.isoformat()
    return None if about.subject == day else f"{about.subject or 'that day'} is over"


KIND = Kind(settings=DailyForecast, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
