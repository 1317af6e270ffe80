"""The series that rules on metrics look at: which ones, how they are grouped into subjects, and whether their source is alive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Protocol

from facts import FeedState, Labels, Series, Severity, Verdict, VerdictStatus
from sla.durations import words
from sla.index import HistoryIndex
from sla.settings import Rule

FEED = "feed"
"""The subject of the verdict on a source that is silent."""
OUR_RUNS = "runs"
"""The source of metrics that come out of our own runs; it has no feed that could be silent."""
READINGS_MISSED = 3
"""A source is silent at the earliest when so many of its readings have brought nothing."""

Point = tuple[datetime, float]
_value = itemgetter(1)


class OfMetric(Protocol):
    """The settings of a rule that looks at the series of a metric."""

    @property
    def where(self) -> Mapping[str, Sequence[str]]:
        """Which values each label may have; a label that is not named may have any."""
        ...

    @property
    def group_by(self) -> Sequence[str] | None:
        """The labels that tell its subjects apart; None is every label, an empty list puts all series together."""
        ...


def selected(index: HistoryIndex, metric: str, where: Mapping[str, Sequence[str]]) -> list[Series]:
    """Return the series of a metric that a rule's `where` lets through, of which there are samples."""
    found = index.history.series.get(metric, ())
    return [one for one in found if one.points and all(one.label(label) in values for label, values in where.items())]


def groups(index: HistoryIndex, metric: str, rule: OfMetric) -> dict[str | None, list[Series]]:
    """Return the series of a metric by the subject that they are judged under, in the order of subjects."""
    found: dict[str | None, list[Series]] = {}
    for one in selected(index, metric, rule.where):
        found.setdefault(subject_of(one.labels, rule.group_by), []).append(one)
    return dict(sorted(found.items(), key=lambda item: item[0] or ""))


def known_subjects(index: HistoryIndex, metric: str, rule: OfMetric) -> dict[str | None, list[Series]]:
    """Return the last sample of each series that is kept at all, by subject; only of metrics that a rule asks that for."""
    found: dict[str | None, list[Series]] = {}
    for one in index.history.last_samples.get(metric, ()):
        if all(one.label(label) in values for label, values in rule.where.items()):
            found.setdefault(subject_of(one.labels, rule.group_by), []).append(one)
    return found


def subject_of(labels: Labels, group_by: Sequence[str] | None) -> str | None:
    """Return the subject of a series: the values of its labels, like `dallas/ga`; None where all are judged together."""
    values = dict(labels)
    names = list(values) if group_by is None else group_by
    return "/".join(values.get(name, "") for name in names) or None


def values_in(subject: str | None, group_by: Sequence[str] | None) -> dict[str, str]:
    """Return the values by label that a subject is made of; none where the rule does not say which labels these are, or a value
    has a slash of its own, so that nobody can tell where the next one begins."""
    if not subject or not group_by:
        return {}
    values = [subject] if len(group_by) == 1 else subject.split("/")
    return dict(zip(group_by, values, strict=True)) if len(values) == len(group_by) else {}


def location_in(subject: str | None, group_by: Sequence[str] | None) -> str | None:
    """Return the location that a subject is about, where a rule tells its subjects apart by location."""
    return values_in(subject, group_by).get("location")


def label_words(labels: Labels) -> str:
    """Return the values of labels for people; tiers are written as tickets have them, GA and VIP."""
    return " ".join(value.upper() if name == "tier" else value for name, value in labels)


class WatchesSource(Protocol):
    """The settings of a rule that may watch the age of its source."""

    @property
    def feed_silent(self) -> str | None:
        """How old the source's last word may be; None where that is not watched."""
        ...

    @property
    def runbook(self) -> str | None:
        """Where to look first."""
        ...

    def s(self, name: str) -> float:
        """Return a duration in seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The source of a metric: its name, its state, and how old its last word is in seconds (since the hub watches where it has
    said none)."""

    source: str
    state: FeedState
    age_s: float


def feed_of(index: HistoryIndex, metric: str) -> Feed | None:
    """Return the source of a metric; None where none is configured."""
    source = index.history.metric_sources.get(metric)
    if source == OUR_RUNS:
        return Feed(source=source, state=FeedState(source=source, configured=True, last_good_at=index.now), age_s=0.0)
    state = index.history.feeds.get(source or "")
    if source is None or state is None or not state.configured:
        return None
    age = (index.now - (state.last_good_at or index.history.watching_since)).total_seconds()
    return Feed(source=source, state=state, age_s=age)


def off(name: str, rule: Rule, index: HistoryIndex, metric: str) -> Verdict:
    """Return the verdict of a rule whose metric nobody brings."""
    return Verdict(
        rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary=_nobody_brings(index, metric, any_more=False)
    )


def first_off(name: str, rule: Rule, index: HistoryIndex, metrics: Iterable[str]) -> Verdict | None:
    """Return the verdict of a rule one of whose metrics nobody brings; None where each has a source."""
    missing = next((metric for metric in metrics if feed_of(index, metric) is None), None)
    return None if missing is None else off(name, rule, index, missing)


class OffUntilTold(OfMetric, Protocol):
    """The settings of a rule that may be off until its source has told of what it counts."""

    @property
    def off_until_told(self) -> bool:
        """Whether it is."""
        ...

    @property
    def title(self) -> str:
        """The rule's title."""
        ...


def never_told(name: str, rule: OffUntilTold, index: HistoryIndex, metric: str) -> Verdict | None:
    """Return the verdict of a rule that is off until its source tells of a metric; None where it has, or the rule is not so.

    A site need not tell of everything: of what it never mentions nobody knows that there is none.
    """
    if not rule.off_until_told or known_subjects(index, metric, rule) or selected(index, metric, rule.where):
        return None
    source = index.history.metric_sources.get(metric, "its source")
    summary = f"the source {source} has told of nothing that counts as {metric} yet (docs/metrics.md)"
    return Verdict(rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary=summary)


