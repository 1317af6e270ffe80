"""`vitals`: Core Web Vitals against a limit each, as a percentile of each page or of all pages together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from config import Complaint
from config.bounds import Bounds, Form
from facts import Family, Outcome, Traits, Verdict, VerdictStatus
from metrics.statistics import median, nearest_rank
from sla.durations import words
from sla.hours import Hour
from sla.impossible import runs_made, too_few_runs
from sla.index import HistoryIndex
from sla.kind import About, Kind, RunsNeed, Schedules
from sla.settings import Apart, Percentile, Rule, Samples, Settle, Wait, Window
from sla.wording import ids, newest, plural

_UNITS = {"CLS": "score"}
_INTERACTIONS = ("INP", "FID")
_Vital = Annotated[
    str, Form("LCP|CLS|INP|FCP|TTFB|LOAD|FID", "is no vital; there are LCP, CLS, INP, FCP, TTFB, LOAD, FID")
]
_VitalValue = Annotated[float, Bounds(0.001, 600_000, "it is in milliseconds, or, for CLS, a score")]
_HIGHEST_CLS, _SHORTEST_VITAL_MS = 10, 10
_RUNS = 3
"""How many runs of each journey and location have to pass without opening a page before it counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals(Rule):
    """Core Web Vitals: a percentile of each page at each location, and the median of the locations, against a limit by vital.

    With `pages: together` it is the worst value of each run over all its pages.

    `accepted` are baselines an operator accepted, by subject (`/success CLS`): up to such a value the page is off target, and
    nobody is told; above it the limit holds.
    """

    limits: dict[_Vital, _VitalValue]
    pages: Literal["each", "together"] = "each"
    accepted: dict[str, _VitalValue] = field(default_factory=dict)
    percentile: Percentile = 75
    window: Window = "24h"
    settle: Settle = "30s"
    updates_apart: Apart = "10s"
    recover_for: Wait = "24h"
    min_n: Samples = 20

    def _wrong(self) -> Iterator[str]:
        if not self.limits:
            yield "limits: is empty, so nothing is judged; name a vital, or write `enabled: false`"
        for vital, value in self.limits.items():
            if vital == "CLS" and value > _HIGHEST_CLS:
                yield f"limits.CLS: {value:g} is no score that a page has; it is a share of the window, like 0.1"
            elif vital != "CLS" and value < _SHORTEST_VITAL_MS:
                yield f"limits.{vital}: {value:g} ms are less than any page needs; it is in milliseconds: 2.5 s is 2500"
        for subject, value in self.accepted.items():
            path, _, vital = subject.rpartition(" ")
            if vital not in self.limits or not path.startswith("/"):
                yield f"accepted.{subject}: names no page and vital of `limits`; write it like `/success CLS`"
            elif value <= self.limits[vital]:
                yield f"accepted.{subject}: {value:g} is no more than the limit of {self.limits[vital]:g}, which holds anyway"


