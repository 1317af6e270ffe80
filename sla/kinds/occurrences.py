"""`occurrences`: something that is counted happens too often within a short time: errors of a category, refused logins, fraud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from config.bounds import Flag
from facts import Family, Series, Severity, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Deployment, Kind, SeriesNeed
from sla.series import (
    FEED,
    ago,
    feed_of,
    feed_verdict,
    groups,
    is_silent,
    location_in,
    never_told,
    newest_at,
    off,
    summed,
    why_no_source,
    without_samples,
)
from sla.settings import Label, Limits, MetricName, Rule, Silence, Value, Window
from sla.wording import number

_MINUTE_S = 60.0
"""Counts are kept by the minute, under its beginning: a minute that lies partly in a window counts as a whole."""
_AFTERWARDS_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrences(Rule):
    """A metric that counts reaches `at_least` within `window`; it is well again when fewer than `recover_below` were counted for
    `quiet`: none, unless that says more.

    `at_least` is a number, or a table of numbers by the value of the label `by`; what the table does not name is not judged.
    `severities` gives values of `by` another severity than the rule's. `where` narrows the series by label, and each group that
    `group_by` tells apart is judged by itself (`[]`: all together). With `feed_silent` the age of the source is judged as well.
    With `off_until_told` it is off as long as nothing of the metric is kept: of what a source need not tell, none is no zero.
    """

    metric: MetricName
    at_least: Limits
    by: Label | None = None
    severities: dict[str, Severity] = field(default_factory=dict)
    window: Window = "2m"
    quiet: Window = "15m"
    recover_below: Value | None = None
    unit: str = ""
    where: dict[Label, list[str]] = field(default_factory=dict)
    group_by: list[Label] | None = None
    feed_silent: Silence | None = None
    off_until_told: Annotated[bool, Flag()] = False

    def _wrong(self) -> Iterator[str]:
        if self.recover_below is not None and not 0 < self.recover_below <= self.least:
            yield f"recover_below: {number(self.recover_below)} is not between 0 and the {number(self.least)} at which it fires"
        if isinstance(self.at_least, dict) and not self.at_least:
            yield "at_least: is empty, so nothing is judged; name a value of `by`, or write `enabled: false`"
        if (isinstance(self.at_least, dict) or self.severities) and self.by is None:
            yield "by: is missing: say of which label at_least and severities name the values"
        if self.by is not None and self.group_by is not None and self.by not in self.group_by:
            yield f"group_by: must name {self.by}, by which at_least and severities go"
        for value, least in self.at_least.items() if isinstance(self.at_least, dict) else (("", self.at_least),):
            if least <= 0:
                yield f"at_least{'.' * bool(value)}{value}: must be more than 0, or it fires without anything that happened"
        for value in sorted(set(self.severities) - set(self.at_least)) if isinstance(self.at_least, dict) else ():
            yield f"severities.{value}: nothing fires for {value}: `at_least` does not name it"

    @property
    def least(self) -> float:
        """The smallest of its limits."""
        return min(self.at_least.values(), default=0) if isinstance(self.at_least, dict) else self.at_least

    def limit_of(self, value: str | None) -> float | None:
        """Return the limit for a value of the label `by`; None where there is none."""
        return self.at_least.get(value or "") if isinstance(self.at_least, dict) else self.at_least


def judge(name: str, rule: Occurrences, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each group of series that anything was counted of lately, and one on the source where that is asked for."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    if (verdict := never_told(name, rule, index, rule.metric)) is not None:
        return [verdict]
    silent = is_silent(rule, index, feed)
    if silent:
        verdicts = [without_samples(name, rule, feed, silent=True)]
    else:
        verdicts = [
            _counted(name, rule, index, subject, found, limit)
            for subject, found in groups(index, rule.metric, rule).items()
            if (limit := rule.limit_of(_value_of(rule, found))) is not None
        ] or [_nothing(name, rule)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _value_of(rule: Occurrences, found: Sequence[Series]) -> str | None:
    return found[0].label(rule.by) if rule.by else None


def _within(index: HistoryIndex, found: Sequence[Series], window_s: float) -> float:
    """Return what was counted in a window that ends now."""
    begins, now = ago(index, window_s + _MINUTE_S), index.now
    return summed(found, begins, now)


def _counted(
    name: str, rule: Occurrences, index: HistoryIndex, subject: str | None, found: Sequence[Series], limit: float
) -> Verdict:
    severity = rule.severities.get(_value_of(rule, found) or "", rule.severity)
    n, lately = (_within(index, found, rule.s(key)) for key in ("window", "quiet"))
    breached = n >= limit
    beyond = VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    about = subject.replace("/", " ") if subject else ""
    at = newest_at(found)
    shown = f"{number(n)} {rule.unit}".rstrip()
    said = f"{shown} in {words(rule.s('window'))} (limit {number(limit)})"
    if not breached and lately:
        said += f"; {number(lately)} in {words(rule.s('quiet'))}"
    return Verdict(
        rule=name,
        subject=subject,
        verdict=beyond if breached else VerdictStatus.MET,
        title=f"{rule.title}: {about}" if about else rule.title,
        summary=f"{about}: {said}" if about else said,
        severity=severity,
        value=n,
        limit=limit,
        unit=rule.unit,
        n=round(n),
        window=words(rule.s("window")),
        breached=breached,
        clear=lately == 0 if rule.recover_below is None else lately < rule.recover_below,
        samples=_moments(at),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _moments(at: datetime | None) -> tuple[str, ...]:
    return (at.isoformat(timespec="seconds"),) if at else ()


def _nothing(name: str, rule: Occurrences) -> Verdict:
    """Return the verdict where nothing was counted at all: the source lives, and tells of nothing."""
    return Verdict(
        rule=name,
        verdict=VerdictStatus.MET,
        title=rule.title,
        summary=f"none in {words(rule.s('quiet'))}",
        severity=rule.severity,
        value=0.0,
        unit=rule.unit,
        window=words(rule.s("window")),
        clear=True,
        runbook=rule.runbook,
    )


def needs(rule: Occurrences) -> tuple[SeriesNeed, ...]:
    """Return what it looks at: the window, the time that has to be quiet, and an hour in which that can be seen."""
    return (SeriesNeed(metric=rule.metric, window_s=_looks_back_s(rule), newest=rule.off_until_told),)


def _looks_back_s(rule: Occurrences) -> float:
    return max(rule.s("window"), rule.s("quiet")) + _MINUTE_S + _AFTERWARDS_S


def traits(rule: Occurrences, subject: str | None) -> Traits:
    """Return what its verdicts are about: what a source counts, or the source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, rule.group_by)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Occurrences, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: Occurrences, index: HistoryIndex) -> str | None:
    """Return why it is not judged any more: its source or its limit is gone, or nothing was counted for longer than is looked at."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    if about.subject is None:
        return None
    found = groups(index, rule.metric, rule).get(about.subject)
    if found is None:
        return f"none of {about.subject.replace('/', ' ')} came for {words(_looks_back_s(rule))}"
    if rule.limit_of(_value_of(rule, found)) is None:
        return f"rule {about.rule} has no limit for {about.subject.replace('/', ' ')} any more (sla.yaml)"
    return None


KIND = Kind(settings=Occurrences, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
