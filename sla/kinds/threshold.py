"""`threshold`: a level (a gauge) is at or beyond a limit: tickets left, a queue's length, days until a certificate ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.series import (
    FEED,
    Feed,
    feed_of,
    feed_verdict,
    groups,
    is_silent,
    label_words,
    location_in,
    newest_at,
    off,
    values_in,
    why_no_source,
    why_not_listed,
    without_samples,
)
from sla.settings import Apart, Label, Limits, MetricName, Rule, Silence, Value, Wait, wrong_ladder
from sla.wording import number

_LOOKS_BACK_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Rule):
    """The last value of a metric is at `low` or less, or at `high` or more; it is well again at `recover`, once for each crossing.

    `low`, `high` and `recover` are a number each, or a table of numbers by the value of the label `by`; a series that the table
    does not name is not judged. `where` narrows the series by label. Each series is judged by itself, or, with `group_by`, all
    that share these labels together: then the verdict counts those beyond the limit, and `counted_as` and `beyond` are its words
    (`2 of 12 city tiers are oversold`). `shown_as` follows a single value (`3 left`), `whole_metric` is what it is a part of.

    With `samples_apart` the limit is reached only by two samples that far apart and all between them; `recover_samples_apart` is
    the same for `recover`. Values beyond `floor` are another rule's. At exactly `info_at` (`info_text` says what that means) the
    alert is for information and told to nobody. `escalate` gives more urgent severities the value at which they hold. With
    `feed_silent` the age of the source is judged as well.
    """

    metric: MetricName
    unit: str = ""
    low: Limits | None = None
    high: Limits | None = None
    recover: Limits | None = None
    escalate: dict[Severity, Value] = field(default_factory=dict)
    by: Label | None = None
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] | None = None
    counted_as: str = "series"
    beyond: str = "are beyond the limit"
    shown_as: str = ""
    whole_metric: MetricName | None = None
    samples_apart: Apart | None = None
    recover_samples_apart: Apart | None = None
    hold: Wait = "0s"
    recover_for: Wait = "0s"
    floor: Value | None = None
    info_at: Value | None = None
    info_text: str = ""
    feed_silent: Silence | None = None

    def _wrong(self) -> Iterator[str]:
        if (self.low is None) == (self.high is None):
            yield "low: say exactly one of low (it fires at so much or less) and high (at so much or more)"
            return
        name = "high" if self.low is None else "low"
        limit, recover = self.limits, self.recover
        if self.escalate and isinstance(limit, dict):
            yield f"escalate: goes with a single number, and {name} is a table"
        elif not isinstance(limit, dict):
            yield from wrong_ladder(self.severity, limit, self.escalate, falls=not self.is_upper)
        if isinstance(limit, dict) and not limit:
            yield f"{name}: is empty, so nothing is judged; name a {self.by or 'label'}, or write `enabled: false`"
        if (isinstance(limit, dict) or isinstance(recover, dict)) and self.by is None:
            yield f"by: is missing: say of which label {name} and recover name the values"
        if isinstance(recover, dict) and not isinstance(limit, dict):
            yield f"recover: is a table, and {name} is a single number; write a number, or a table of both"
            return
        more = "less" if self.is_upper else "more"
        for value, at in limit.items() if isinstance(limit, dict) else (("", limit),):
            end = recover.get(value) if isinstance(recover, dict) else recover
            key = f"recover.{value}" if value and (isinstance(recover, dict) or end is None) else "recover"
            if (isinstance(recover, dict) and end is None) or (end is not None and not self._is_better(end, at)):
                yield f"{key}: must be {more} than the {number(at)} at which it fires"
        if isinstance(recover, dict) and isinstance(limit, dict):
            for value in sorted(set(recover) - set(limit)):
                yield f"recover.{value}: nothing fires for {value}: `{name}` does not name it"

    @property
    def limits(self) -> float | dict[str, float]:
        """The limit, or the limits by label."""
        limit = self.high if self.low is None else self.low
        assert limit is not None
        return limit

    @property
    def is_upper(self) -> bool:
        """Whether it fires at so much or more."""
        return self.low is None

    def _is_better(self, value: float, limit: float) -> bool:
        return value < limit if self.is_upper else value > limit

    def limit_of(self, label: str | None) -> float | None:
        """Return the limit for a value of the label `by`; None where there is none."""
        return self.limits.get(label or "") if isinstance(self.limits, dict) else self.limits

    def recover_of(self, label: str | None) -> float | None:
        """Return at which value it is well again; None where that is anything better than the limit."""
        return self.recover.get(label or "") if isinstance(self.recover, dict) else self.recover


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One series against its limit."""

    series: Series
    limit: float
    recover: float | None
    at: datetime
    value: float
    is_beyond: bool
    breached: bool
    clear: bool


