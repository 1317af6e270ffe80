"""The section on speed: how long journeys and their steps took, and the web vitals of the pages."""

from __future__ import annotations

from reports.periodic.data import Need, ReportData, Times
from reports.periodic.report import Cell, Section, Table, worst_first
from reports.periodic.wording import change
from reports.vitals import TARGETS
from reports.words import duration, journey_title

_SLOWER = 1.2
"""A step is stressed whose p95 grew by a fifth."""
_GRADED = ("LCP", "CLS", "INP", "FID")
"""Those with a limit of the guide, and INP, which replaced FID."""
_EMPTY = Times(n=0, p50=None, p75=None, p95=None)


def speed(data: ReportData) -> Section:
    """Return the section: steps whose p95 grew, and vitals over their limit, come first."""
    tables = []
    if data.now.steps:
        tables.append(_steps(data))
    if data.now.vitals:
        tables.append(_vitals(data))
    notes = ["Times of runs that passed; a p95 needs 20 of them."] if data.now.steps else []
    if (why := data.now.why_not.get(Need.VITALS)) is not None:
        notes.append(f"Vitals are unknown: {why}.")
    elif (why := data.before.why_not.get(Need.VITALS)) is not None:
        notes.append(f"Vitals of the period before are unknown: {why}.")
    return Section(
        ident="speed",
        title="Speed",
        lead="" if tables else "Nothing is known of times in this period.",
        tables=tuple(tables),
        notes=tuple(notes),
    )


def _steps(data: ReportData) -> Table:
    now, before = data.now, data.before
    rows = [
        _row(journey, "whole journey", times, before.durations.get(journey, _EMPTY))
        for journey, times in now.durations.items()
    ]
    steps = sorted(now.steps.items(), key=lambda item: -(item[1].p95 or item[1].p50 or 0))
    rows += [_row(journey, step, times, before.steps.get((journey, step), _EMPTY)) for (journey, step), times in steps]
    return Table(
        label="Times of journeys and steps",
        columns=("Journey", "Step", "p50", "p95", "p95 before", "Change", "n"),
        rows=worst_first([row for row in rows if row[-1].text != "0"]),
        numbers=frozenset(range(2, 7)),
    )


def _row(journey: str, step: str, now: Times, before: Times) -> tuple[Cell, ...]:
    grew = now.p95 is not None and before.p95 is not None and now.p95 > _SLOWER * before.p95
    return (
        Cell(journey_title(journey)),
        Cell(step),
        Cell(duration(now.p50)),
        Cell(_p95(now)),
        Cell(_p95(before)),
        Cell(change(now.p95, before.p95), "warn" if grew else ""),
        Cell(f"{now.n:,}"),
    )


def _p95(times: Times) -> str:
    if times.p95 is not None:
        return duration(times.p95)
    return "too few" if times.n else "unknown"


def _vitals(data: ReportData) -> Table:
    limits = {target.name: target for target in TARGETS if target.name in _GRADED}
    rows = []
    for (page, name), times in sorted(data.now.vitals.items(), key=lambda item: (item[0][1], item[0][0])):
        target = limits.get(name)
        if target is None or times.p75 is None or target.most is None:
            continue
        was = data.before.vitals.get((page, name), _EMPTY)
        over = times.p75 > target.most and times.n >= 20
        if target.is_retired:
            state = Cell("retired", "mute")
        elif over:
            state = Cell("over", "warn")
        else:
            state = Cell("within", "good")
        if times.n < 20:
            state = Cell("too few", "mute")
        rows.append(
            (
                Cell(page),
                Cell(name, note=target.meaning),
                state,
                Cell(_value(name, times.p75), note=f"limit {target.limit}"),
                Cell(_value(name, was.p75)),
                Cell(f"{times.n:,}"),
            )
        )
    return Table(
        label="Web vitals by page",
        columns=("Page", "Vital", "Limit", "p75", "p75 before", "n"),
        rows=worst_first(rows),
        numbers=frozenset((3, 4, 5)),
    )


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.3f}" if name == "CLS" else duration(value)