def judge(name: str, rule: Vitals, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each page and vital that the rule limits, or for each vital where all pages are judged together."""
    return _of_all_pages(name, rule, index) if rule.pages == "together" else _of_each_page(name, rule, index)


def _of_each_page(name: str, rule: Vitals, index: HistoryIndex) -> list[Verdict]:
    found: dict[tuple[str, str], list[_Values]] = defaultdict(list)
    for hour in _hours(index, rule):
        for (page, vital), values in hour.once(_by_page).items():
            if vital in rule.limits:
                found[page, vital].append(values)
    return [_vital(name, rule, page, vital, parts) for (page, vital), parts in sorted(found.items())]


def _of_all_pages(name: str, rule: Vitals, index: HistoryIndex) -> list[Verdict]:
    """Return the verdicts on the worst value of each run."""
    hours, verdicts = _hours(index, rule), []
    for vital in rule.limits:
        found = [hour.once(_worst).get(vital) for hour in hours]
        parts = [values for values in found if values]
        if not parts and index.comes_by_nobody(index.recent(rule.s("window"), settle_s=rule.s("settle"))):
            verdicts.append(_unmeasured(name, rule, vital))
        else:
            verdicts.append(_vital(name, rule, None, vital, parts))
    return verdicts


def _unmeasured(name: str, rule: Vitals, vital: str) -> Verdict:
    what = "presses anything that could be slow" if vital in _INTERACTIONS else f"measures {vital}"
    summary = f"every journey passed in the last {words(rule.s('window'))}, and none {what}"
    return Verdict(rule=name, subject=vital, verdict=VerdictStatus.OFF, title=f"{rule.title}: {vital}", summary=summary)


class _Values(NamedTuple):
    """What was measured of a vital in one hour at one location, and the run of the hour that finished last with a value."""

    location: str
    values: list[float]
    last: Outcome


def _hours(index: HistoryIndex, rule: Vitals) -> list[Hour]:
    return [h for j in index.journeys() for h in index.hours_within(j, rule.s("window"), settle_s=rule.s("settle"))]


def _by_page(outcomes: tuple[Outcome, ...]) -> dict[tuple[str, str], _Values]:
    found: dict[tuple[str, str], list[tuple[Outcome, float]]] = defaultdict(list)
    for outcome in outcomes:
        for vital in outcome.vitals:
            # A page of somebody else's (Stripe's) carries its origin; its vitals are not this site's to mend.
            if vital.page.startswith("/") and not vital.cut and vital.value is not None:
                found[vital.page, vital.name].append((outcome, vital.value))
    return {key: _values(measured) for key, measured in found.items()}


def _worst(outcomes: tuple[Outcome, ...]) -> dict[str, _Values]:
    """Return the worst value of each run over all its pages, by vital. What was cut short counts only for interactions: they are
    over when they are measured."""
    found: dict[str, list[tuple[Outcome, float]]] = defaultdict(list)
    for outcome in outcomes:
        worst: dict[str, float] = {}
        for vital in outcome.vitals:
            if vital.value is not None and (vital.name in _INTERACTIONS or not vital.cut):
                worst[vital.name] = max(vital.value, worst.get(vital.name, vital.value))
        for name, value in worst.items():
            found[name].append((outcome, value))
    return {name: _values(measured) for name, measured in found.items()}


def _values(measured: Sequence[tuple[Outcome, float]]) -> _Values:
    # Sorted, so that the values of many hours are sorted at the price of a merge.
    last = max((outcome for outcome, _ in measured), key=_finish)
    return _Values(last.location, sorted(value for _, value in measured), last)


def _finish(outcome: Outcome) -> tuple[datetime, str]:
    return outcome.finished_at, outcome.run_id


def _vital(name: str, rule: Vitals, page: str | None, vital: str, parts: Sequence[_Values]) -> Verdict:
    subject = f"{page} {vital}" if page is not None else vital
    by_place: dict[str, list[float]] = defaultdict(list)
    for part in parts:
        by_place[part.location] += part.values
    n, limit, unit = sum(len(part.values) for part in parts), rule.limits[vital], _UNITS.get(vital, "ms")
    value = median([nearest_rank(values, rule.percentile) for values in by_place.values()]) if parts else None
    enough = n >= rule.min_n
    over = enough and value is not None and value > limit
    accepted = value is not None and value <= rule.accepted.get(subject, 0.0)
    if not enough:
        word = VerdictStatus.INSUFFICIENT if n else VerdictStatus.NO_DATA
    else:
        word = VerdictStatus.MET if not over else VerdictStatus.OFF_TARGET if accepted else VerdictStatus.WARNING
    last = [max((part.last for part in parts), key=_finish)] if parts else []
    shown = "no value" if value is None else f"{value:.3g} {unit}"
    note = f", up to {rule.accepted[subject]:g} is accepted as a baseline" if over and accepted else ""
    return Verdict(
        rule=name,
        subject=subject,
        verdict=word,
        title=f"{rule.title}: {subject}",
        summary=f"{subject}: p{rule.percentile:g} {shown} (limit {limit:g} {unit}) of {n} in {words(rule.s('window'))}, "
        f"median of {plural(len(by_place), 'location')}{note}" + ("" if enough else f"; {rule.min_n} are needed"),
        severity=rule.severity,
        value=value,
        limit=limit,
        unit=unit,
        n=n,
        window=words(rule.s("window")),
        breached=over and not accepted,
        clear=enough and not over,
        for_s=rule.s("updates_apart"),
        clear_for_s=rule.s("recover_for"),
        counted=tuple(sorted(by_place)),
        samples=ids(last),
        data_at=newest(last),
        runbook=rule.runbook,
    )


def needs(rule: Vitals) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the vitals of its window."""
    return (RunsNeed(window_s=rule.s("window") + rule.s("settle"), slots=_RUNS + 1, details=True),)


def traits(_rule: Vitals, _subject: str | None) -> Traits:
    """Return what its verdicts are about: pages that a failing journey does not come to."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True)


def feasible(name: str, rule: Vitals, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint where the schedule makes too few runs."""
    runs = sum(runs_made(schedule, rule.s("window")) for schedule in schedules.values())
    if runs < rule.min_n:
        yield too_few_runs(f"{name}.min_n", rule.min_n, runs, rule.s("window"), "a longer window or a smaller min_n")


def why_closed(about: About, rule: Vitals, index: HistoryIndex) -> str | None:
    """Return why a page or a vital is not judged any more."""
    page, _, vital = (about.subject or "").rpartition(" ")
    if vital not in rule.limits:
        return f"rule {about.rule} has no limit for {vital} any more"
    if bool(page) != (rule.pages == "each"):
        return (
            f"rule {about.rule} judges {'each page by itself' if page == '' else 'all pages together'} now (sla.yaml)"
        )
    runs = index.last_until_passed(_RUNS)
    if not page or runs is None or any(graded.page == page for o in runs for graded in o.vitals):
        return None
    return f"no run opens {page} any more"


KIND = Kind(settings=Vitals, judge=judge, needs=needs, traits=traits, feasible=feasible, why_closed=why_closed)
