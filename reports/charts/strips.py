"""Draws strips of results: a cell for each stretch of time, whose height says the state as well as its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from markupsafe import Markup, escape

from reports.charts.plot import Chart, Table, clock, percent, plot, time_axis

_HEIGHT, _WELL, _SLOW = 24, 16, 19
_FILLED = 0.82


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCell:
    """A stretch of time: how many slots have a record, how many of these failed, and how many say nothing of the shop.

    `slow` of those that passed took longer than their limit. `path` is the address that a click opens,
    quoted as addresses are, "" for none.
    """

    start: datetime
    n: int = 0
    failed: int = 0
    unmeasured: int = 0
    slow: int = 0
    path: str = ""

    @property
    def state(self) -> str:
        """`failed`, `slow`, `passed` or `unknown`: without a result that says something nothing is known."""
        if self.failed:
            return "failed"
        if self.n <= self.unmeasured:
            return "unknown"
        return "slow" if self.slow else "passed"


def result_strip(
    cells: Sequence[ResultCell], *, name: str, width: str, zone: tzinfo, places: int | None = None
) -> Chart:
    """Draw a strip of cells, oldest first: low where all passed, higher where one was slow, full and red where one failed, and hatched
    where nothing is known.

    `width` is the length of a cell in words: `15 minutes`. `places` is for how many cells there is room, if not for these only. A strip
    whose cells are links is a group for a screen reader, else a picture.
    """
    slot = 1 / max(1, places or len(cells))
    length = cells[-1].start - cells[0].start if cells else timedelta()
    parts = [_cell(cell, number, slot, clock(cell.start, zone, length)) for number, cell in enumerate(cells)]
    failed, unknown = (sum(cell.state == state for cell in cells) for state in ("failed", "unknown"))
    label = f"{name}: {len(cells)} stretches of {width}, {failed} with failures, {unknown} unknown"
    told = [cell for cell in reversed(cells) if cell.state != "passed"][:24]
    table = Table(
        caption=f"{name}: stretches that were not good, newest first",
        columns=("From", "State", "Failed", "Results"),
        rows=tuple((clock(c.start, zone, length), c.state, f"{c.failed:,}", f"{c.n - c.unmeasured:,}") for c in told),
    )
    has_links = any(cell.path for cell in cells)
    svg = plot(parts, height=_HEIGHT, label=label, kind="bare strip", role="group" if has_links else "img")
    return Chart(svg=svg, table=table, is_empty=unknown == len(cells))


def _cell(cell: ResultCell, number: int, slot: float, at: str) -> str:
    place = f'x="{percent((number + 0.09) * slot)}" width="{percent(slot * _FILLED)}"'
    if cell.state == "failed":
        shape = f'<rect class="x-fail" {place} y="0" height="{_HEIGHT}"/>'
    else:
        kind = {"passed": "x-ok", "slow": "x-slow"}.get(cell.state, "x-hatch")
        height = _SLOW if cell.state == "slow" else _WELL
        shape = f'<rect class="{kind}" {place} y="{_HEIGHT - height - 1}" height="{height}"/>'
    if not cell.path:
        return shape
    # A keyboard stops where something was not good only: the table of runs leads to the rest.
    skipped = ' tabindex="-1"' if cell.state == "passed" else ""
    return f'<a href="{escape(cell.path)}" aria-label="{at} {cell.state}"{skipped}>{shape}</a>'


def strip_axis(since: datetime, until: datetime, zone: tzinfo, *, label: str) -> Markup:
    """Return the time axis that stands below strips of the same width."""
    return plot([time_axis(since, until, zone)], height=1, label=label, kind="bare ticks")
