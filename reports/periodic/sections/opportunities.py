"""The section on opportunities: what got slower, what is close to its limit, and what failed most often at the first attempt."""

from __future__ import annotations

from reports.periodic.data import ReportData, Times
from reports.periodic.report import Cell, Section, Table
from reports.periodic.wording import change, share
from reports.vitals import TARGETS
from reports.words import duration, journey_title

_EMPTY = Times(n=0, p50=None, p75=None, p95=None)
_NEAR, _GREW, _LEAST_MS, _MOST = 0.8, 1.1, 50, 12


def opportunities(data: ReportData) -> Section:
    """Return the section: the largest first, each with what to look at."""
    rows = [*_slower(data), *_vitals_near(data), *_flaky(data)]
    rows.sort(key=lambda row: -row[0])
    table = Table(
        label="Opportunities",
        columns=("What", "Found", "Look at"),
        rows=tuple(cells for _, cells in rows[:_MOST]),
    )
    lead = "" if rows else "Nothing stands out: no step grew by a tenth, and no vital is near its limit."
    return Section(ident="opportunities", title="What could be better", lead=lead, tables=(table,) if rows else ())


def _slower(data: ReportData) -> list[tuple[float, tuple[Cell, ...]]]:
    found: list[tuple[float, tuple[Cell, ...]]] = []
    for (journey, step), times in data.now.steps.items():
        was = data.before.steps.get((journey, step), _EMPTY)
        if times.p95 is None or was.p95 is None or times.p95 < _GREW * was.p95 or times.p95 - was.p95 < _LEAST_MS:
            continue
        cells = (
            Cell(f"{step} of {journey_title(journey)} is slower"),
            Cell(f"p95 {duration(was.p95)} → {duration(times.p95)}", note=change(times.p95, was.p95)),
            Cell("The requests of a slow run's page, and what was deployed meanwhile."),
        )
        found.append((times.p95 / was.p95, cells))
    return found


def _vitals_near(data: ReportData) -> list[tuple[float, tuple[Cell, ...]]]:
    limits = {target.name: target for target in TARGETS if target.most is not None and not target.is_retired}
    found: list[tuple[float, tuple[Cell, ...]]] = []
    for (page, name), times in data.now.vitals.items():
        target = limits.get(name)
        if (
            target is None
            or target.most is None
            or times.p75 is None
            or times.n < 20
            or times.p75 < _NEAR * target.most
        ):
            continue
        value = f"{times.p75:.3f}" if name == "CLS" else duration(times.p75)
        state = "over" if times.p75 > target.most else "near"
        cells = (
            Cell(f"{name} of {page} is {state} its limit"),
            Cell(f"p75 {value}, limit {target.limit}"),
            Cell("The element that caused it: a run's page names it under “Vitals”."),
        )
        found.append((times.p75 / target.most, cells))
    return found


def _flaky(data: ReportData) -> list[tuple[float, tuple[Cell, ...]]]:
    found: list[tuple[float, tuple[Cell, ...]]] = []
    for tally in data.now.tallies:
        if tally.flaky < 3 or tally.flaky < 0.01 * max(1, tally.n):
            continue
        cells = (
            Cell(f"{journey_title(tally.journey)} at {tally.location} passes only when tried again"),
            Cell(f"{tally.flaky:,} runs, {share(tally.flaky / max(1, tally.n))}"),
            Cell("The first attempts of these runs: real buyers do not always try twice."),
        )
        found.append((1 + tally.flaky / max(1, tally.n), cells))
    return found