def judge(name: str, rule: Threshold, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each series or group of series, and one on the source where `feed_silent` is set."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    silent = is_silent(rule, index, feed)
    found = {} if silent else _judged_groups(rule, index)
    verdicts = [
        (_single if len(group) == 1 and _is_single(rule, group[0].series) else _counted)(
            name, rule, index, subject, group
        )
        for subject, group in found.items()
    ]
    if not verdicts:
        verdicts = _without_samples(name, rule, index, feed, silent=silent)
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _judged_groups(rule: Threshold, index: HistoryIndex) -> dict[str | None, list[_Judged]]:
    judged = {
        subject: [one for series in found if (one := _judged(rule, series)) is not None]
        for subject, found in groups(index, rule.metric, rule).items()
    }
    return {subject: found for subject, found in judged.items() if found}


def _without_samples(name: str, rule: Threshold, index: HistoryIndex, feed: Feed, *, silent: bool) -> list[Verdict]:
    """Return what is said where there is nothing to judge: of each subject that is known, so that what fires is `last known`."""
    if rule.group_by == []:
        verdict = without_samples(name, rule, feed, silent=True)
        return [verdict]
    if not silent:
        return [without_samples(name, rule, feed, silent=False)]
    return [
        Verdict(
            rule=name,
            subject=subject,
            verdict=VerdictStatus.NO_DATA,
            title=_title(rule, found[0].series) if len(found) == 1 else f"{rule.title}: {subject}",
            summary=f"no fresh {feed.source}",
            severity=rule.severity,
        )
        for subject, found in _judged_groups(rule, index).items()
    ] or [without_samples(name, rule, feed, silent=True)]


def _is_single(rule: Threshold, series: Series) -> bool:
    """Return whether the subjects of a rule are single series: its groups name every label."""
    return rule.group_by is None or {label for label, _ in series.labels} <= set(rule.group_by)


def _judged(rule: Threshold, series: Series) -> _Judged | None:
    label = series.label(rule.by) if rule.by else None
    limit = rule.limit_of(label)
    if limit is None:
        return None
    recover = rule.recover_of(label)
    at, value = series.points[-1]

    def is_beyond(value: float) -> bool:
        return value >= limit if rule.is_upper else value <= limit

    def is_well(value: float) -> bool:
        if recover is None:
            return not is_beyond(value)
        return value <= recover if rule.is_upper else value >= recover

    is_ours = rule.floor is None or (value <= rule.floor if rule.is_upper else value >= rule.floor)
    return _Judged(
        series=series,
        limit=limit,
        recover=recover,
        at=at,
        value=value,
        is_beyond=is_beyond(value),
        breached=is_ours and _holds(series, is_beyond, rule.s("samples_apart") if rule.samples_apart else 0.0),
        clear=_holds(series, is_well, rule.s("recover_samples_apart") if rule.recover_samples_apart else 0.0),
    )


def _holds(series: Series, condition: Callable[[float], bool], apart_s: float) -> bool:
    """Return whether a condition holds for the last sample, for one at least so long before it, and for all between them."""
    last = series.points[-1][0]
    for at, value in reversed(series.points):
        if not condition(value):
            return False
        if last - at >= timedelta(seconds=apart_s):
            return True
    return False


def _title(rule: Threshold, series: Series) -> str:
    return f"{rule.title}: {label_words(series.labels)}" if series.labels else rule.title


def _single(name: str, rule: Threshold, index: HistoryIndex, subject: str | None, group: Sequence[_Judged]) -> Verdict:
    """Return the verdict on one series."""
    (one,) = group
    at_info = rule.info_at is not None and one.value == rule.info_at
    shown = (
        rule.info_text if at_info and rule.info_text else f"{number(one.value)} {rule.shown_as or rule.unit}".rstrip()
    )
    about = f"{label_words(one.series.labels)}: " if one.series.labels else ""
    well = f", well again at {number(one.recover)}" if one.recover is not None else ""
    severity = _severity(rule, one.value) if one.breached else rule.severity
    beyond = VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    apart = f"2 samples {rule.s('samples_apart'):.3g} s apart" if rule.samples_apart else "last sample"
    return Verdict(
        rule=name,
        subject=subject,
        verdict=beyond if one.breached else VerdictStatus.OFF_TARGET if one.is_beyond else VerdictStatus.MET,
        title=_title(rule, one.series),
        summary=f"{about}{shown}{_whole(rule, index, one.series)} (limit {number(one.limit)}{well})",
        severity=Severity.INFO if at_info else severity,
        value=one.value,
        limit=one.limit,
        unit=rule.unit,
        n=len(one.series.points),
        window=apart,
        breached=one.breached,
        clear=one.clear,
        for_s=rule.s("hold"),
        clear_for_s=rule.s("recover_for"),
        samples=(one.at.isoformat(timespec="seconds"),),
        samples_are_runs=False,
        data_at=one.at,
        runbook=rule.runbook,
    )


def _severity(rule: Threshold, value: float) -> Severity:
    """Return the most urgent severity whose limit a value has reached."""
    reached = [s for s, limit in rule.escalate.items() if (value >= limit if rule.is_upper else value <= limit)]
    return min(reached, key=lambda severity: severity.rank, default=rule.severity)


def _whole(rule: Threshold, index: HistoryIndex, series: Series) -> str:
    if rule.whole_metric is None:
        return ""
    wholes = index.history.series.get(rule.whole_metric, ())
    whole = next((one.points[-1][1] for one in wholes if one.labels == series.labels and one.points), None)
    return f" of {number(whole)}" if whole is not None else ""


def _counted(name: str, rule: Threshold, index: HistoryIndex, subject: str | None, group: Sequence[_Judged]) -> Verdict:
    """Return the verdict on several series together: how many are beyond the limit."""
    beyond, n = [one for one in group if one.breached], len(group)
    where = ", ".join(f"{' '.join(value for _, value in one.series.labels)} {number(one.value)}" for one in beyond)
    about = f"{subject}: " if subject else ""
    said = f"{about}{len(beyond)} of {n} {rule.counted_as} {rule.beyond}"
    severity = min((_severity(rule, one.value) for one in beyond), key=lambda s: s.rank, default=rule.severity)
    worst = VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    at = newest_at(one.series for one in group)
    assert at is not None
    return Verdict(
        rule=name,
        subject=subject,
        verdict=worst if beyond else VerdictStatus.MET,
        title=f"{rule.title}: {subject}" if subject else rule.title,
        summary=f"{said} (limit 1): {where}" if beyond else said,
        severity=severity,
        value=float(len(beyond)),
        limit=1.0,
        unit=rule.counted_as,
        n=n,
        window="last sample",
        breached=bool(beyond),
        clear=all(one.clear for one in group),
        for_s=rule.s("hold"),
        clear_for_s=rule.s("recover_for"),
        samples=(at.isoformat(timespec="seconds"),),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def needs(rule: Threshold) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the samples of an hour, or of twice the time that two of them have to be apart."""
    apart = [rule.s(name) for name in ("samples_apart", "recover_samples_apart") if getattr(rule, name) is not None]
    window_s = max([_LOOKS_BACK_S, *(2 * seconds + 600 for seconds in apart)])
    metrics = [rule.metric, *([rule.whole_metric] if rule.whole_metric else [])]
    return tuple(SeriesNeed(metric=metric, window_s=window_s) for metric in metrics)


def traits(rule: Threshold, subject: str | None) -> Traits:
    """Return what its verdicts are about: a metric, or its source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, rule.group_by)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Threshold, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: Threshold, index: HistoryIndex) -> str | None:
    """Return why a series or its source is not judged any more."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    if (rule.group_by == []) != (about.subject is None):
        return f"rule {about.rule} groups by other labels now (sla.yaml)" if about.subject or rule.group_by else None
    label = _label_of(about.subject, rule, index)
    if label is not None and rule.limit_of(label) is None:
        return f"rule {about.rule} has no limit for {rule.by} {label} any more"
    return why_not_listed(index, rule.metric, rule, about.subject) if about.subject else None


def _label_of(subject: str | None, rule: Threshold, index: HistoryIndex) -> str | None:
    """Return the value of the label `by` that a subject has; None where it has several, or it is not known."""
    if rule.by is None or subject is None:
        return None
    if (label := values_in(subject, rule.group_by).get(rule.by)) is not None:
        return label
    found = {one.label(rule.by) for one in groups(index, rule.metric, rule).get(subject, ())}
    return found.pop() if len(found) == 1 else None


KIND = Kind(settings=Threshold, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
