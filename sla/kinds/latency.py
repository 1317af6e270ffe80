"""`latency`: a percentile of times that a source measures against the guide's limits: webhooks, queries, endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from config.bounds import Bounds
from facts import Family, Severity, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.history import Durations
from sla.index import HistoryIndex
from sla.kind import About, Deployment, DurationsNeed, Kind
from sla.series import FEED, feed_of, feed_verdict, is_silent, location_in, off, subject_of, why_no_source
from sla.settings import Apart, Label, MetricName, Rule, Samples, Silence, Wait, Window
from sla.wording import number

_Milliseconds = Annotated[float, Bounds(1, 600_000, "it is in milliseconds: 1.5 s is 1500")]
_SECONDS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Rule):
    """A percentile of a metric of durations, of each of its series, against up to three limits in ms.

    Over `target_ms` it is off target, which tells nobody; over `warning_ms` it fires, over `critical_ms` it is critical. A limit
    that is left out is never reached. `where` chooses series by their labels, `except_for` leaves some out. It is well again below
    `recover_factor` of the warning for `recover_for`.
    """

    metric: MetricName
    target_ms: _Milliseconds
    warning_ms: _Milliseconds | None = None
    critical_ms: _Milliseconds | None = None
    percentile: Literal[50, 75, 90, 95, 99] = 95
    window: Window = "1h"
    min_n: Samples = 20
    updates_apart: Apart = "10s"
    recover_for: Wait = "30m"
    recover_factor: Annotated[float, Bounds(0.01, 1, "above 1 it would recover while it still fires")] = 0.8
    where: dict[Label, list[str]] = field(default_factory=dict)
    except_for: dict[Label, list[str]] = field(default_factory=dict)
    feed_silent: Silence | None = None

    def _wrong(self) -> Iterator[str]:
        told = [limit for limit in (self.target_ms, self.warning_ms, self.critical_ms) if limit is not None]
        if told != sorted(told):
            yield f"warning_ms: the numbers must rise: target_ms, warning_ms, critical_ms are {', '.join(map(number, told))}"
        if self.critical_ms is not None and self.warning_ms is None:
            yield "critical_ms: goes with a warning_ms below it"


def judge(name: str, rule: Latency, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each series that anything was measured of lately, and one on the source where that is asked for."""
    feed = feed_of(index, rule.metric)
    if feed is None:
        return [off(name, rule, index, rule.metric)]
    silent = is_silent(rule, index, feed)
    verdicts = [_judged(name, rule, one, silent=silent) for one in _chosen(rule, index)]
    verdicts = verdicts or [_nothing(name, rule)]
    if rule.feed_silent is not None:
        verdicts.append(feed_verdict(name, rule, index, feed))
    return verdicts


def _chosen(rule: Latency, index: HistoryIndex) -> list[Durations]:
    found = index.history.durations.get((rule.metric, rule.s("window")), ())
    return [
        one
        for one in found
        if all(dict(one.labels).get(label) in values for label, values in rule.where.items())
        and not any(dict(one.labels).get(label) in values for label, values in rule.except_for.items())
    ]


def _judged(name: str, rule: Latency, measured: Durations, *, silent: bool) -> Verdict:
    value = measured.values[rule.percentile] * _SECONDS
    enough = measured.n >= rule.min_n
    breached = enough and rule.warning_ms is not None and value > rule.warning_ms
    critical = breached and rule.critical_ms is not None and value > rule.critical_ms
    severity = Severity.CRITICAL if critical else rule.severity
    subject = subject_of(measured.labels, None)
    about = " ".join(text for _, text in measured.labels)
    at = measured.newest_at
    return Verdict(
        rule=name,
        subject=subject,
        verdict=VerdictStatus.NO_DATA if silent else _word(rule, value, enough, breached, severity),
        title=f"{rule.title}: {about}" if about else rule.title,
        summary=_sentence(rule, measured, about, value, enough=enough),
        severity=severity,
        value=value,
        limit=rule.critical_ms if critical else rule.warning_ms if breached else rule.target_ms,
        unit="ms",
        n=measured.n,
        window=words(rule.s("window")),
        breached=breached and not silent,
        clear=enough and not silent and value < rule.recover_factor * (rule.warning_ms or rule.target_ms),
        for_s=rule.s("updates_apart"),
        clear_for_s=rule.s("recover_for"),
        samples=(at.isoformat(timespec="seconds"),),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _word(rule: Latency, value: float, enough: bool, breached: bool, severity: Severity) -> VerdictStatus:
    if not enough:
        return VerdictStatus.INSUFFICIENT
    if breached:
        return VerdictStatus.CRITICAL if severity is Severity.CRITICAL else VerdictStatus.WARNING
    return VerdictStatus.OFF_TARGET if value > rule.target_ms else VerdictStatus.MET


def _sentence(rule: Latency, measured: Durations, about: str, value: float, *, enough: bool) -> str:
    limits = (("target", rule.target_ms), ("warning", rule.warning_ms), ("critical", rule.critical_ms))
    told = ", ".join(f"{name} {number(limit / 1000)} s" for name, limit in limits if limit is not None)
    said = f"p{rule.percentile} {value / 1000:.2f} s ({told}) of {measured.n} in {words(rule.s('window'))}"
    said = f"{about}: {said}" if about else said
    return said if enough else f"{said}; {rule.min_n} are needed"


def _nothing(name: str, rule: Latency) -> Verdict:
    return Verdict(
        rule=name,
        verdict=VerdictStatus.INSUFFICIENT,
        title=rule.title,
        summary=f"nothing was measured in {words(rule.s('window'))}",
        severity=rule.severity,
        limit=rule.target_ms,
        unit="ms",
        window=words(rule.s("window")),
        runbook=rule.runbook,
    )


def needs(rule: Latency) -> tuple[DurationsNeed, ...]:
    """Return what it looks at: the percentiles of its window."""
    return (DurationsNeed(metric=rule.metric, window_s=rule.s("window")),)


def traits(rule: Latency, subject: str | None) -> Traits:
    """Return what its verdicts are about: times that a source measures, or the source."""
    if subject == FEED:
        return Traits(family=Family.BUSINESS)
    location = location_in(subject, sorted(rule.where) or None)
    return Traits(family=Family.BUSINESS, needs_review=rule.needs_review, location_bound=location)


def idle(rule: Latency, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.metric in deployment.missing_metrics:
        yield deployment.missing_metrics[rule.metric]


def why_closed(about: About, rule: Latency, index: HistoryIndex) -> str | None:
    """Return why a series is not judged any more."""
    if (reason := why_no_source(index, rule.metric)) is not None:
        return reason
    if about.subject == FEED:
        return None if rule.feed_silent else f"rule {about.rule} does not watch the source any more (sla.yaml)"
    subjects = {subject_of(one.labels, None) for one in _chosen(rule, index)}
    if about.subject is not None and subjects and about.subject not in subjects:
        return f"nothing of {about.subject} was measured for {words(rule.s('window'))}, and of others it was"
    return None


KIND = Kind(settings=Latency, judge=judge, needs=needs, traits=traits, idle=idle, why_closed=why_closed)
