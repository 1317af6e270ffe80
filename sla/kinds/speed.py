"""How fast the site is: D1, D3, D4 against the guide's table, G1 and G2 against the web vitals, H3 for third parties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from facts import Outcome, Severity, Status, Verdict, Word
from sla.durations import words
from sla.hours import Hour
from sla.index import HistoryIndex, first_good
from sla.statistics import median, nearest_rank
from sla.targets import SpeedRule, ThirdPartyRule, VitalsRule
from sla.wording import ids, newest, places, plural

_UNITS = {"CLS": "score"}


def speed(name: str, rule: SpeedRule, index: HistoryIndex) -> list[Verdict]:
    """One verdict over all journeys."""
    recent = _recent(index, rule)
    seen = [(o, value) for o in recent for value in _measured(rule, o)]
    values = [value for _, value in seen]
    measured = [o for o, _ in seen]
    n, p = len(values), f"p{rule.percentile:g}"
    if n < rule.min_n:
        return [_too_few(name, rule, n, measured, is_off=not n and _comes_by_nobody(index, recent))]
    value = nearest_rank(values, rule.percentile)
    slow_places = {o.location for o, v in seen if v > rule.critical_ms}
    critical = value > rule.critical_ms and len(slow_places) >= index.quorum(rule.critical_locations)
    breached = value > rule.warning_ms
    word = (
        Word.CRITICAL
        if critical
        else Word.WARNING
        if breached
        else Word.OFF_TARGET
        if value > rule.target_ms
        else Word.MET
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


def _recent(index: HistoryIndex, rule: SpeedRule | VitalsRule) -> list[Outcome]:
    found = [o for j in index.journeys() for o in index.within(j, rule.s("window"), settle_s=rule.s("settle"))]
    return sorted((o for o in found if not o.late), key=lambda o: o.finished_at)


def _measured(rule: SpeedRule, outcome: Outcome) -> list[float]:
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


def _comes_by_nobody(index: HistoryIndex, recent: Sequence[Outcome]) -> bool:
    """Whether every journey on the plan has passed lately, so that what none of them has measured is nothing they come by."""
    passed = {outcome.journey for outcome in recent if outcome.status is Status.PASSED and not outcome.skipped}
    return bool(passed) and passed.issuperset(index.journeys())


def _too_few(name: str, rule: SpeedRule, n: int, measured: Sequence[Outcome], *, is_off: bool) -> Verdict:
    window = words(rule.s("window"))
    if is_off:
        summary = f"{rule.title}: every journey passed in the last {window}, and none comes by what this rule measures"
        return Verdict(rule=name, verdict=Word.OFF, title=rule.title, summary=summary, severity=rule.severity)
    return Verdict(
        rule=name,
        verdict=Word.INSUFFICIENT if n else Word.NO_DATA,
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


def page_vitals(name: str, rule: VitalsRule, index: HistoryIndex) -> list[Verdict]:
    """G1: a verdict for each page and vital that the rule limits."""
    found: dict[tuple[str, str], list[_Values]] = defaultdict(list)
    for hour in _hours(index, rule):
        for (page, vital), values in hour.once(_by_page).items():
            if vital in rule.limits:
                found[page, vital].append(values)
    return [_vital(name, rule, page, vital, parts) for (page, vital), parts in sorted(found.items())]


def interactions(name: str, rule: VitalsRule, index: HistoryIndex) -> list[Verdict]:
    """G2: the worst interaction of each run, all pages together."""
    found = [hour.once(_worst_interactions) for hour in _hours(index, rule)]
    parts = [values for values in found if values]
    if not parts and _comes_by_nobody(index, _recent(index, rule)):
        summary = (
            f"every journey passed in the last {words(rule.s('window'))}, and none presses anything that could be slow"
        )
        return [Verdict(rule=name, subject="INP", verdict=Word.OFF, title=f"{rule.title}: INP", summary=summary)]
    return [_vital(name, rule, None, "INP", parts)]


class _Values(NamedTuple):
    """What was measured of a vital in one hour at one location, and the run of the hour that finished last with a value."""

    location: str
    values: list[float]
    last: Outcome


def _hours(index: HistoryIndex, rule: VitalsRule) -> list[Hour]:
    return [h for j in index.journeys() for h in index.hours_within(j, rule.s("window"), settle_s=rule.s("settle"))]


def _by_page(outcomes: tuple[Outcome, ...]) -> dict[tuple[str, str], _Values]:
    found: dict[tuple[str, str], list[tuple[Outcome, float]]] = defaultdict(list)
    for outcome in outcomes:
        for vital in outcome.vitals:
            # A page of somebody else's (Stripe's) carries its origin; its vitals are not this site's to mend.
            if vital.page.startswith("/") and not vital.cut and vital.value is not None:
                found[vital.page, vital.name].append((outcome, vital.value))
    return {key: _values(measured) for key, measured in found.items()}


def _worst_interactions(outcomes: tuple[Outcome, ...]) -> _Values | None:
    inputs = [(o, [v.value for v in o.vitals if v.name == "INP" and v.value is not None]) for o in outcomes]
    measured = [(outcome, max(values)) for outcome, values in inputs if values]
    return _values(measured) if measured else None


def _values(measured: Sequence[tuple[Outcome, float]]) -> _Values:
    # Sorted, so that the values of many hours are sorted at the price of a merge.
    last = max((outcome for outcome, _ in measured), key=_finish)
    return _Values(last.location, sorted(value for _, value in measured), last)


def _finish(outcome: Outcome) -> tuple[datetime, str]:
    return outcome.finished_at, outcome.run_id


def _vital(name: str, rule: VitalsRule, page: str | None, vital: str, parts: Sequence[_Values]) -> Verdict:
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
        word = Word.INSUFFICIENT if n else Word.NO_DATA
    else:
        word = Word.MET if not over else Word.OFF_TARGET if accepted else Word.WARNING
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


def third_parties(name: str, rule: ThirdPartyRule, index: HistoryIndex) -> list[Verdict]:
    """H3: a verdict for each third party that any run of late asked something of."""
    hours = [hour for j in index.journeys() for hour in index.hours(j)]
    origins = sorted({origin for hour in hours for origin in hour.once(_third_parties)})
    return [_third_party(name, rule, index, origin) for origin in origins]


def _third_parties(outcomes: tuple[Outcome, ...]) -> set[str]:
    return {a.party for o in outcomes for a in o.requests if a.party != "first"}


def _third_party(name: str, rule: ThirdPartyRule, index: HistoryIndex, origin: str) -> Verdict:
    recent = [o for j in index.journeys() for o in index.within(j, rule.s("window")) if _asked(o, origin)]
    failed = [o for o in recent if _failures(o, origin)]
    standing = [o for o in failed if not o.late and not index.superseded(o)]
    needed = index.quorum(rule.locations)
    breached = len(standing) >= rule.runs and len({o.location for o in standing}) >= needed
    last = [
        o for j in index.journeys() for place in index.locations(j) for o in index.last(j, place, rule.recover_slots)
    ]
    asked = [o for o in last if _asked(o, origin)]
    clean = bool(asked) and not any(_failures(o, origin) for o in last)
    answers = sorted({text for o in failed for text in _failures(o, origin)})
    said = f" at {places(failed)}: {', '.join(answers[:3])}" if failed else ""
    return Verdict(
        rule=name,
        subject=origin,
        verdict=Word.NO_DATA if not recent else Word.WARNING if breached else Word.OFF_TARGET if failed else Word.MET,
        title=f"{rule.title}: {origin}",
        summary=f"{origin}: requests failed in {len(failed)} of {plural(len(recent), 'run')} in {words(rule.s('window'))}{said} "
        f"(limit {plural(rule.runs, 'run')} at {plural(needed, 'location')})",
        began_at=min((o.started_at for o in failed), default=None),
        ended_at=first_good(recent, bad=lambda o: bool(_failures(o, origin))),
        severity=rule.severity,
        value=float(len(failed)),
        limit=float(rule.runs),
        unit="runs",
        n=len(recent),
        window=words(rule.s("window")),
        breached=breached and not clean,
        clear=clean,
        counted=tuple(sorted({o.location for o in recent})),
        samples=ids(failed),
        data_at=newest(recent),
        runbook=rule.runbook,
    )


def _asked(outcome: Outcome, origin: str) -> bool:
    return any(a.party == origin for a in outcome.requests)


def _failures(outcome: Outcome, origin: str) -> list[str]:
    return [
        f"{a.method} {a.endpoint} {a.status or 'no answer'}" for a in outcome.requests if a.party == origin and a.failed
    ]
