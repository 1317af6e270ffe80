"""Availability: how many test purchases passed, what was left out, and what is not known."""

from __future__ import annotations

from reports.charts import DayCell, day_cells
from reports.periodic.data import Promise, ReportData, Stretch, Tally
from reports.periodic.report import Cell, Drawing, Section, Table, worst_first
from reports.periodic.wording import UNKNOWN, interval, share
from reports.words import count, journey_title

LEAST_COVERAGE = 0.8
"""Below this share of measured slots nothing is said of a target."""
_COUNTING = (
    "Each planned run counts by its first attempt. Left out: runs that say nothing of the site (our own fault, a bot wall, the "
    "network of one location). Missed: planned and not run. Unknown: planned, and no record came. The interval holds the true "
    "share with 95 %."
)
_COLUMNS = ("good", "bad", "left out", "missed", "unknown")


def availability(data: ReportData) -> Section:
    """Return the section: journeys, targets, and each journey at each location, beside the period before."""
    now = data.now
    journeys = [now.of_journey(journey) for journey in now.journeys()]
    tables = []
    if journeys:
        tables.append(_journeys(data, journeys))
    if now.promises:
        tables.append(_promises(data))
    if now.tallies:
        tables.append(_places(data))
    return Section(
        ident="availability",
        title="Availability",
        lead=_lead(journeys),
        tables=tuple(tables),
        drawings=tuple(_drawings(now)),
        notes=(
            _COUNTING,
            *now.notes,
        ),
    )


def _lead(journeys: list[Tally]) -> str:
    n, silent = sum(t.n for t in journeys), sum(t.silent for t in journeys)
    if not n:
        return "Nothing was measured."
    return f"{count(n, 'run')} counted; {count(silent, 'planned run')} said nothing."


def state_of(good: float, n: int, target: float | None, *, coverage: float | None = None) -> Cell:
    """Return what is proven about a target: met, missed, or neither."""
    if not n:
        return Cell(UNKNOWN, "warn", "nothing was measured")
    if target is None:
        return Cell("no target", "mute")
    promise = Promise(rule="", title="", target=target, good=good, n=n)
    if promise.is_missed:
        return Cell(f"missed {share(target)}", "bad")
    if coverage is not None and coverage < LEAST_COVERAGE:
        return Cell("not proven", "warn", f"only {share(coverage)} of the planned runs said anything")
    if promise.is_met:
        return Cell(f"met {share(target)}", "good")
    return Cell("not proven", "mute", f"too few runs to prove {share(target)}")


def coverage_of(tally: Tally) -> float | None:
    """Return the share of the planned runs that counted; None where none was planned."""
    return tally.n / tally.expected if tally.expected else None


def _row(tally: Tally, name: str, before: Tally, target: float | None) -> tuple[Cell, ...]:
    good = tally.good / tally.n if tally.n else None
    was = before.good / before.n if before.n else None
    lost = tally.unknown + tally.missed
    return (
        Cell(name),
        state_of(tally.good, tally.n, target, coverage=coverage_of(tally)),
        Cell(
            share(good),
            note=interval(Promise(rule="", title="", target=0, good=tally.good, n=tally.n).interval) if tally.n else "",
        ),
        Cell(share(was), note=f"of {before.n:,}" if before.n else ""),
        Cell(f"{tally.good:,}"),
        Cell(f"{tally.bad:,}"),
        Cell(f"{tally.left_out:,}"),
        Cell(f"{tally.missed:,}"),
        Cell(f"{tally.unknown:,}", "warn" if lost and lost > 0.05 * tally.expected and tally.unknown else ""),
    )


def _journeys(data: ReportData, journeys: list[Tally]) -> Table:
    rows = [_row(t, journey_title(t.journey), data.before.of_journey(t.journey), data.success_target) for t in journeys]
    return Table(
        label="Journeys",
        columns=("Journey", "Target", "Passed", "Before", *_COLUMNS),
        rows=worst_first(rows),
        numbers=frozenset(range(2, 9)),
    )


def _places(data: ReportData) -> Table:
    before = {(t.journey, t.location): t for t in data.before.tallies}
    empty = Tally(journey="", location="")
    rows = [
        _row(
            t,
            f"{journey_title(t.journey)} at {t.location}",
            before.get((t.journey, t.location), empty),
            data.success_target,
        )
        for t in sorted(data.now.tallies, key=lambda t: t.good / t.n if t.n else -1.0)
    ]
    return Table(
        label="Journeys by location",
        columns=("Journey and location", "Target", "Passed", "Before", *_COLUMNS),
        rows=worst_first(rows),
        numbers=frozenset(range(2, 9)),
    )


def _promises(data: ReportData) -> Table:
    before = {one.rule: one for one in data.before.promises}
    rows = []
    for one in data.now.promises:
        was = before.get(one.rule)
        title = Cell(one.title, note=one.rule)
        if one.off is not None:
            rows.append((title, Cell("off", "mute", one.off), Cell("off"), Cell("–"), Cell("–")))
            continue
        rows.append(
            (
                title,
                state_of(one.good, one.n, one.target),
                Cell(share(one.share), note=interval(one.interval) if one.n else ""),
                Cell(share(was.share if was else None)),
                Cell(f"{one.n:,}"),
            )
        )
    return Table(
        label="Targets of availability",
        columns=("What is promised", "Target", "Available", "Before", "measured"),
        rows=worst_first(rows),
        numbers=frozenset((2, 3, 4)),
    )


def _drawings(now: Stretch) -> list[Drawing]:
    days = now.period.days()
    if len(days) < 2:
        return []
    found = []
    for journey, told in now.days.items():
        cells = [DayCell(day=day, n=told.get(day, (0, 0))[0], bad=told.get(day, (0, 0))[1]) for day in days]
        failed = sum(cell.bad > 0 for cell in cells)
        unknown = sum(cell.n <= 0 for cell in cells)
        words = f"{count(failed, 'day')} with failures, {unknown} unknown; {days[0]:%-d %b} to {days[-1]:%-d %b}"
        found.append(
            Drawing(name=f"{journey_title(journey)}: {words}", svg=day_cells(cells, name=journey_title(journey)).svg)
        )
    return found
