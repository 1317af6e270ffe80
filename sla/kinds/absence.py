"""`absence`: something that should come has not come for too long: sales, webhooks, a job's ping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.series import (
    FEED,
    feed_of,
    feed_verdict,
    groups,
    is_silent,
    known_subjects,
    location_in,
    off,
    why_no_source,
    without_samples,
)
from sla.settings import Label, MetricName, Rule, Silence, Value

_LOOKS_BACK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence(Rule):
    """No sample of a metric above `more_than` has come for longer than `silent`.

    Of a metric that counts, a sample of 0 is nothing that came: `more_than` is 0 unless it is set lower. `group_by` tells subjects
    apart; a subject is known for as long as samples of it are kept (35 days), however short `silent` is. Without groups the first
    one is waited for as well, from when the hub began to watch. With `feed_silent` a source that is silent itself is told, and
    nothing is said of what it did not bring.
    """

    metric: MetricName
    silent: Silence
    more_than: Value = 0.0
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] | None = field(default_factory=list)
    feed_silent: Silence | None = None


def judge(name: str, rule: Absence, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each group of series, and one on the source where `feed_silent` is set."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    silent = is_silent(rule, index, feed)
    found: dict[str | None, list[Series]] = {one: [] for one in known_subjects(index, rule.metric, rule)}
    found |= groups(index, rule.metric, rule)
    if rule.group_by == []:
        found = {None: found.get(None, [])}
    if silent:
        verdicts = [without_samples(name, rule, feed, silent=True)] if rule.group_by == [] else []
    else:
        verdicts = [_absent(name, rule, index, subject, series) for subject, series in found.items()]
        verdicts = verdicts or [without_samples(name, rule, feed, silent=False)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _absent(name: str, rule: Absence, index: HistoryIndex, subject: str | None, found: Sequence[Series]) -> Verdict:
    last = _last(rule, found) or _last(rule, known_subjects(index, rule.metric, rule).get(subject, ()))
    limit = rule.s("silent")
    # A hub that was down or asleep has heard nothing of what came meanwhile.
    heard_s = (index.now - index.history.watching_since).total_seconds()
    age = min((index.now - last).total_seconds(), float("inf")) if last else heard_s
    breached = age > limit and heard_s > limit
    unheard = age > limit and not breached
    beyond = VerdictStatus.CRITICAL if rule.severity is Severity.CRITICAL else VerdictStatus.WARNING
    about = f"{subject.replace('/', ' ')}: " if subject else ""
    said = f"the last one came {words(age)} ago" if last else f"none has come in the {words(age)} that are known"
    return Verdict(
        rule=name,
        subject=subject,
        verdict=beyond if breached else VerdictStatus.INSUFFICIENT if unheard or last is None else VerdictStatus.MET,
        title=f"{rule.title}: {subject.replace('/', ' ')}" if subject else rule.title,
        summary=f"{about}{said} (limit {words(limit)})",
        summary_past=f"{about}none came for {words(age)} (limit {words(limit)})" if breached else "",
        began_at=last if breached else None,
        severity=rule.severity,
        value=age,
        limit=limit,
        unit="s",
        n=1 if last else 0,
        window="since the last one",
        breached=breached,
        clear=last is not None and age <= limit,
        samples=(last.isoformat(timespec="seconds"),) if last else (),
        samples_are_runs=False,
        data_at=last,
        runbook=rule.runbook,
    )


def _last(rule: Absence, found: Sequence[Series]) -> datetime | None:
    moments = (next((at for at, value in reversed(one.points) if value > rule.more_than), None) for one in found)
    return max((at for at in moments if at), default=None)


def needs(rule: Absence) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the samples of twice the time that may pass, and with groups the last one of each series."""
    return (SeriesNeed(metric=rule.metric, window_s=_LOOKS_BACK * rule.s("silent"), newest=rule.group_by != []),)


def traits(rule: Absence, subject: str | None) -> Traits:
    """Return what its verdicts are about: what a source should bring, or the source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, rule.group_by)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Absence, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: Absence, index: HistoryIndex) -> str | None:
    """Return why it is not judged any more. A subject that does not come is what the rule is about, and no reason."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    if (rule.group_by == []) != (about.subject is None):
        return f"rule {about.rule} groups by other labels now (sla.yaml)" if about.subject or rule.group_by else None
    known = known_subjects(index, rule.metric, rule)
    if about.subject is not None and known and about.subject not in {**known, **groups(index, rule.metric, rule)}:
        return f"nothing of {about.subject.replace('/', ' ')} is kept any more: none came for 35 days"
    return None


KIND = Kind(settings=Absence, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
