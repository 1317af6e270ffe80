"""`percentile`: how long an endpoint, some steps or a page take, as a percentile against three limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from config import Complaint
from config.bounds import Bounds, Form
from facts import Family, Outcome, Severity, Traits, Verdict, VerdictStatus
from metrics.statistics import nearest_rank
from sla.durations import words
from sla.impossible import runs_made, too_few_runs, too_many_locations_of_all
from sla.index import HistoryIndex
from sla.kind import Kind, RunsNeed, Schedules
from sla.settings import Apart, Locations, Percentile, Rule, Samples, Settle, Wait, Window
from sla.wording import ids, newest

_Milliseconds = Annotated[
    float, Bounds(10, 600_000, "it is in milliseconds (1.5 s is 1500), and a run is ended after ten minutes at most")
]
_Path = Annotated[str, Form(r"/\S*", "is no path of the site; it begins with /")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileRule(Rule):
    """A percentile against the guide's three numbers, in ms. What is measured: an `endpoint`'s requests, the time of `steps`, or
    the load of a `page`, from the start of its navigation to the end of its load event."""

    target_ms: _Milliseconds
    warning_ms: _Milliseconds
    critical_ms: _Milliseconds
    endpoint: _Path | None = None
    method: Annotated[str, Form(r"[A-Z]{3,10}", "is no method; write it like POST")] = "POST"
    steps: list[str] | None = None
    page: _Path | None = None
    percentile: Percentile = 95
    window: Window = "1h"
    settle: Settle = "30s"
    updates_apart: Apart = "10s"
    recover_for: Wait = "30m"
    recover_factor: Annotated[float, Bounds(0.01, 1, "above 1 it would recover while it still fires")] = 0.8
    min_n: Samples = 20
    critical_locations: Locations = 2

    def _wrong(self) -> Iterator[str]:
        if not self.target_ms <= self.warning_ms <= self.critical_ms:
            numbers = f"{self.target_ms:g}, {self.warning_ms:g}, {self.critical_ms:g}"
            yield f"warning_ms: the numbers must rise: target_ms, warning_ms, critical_ms are {numbers}"
        if sum(what is not None for what in (self.endpoint, self.steps, self.page)) != 1:
            yield "endpoint: say exactly one of endpoint, steps and page"
        if self.steps == []:
            yield "steps: is empty, so nothing is measured"


def judge(name: str, rule: PercentileRule, index: HistoryIndex) -> list[Verdict]:
    """Return one verdict over all journeys."""
    recent = index.recent(rule.s("window"), settle_s=rule.s("settle"))
    seen = [(o, value) for o in recent for value in _measured(rule, o)]
    values = [value for _, value in seen]
    measured = [o for o, _ in seen]
    n, p = len(values), f"p{rule.percentile:g}"
    if n < rule.min_n:
        return [_too_few(name, rule, n, measured, is_off=not n and index.comes_by_nobody(recent))]
    value = nearest_rank(values, rule.percentile)
    slow_places = {o.location for o, v in seen if v > rule.critical_ms}
    critical = value > rule.critical_ms and len(slow_places) >= index.quorum(rule.critical_locations)
    breached = value > rule.warning_ms
    word = (
        VerdictStatus.CRITICAL
        if critical
        else VerdictStatus.WARNING
        if breached
        else VerdictStatus.OFF_TARGET
        if value > rule.target_ms
        else VerdictStatus.MET
    )
    limit = rule.critical_ms if critical else rule.warning_ms if breached else rule.target_ms
    slowest = max(seen, key=lambda item: item[1])
    return [
        Verdict(
            rule=name,
            verdict=word,
            title=rule.title,
            summary=f"{rule.title}: {p} {value / 1000:.2f} s (target {rule.target_ms / 1000:g} s, warning "
            f"{rule.warning_ms / 1000:g} s, critical {rule.critical_ms / 1000:g} s) of {n} in {words(rule.s('window'))}; "
            f"the slowest {slowest[1] / 1000:.2f} s at {slowest[0].location}",
            severity=Severity.CRITICAL if critical else rule.severity,
            value=value,
            limit=limit,
            unit="ms",
            n=n,
            window=words(rule.s("window")),
            breached=breached,
            clear=value < rule.recover_factor * rule.warning_ms,
            for_s=rule.s("updates_apart"),
            clear_for_s=rule.s("recover_for"),
            counted=tuple(sorted({o.location for o in measured})),
            samples=ids(measured)[-1:],
            data_at=newest(measured),
            runbook=rule.runbook,
        )
    ]


def _measured(rule: PercentileRule, outcome: Outcome) -> list[float]:
    if rule.endpoint is not None:
        wanted = (a for a in outcome.requests if a.endpoint == rule.endpoint and a.method == rule.method)
        return [a.duration_ms for a in wanted if a.duration_ms is not None and a.party == "first" and a.status]
    if rule.steps is not None:
        return [outcome.steps[step] for step in rule.steps if step in outcome.steps and outcome.failed_step != step]
    return [
        v.value
        for v in outcome.vitals
        if v.page == rule.page and v.name == "LOAD" and v.navigation == "hard" and v.value is not None
    ]


def _too_few(name: str, rule: PercentileRule, n: int, measured: Sequence[Outcome], *, is_off: bool) -> Verdict:
    window = words(rule.s("window"))
    if is_off:
        summary = f"{rule.title}: every journey passed in the last {window}, and none comes by what this rule measures"
        return Verdict(rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary=summary, severity=rule.severity)
    return Verdict(
        rule=name,
        verdict=VerdictStatus.INSUFFICIENT if n else VerdictStatus.NO_DATA,
        title=rule.title,
        summary=f"{rule.title}: {n} measured in {window}, {rule.min_n} are needed",
        severity=rule.severity,
        n=n,
        limit=rule.target_ms,
        unit="ms",
        window=words(rule.s("window")),
        data_at=newest(measured),
        runbook=rule.runbook,
    )


def needs(rule: PercentileRule) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the details of its window, and the requests to its endpoint."""
    endpoints = frozenset({(rule.endpoint, rule.method)} if rule.endpoint is not None else ())
    return (RunsNeed(window_s=rule.s("window") + rule.s("settle"), details=True, endpoints=endpoints),)


def traits(_rule: PercentileRule, _subject: str | None) -> Traits:
    """Return what its verdicts are about: times that a failing journey spoils as well."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True)


def feasible(name: str, rule: PercentileRule, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each number that the schedule cannot reach."""
    runs = sum(runs_made(schedule, rule.s("window")) for schedule in schedules.values())
    if runs < rule.min_n:
        yield too_few_runs(f"{name}.min_n", rule.min_n, runs, rule.s("window"), "a longer window or a smaller min_n")
    yield from too_many_locations_of_all(f"{name}.critical_locations", rule.critical_locations, schedules)


KIND = Kind(settings=PercentileRule, judge=judge, needs=needs, traits=traits, feasible=feasible)
