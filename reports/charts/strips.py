"""Draws strips of results: a cell for each stretch of time, whose height says the state as well as its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from reports.charts.plot import Chart, Table, clock, percent, plot

_HEIGHT, _WELL = 24, 16
_FILLED = 0.82


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCell:
    """A stretch of time: how many slots have a record, how many of these failed, and how many say nothing of the shop."""

    start: datetime
    n: int = 0
    failed: int = 0
    unmeasured: int = 0

    @property
    def state(self) -> str:
        """`failed`, `passed` or `unknown`: without a result that says something nothing is known."""
        if self.failed:
            return "failed"
        return "passed" if self.n > self.unmeasured else "unknown"


def result_strip(cells: Sequence[ResultCell], *, name: str, width: str, zone: tzinfo) -> Chart:
    """Draw a strip of cells, oldest first: low where all passed, full and red where one failed, hatched where nothing is known.

    `width` is the length of a cell in words: `15 minutes`.
    """
    slot = 1 / max(1, len(cells))
    parts = []
    for number, cell in enumerate(cells):
        place = f'x="{percent((number + 0.09) * slot)}" width="{percent(slot * _FILLED)}" rx="1"'
        if cell.state == "failed":
            parts.append(f'<rect class="x-fail" {place} y="0" height="{_HEIGHT}"/>')
        else:
            kind = "x-ok" if cell.state == "passed" else "x-hatch"
            parts.append(f'<rect class="{kind}" {place} y="{_HEIGHT - _WELL - 1}" height="{_WELL}"/>')
    failed, unknown = (sum(cell.state == state for cell in cells) for state in ("failed", "unknown"))
    label = f"{name}: {len(cells)} stretches of {width}, {failed} with failures, {unknown} unknown"
    told = [cell for cell in reversed(cells) if cell.state != "passed"][:24]
    length = cells[-1].start - cells[0].start if cells else timedelta()
    table = Table(
        caption=f"{name}: stretches that were not good, newest first",
        columns=("From", "State", "Failed", "Results"),
        rows=tuple((clock(c.start, zone, length), c.state, f"{c.failed:,}", f"{c.n - c.unmeasured:,}") for c in told),
    )
    svg = plot(parts, height=_HEIGHT, label=label, kind="bare strip")
    return Chart(svg=svg, table=table, is_empty=unknown == len(cells))
