"""`response_times`: each page and each call of the site's own is slow in the browser, as a percentile against one limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from config import Complaint
from config.bounds import Bounds, Form
from facts import Family, Outcome, Severity, Traits, Verdict, VerdictStatus
from metrics.counting import is_static
from metrics.statistics import nearest_rank
from sla.durations import words
from sla.impossible import runs_made, too_few_runs
from sla.index import HistoryIndex
from sla.kind import About, Kind, RunsNeed, Schedules
from sla.settings import Apart, Percentile, Rule, Samples, Settle, Wait, Window
from sla.wording import ids, newest

_Milliseconds = Annotated[
    float, Bounds(10, 600_000, "it is in milliseconds (1.5 s is 1500), and a run is ended after ten minutes at most")
]
_Endpoint = Annotated[str, Form(r"/\S*", "is no path of the site; it begins with /")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimes(Rule):
    """A percentile of the requests to one endpoint is over `limit_ms`, of every page and call of the site that runs come by.

    `except_for` are the endpoints that rules of their own judge; static files are no endpoints. An endpoint is judged once it was asked
    `min_n` times in `window`. It is well again below `recover_ms` for `recover_for`.
    """

    limit_ms: _Milliseconds
    recover_ms: _Milliseconds
    except_for: list[_Endpoint] = field(default_factory=list)
    percentile: Percentile = 95
    window: Window = "1h"
    settle: Settle = "30s"
    min_n: Samples = 20
    updates_apart: Apart = "10s"
    recover_for: Wait = "15m"

    def _wrong(self) -> Iterator[str]:
        if self.recover_ms > self.limit_ms:
            yield f"recover_ms: {self.recover_ms:g} is over the limit of {self.limit_ms:g}: it would recover while it fires"


_Seen = Mapping[str, Sequence[tuple[Outcome, float]]]


def judge(name: str, rule: ResponseTimes, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each endpoint that was asked often enough; one on none of them where no endpoint was."""
    recent = index.recent(rule.s("window"), settle_s=rule.s("settle"))
    seen = _seen(rule, recent)
    if not seen and index.comes_by_nobody(recent):
        window = words(rule.s("window"))
        summary = f"every journey passed in the last {window}, and none asks for a page or a call that this rule judges"
        return [
            Verdict(rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary=summary, severity=rule.severity)
        ]
    judged = sorted(endpoint for endpoint, some in seen.items() if len(some) >= rule.min_n)
    return [_judged(name, rule, endpoint, seen[endpoint]) for endpoint in judged] or [_too_few(name, rule, seen)]


def _seen(rule: ResponseTimes, recent: Sequence[Outcome]) -> _Seen:
    found: dict[str, list[tuple[Outcome, float]]] = defaultdict(list)
    for outcome in recent:
        for answer in outcome.requests:
            is_ours = answer.party == "first" and answer.endpoint not in rule.except_for
            if is_ours and answer.status and answer.duration_ms is not None and not is_static(answer.endpoint):
                found[f"{answer.method} {answer.endpoint}"].append((outcome, answer.duration_ms))
    return found


def _judged(name: str, rule: ResponseTimes, endpoint: str, some: Sequence[tuple[Outcome, float]]) -> Verdict:
    runs = [outcome for outcome, _ in some]
    value = nearest_rank([took for _, took in some], rule.percentile)
    breached = value > rule.limit_ms
    beyond = VerdictStatus.CRITICAL if rule.severity is Severity.CRITICAL else VerdictStatus.WARNING
    return Verdict(
        rule=name,
        subject=endpoint,
        verdict=beyond if breached else VerdictStatus.MET,
        title=f"{rule.title}: {endpoint}",
        summary=f"{endpoint}: p{rule.percentile:g} {value / 1000:.2f} s (limit {rule.limit_ms / 1000:g} s, well again under "
        f"{rule.recover_ms / 1000:g} s) of {len(some)} in {words(rule.s('window'))}",
        severity=rule.severity,
        value=value,
        limit=rule.limit_ms,
        unit="ms",
        n=len(some),
        window=words(rule.s("window")),
        breached=breached,
        clear=value < rule.recover_ms,
        for_s=rule.s("updates_apart"),
        clear_for_s=rule.s("recover_for"),
        counted=tuple(sorted({one.location for one in runs})),
        samples=ids(runs)[-1:],
        data_at=newest(runs),
        runbook=rule.runbook,
    )


def _too_few(name: str, rule: ResponseTimes, seen: _Seen) -> Verdict:
    runs = [outcome for some in seen.values() for outcome, _ in some]
    window, most = words(rule.s("window")), max((len(some) for some in seen.values()), default=0)
    return Verdict(
        rule=name,
        verdict=VerdictStatus.INSUFFICIENT if runs else VerdictStatus.NO_DATA,
        title=rule.title,
        summary=f"{most} requests to one endpoint in {window}, {rule.min_n} are needed (limit {rule.limit_ms / 1000:g} s)",
        severity=rule.severity,
        limit=rule.limit_ms,
        unit="ms",
        n=most,
        window=window,
        data_at=newest(runs),
        runbook=rule.runbook,
    )


def needs(rule: ResponseTimes) -> tuple[RunsNeed, ...]:
    """Return the runs that the rule needs: those in its window, with all their requests."""
    return (RunsNeed(window_s=rule.s("window") + rule.s("settle"), details=True, calls=True),)


def traits(_rule: ResponseTimes, _subject: str | None) -> Traits:
    """Return what its verdicts are about: times that a failing journey spoils as well."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True)


def feasible(name: str, rule: ResponseTimes, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint where the schedule makes too few runs."""
    runs = sum(runs_made(schedule, rule.s("window")) for schedule in schedules.values())
    if runs < rule.min_n:
        yield too_few_runs(f"{name}.min_n", rule.min_n, runs, rule.s("window"), "a longer window or a smaller min_n")


def why_closed(about: About, rule: ResponseTimes, index: HistoryIndex) -> str | None:
    """Return why an endpoint is not judged any more: it is fast again, or runs do not come by it."""
    if about.subject is None:
        return None
    if about.subject.partition(" ")[2] in rule.except_for:
        return f"rule {about.rule} leaves {about.subject} to another rule now (sla.yaml)"
    seen = _seen(rule, index.recent(rule.s("window"), settle_s=rule.s("settle")))
    if seen and about.subject not in seen:
        return f"no run came by {about.subject} for {words(rule.s('window'))}"
    return None


KIND = Kind(settings=ResponseTimes, judge=judge, needs=needs, traits=traits, feasible=feasible, why_closed=why_closed)