def why_no_source_of(index: HistoryIndex, metrics: Iterable[str]) -> str | None:
    """Return why nothing of some metrics is judged any more; None where each has a source."""
    return next((why for metric in metrics if (why := why_no_source(index, metric)) is not None), None)


def why_no_source(index: HistoryIndex, metric: str) -> str | None:
    """Return why nothing of a metric is judged any more; None where its source is configured."""
    return None if feed_of(index, metric) else _nobody_brings(index, metric, any_more=True)


def _nobody_brings(index: HistoryIndex, metric: str, *, any_more: bool) -> str:
    source, more = index.history.metric_sources.get(metric), " any more" if any_more else ""
    if source is None:
        return f"no source brings {metric}{more}"
    return f"the source {source} is not configured{more}, or the site has none; `sixfb sources list` says what it needs"


def without_samples(name: str, rule: Rule, feed: Feed, *, silent: bool) -> Verdict:
    """Return the verdict of a rule that has no samples to look at: `no_data` where its source is silent."""
    if silent:
        word, summary = VerdictStatus.NO_DATA, f"no fresh {feed.source}"
    else:
        word, summary = VerdictStatus.INSUFFICIENT, "no sample has come yet that it could judge"
    return Verdict(rule=name, verdict=word, title=rule.title, summary=summary, severity=rule.severity)


def silence_limit_s(rule: WatchesSource, index: HistoryIndex, feed: Feed) -> float | None:
    """Return how old a source's last word may be, in seconds; None where the rule does not watch it.

    It is never less than `READINGS_MISSED` of the source's periods and a minute: one reading that fails is no silence.
    """
    if rule.feed_silent is None:
        return None
    every_s = index.history.source_periods_s.get(feed.source, 0.0)
    return max(rule.s("feed_silent"), READINGS_MISSED * every_s + 60 if every_s else 0.0)


def is_silent(rule: WatchesSource, index: HistoryIndex, feed: Feed) -> bool:
    """Return whether a source has brought nothing for longer than a rule with `feed_silent` allows."""
    limit_s = silence_limit_s(rule, index, feed)
    return limit_s is not None and feed.age_s > limit_s


def feed_verdict(name: str, rule: WatchesSource, index: HistoryIndex, feed: Feed) -> Verdict:
    """Return the verdict on a source itself (subject `feed`): it is silent for longer than it may be."""
    limit_s = silence_limit_s(rule, index, feed) or 0.0
    silent, at = feed.age_s > limit_s, feed.state.last_good_at
    why = f"; {feed.state.last_error}" if feed.state.last_error and silent else ""
    last = f"{feed.age_s / 60:.0f} min old" if at else "has not come yet"
    return Verdict(
        rule=name,
        subject=FEED,
        verdict=VerdictStatus.WARNING if silent else VerdictStatus.MET if at else VerdictStatus.INSUFFICIENT,
        title=f"The {feed.source} cannot be read",
        summary=f"the {feed.source} {last} (limit {limit_s / 60:.3g} min){why}",
        severity=Severity.HIGH,
        value=feed.age_s,
        limit=limit_s,
        unit="s",
        n=1 if at else 0,
        window="last sample",
        # A hub that was down or asleep has not asked: it asks first, and tells then.
        breached=silent and (index.now - index.history.watching_since).total_seconds() > limit_s / 5,
        clear=not silent and at is not None,
        data_at=at,
        runbook=rule.runbook,
    )


def why_not_listed(
    index: HistoryIndex, metric: str, rule: OfMetric, subject: str | None, *, samples: int = 2
) -> str | None:
    """Return why a subject is gone: the last samples of the metric, two moments at least, do not list it.

    A source that brought nothing says nothing of what it lists.
    """
    every = index.history.series.get(metric, ())
    moments = sorted({at for one in every for at, _ in one.points[-samples:]})[-samples:]
    listed = {
        subject_of(one.labels, rule.group_by)
        for one in selected(index, metric, rule.where)
        if one.points[-1][0] in moments
    }
    if len(moments) < samples or subject in listed:
        return None
    source = index.history.metric_sources.get(metric, metric)
    return f"the {source} does not list {(subject or '').replace('/', ' ') or 'anything it judges'} any more"


def why_silent_for_good(
    index: HistoryIndex, metrics: Iterable[str], rule: OfMetric, subject: str | None, window_s: float
) -> str | None:
    """Return why a subject of rules that add things up is gone: the whole window has no sample of it, and samples of others."""
    found = {one for metric in metrics for one in groups(index, metric, rule)}
    if not found or subject in found or subject is None:
        return None
    return f"nothing was told of {subject.replace('/', ' ')} for {words(window_s)}"


def since(points: Sequence[Point], moment: datetime) -> list[Point]:
    """Return the points after a moment."""
    return [point for point in points if point[0] > moment]


def summed(found: Iterable[Series], begins: datetime, ends: datetime) -> float:
    """Return the sum of the values after one moment and until another."""
    values: Iterable[float] = map(_value, chain.from_iterable(one.within(begins, ends) for one in found))
    return sum(values)


def newest_at(found: Iterable[Series]) -> datetime | None:
    """Return the moment of the newest sample."""
    return max((one.points[-1][0] for one in found if one.points), default=None)


def ago(index: HistoryIndex, seconds: float) -> datetime:
    """Return the moment so many seconds before now."""
    return index.now - timedelta(seconds=seconds)
