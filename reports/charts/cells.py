"""Draws strips of days, and fill bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from reports.charts.plot import Chart, Table, percent, plot, words

_HEIGHT, _WELL, _SOME = 32, 22, 17
_FILLED = 0.82


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCell:
    """Holds a day: how many results counted, and how many of them were bad. A day without results is unknown."""

    day: date
    n: int = 0
    bad: int = 0

    @property
    def state(self) -> str:
        """`unknown`, `all failed`, `some failed` or `none failed`."""
        if self.n <= 0:
            return "unknown"
        if self.bad >= self.n:
            return "all failed"
        if self.bad > 0:
            return "some failed"
        return "none failed"


def day_cells(cells: Sequence[DayCell], *, name: str) -> Chart:
    """Draw a cell for each day: low where none failed, with a red top where some did, full and red where all did, hatched where
    nothing is known."""
    slot = 1 / max(1, len(cells))
    parts = []
    for number, cell in enumerate(cells):
        place = f'x="{percent((number + 0.09) * slot)}" width="{percent(slot * _FILLED)}" rx="1"'
        if cell.state == "unknown":
            parts.append(f'<rect class="x-hatch" {place} y="{_HEIGHT - _WELL}" height="{_WELL}"/>')
            continue
        if cell.state == "all failed":
            parts.append(f'<rect class="x-fail" {place} y="0" height="{_HEIGHT}"/>')
            continue
        parts.append(f'<rect class="x-ok" {place} y="{_HEIGHT - _WELL}" height="{_WELL}"/>')
        if cell.bad:
            parts.append(f'<rect class="x-fail" {place} y="0" height="{_SOME}"/>')
    failed = sum(cell.state in ("some failed", "all failed") for cell in cells)
    unknown = sum(cell.state == "unknown" for cell in cells)
    label = f"{name}, {len(cells)} days: {_days(failed)} with failures, {_days(unknown)} unknown"
    told = [cell for cell in reversed(cells) if cell.state != "none failed"]
    table = Table(
        caption=f"{name}: days that were not good, newest first",
        columns=("Day", "State", "Bad", "Results"),
        rows=tuple((f"{c.day:%-d %b %Y}", c.state, f"{c.bad:,}" if c.n else "–", f"{c.n:,}") for c in _merged(told)),
    )
    svg = plot(parts, height=_HEIGHT, label=label, kind="bare strip day")
    return Chart(svg=svg, table=table, is_empty=unknown == len(cells))


def _merged(cells: Sequence[DayCell]) -> Sequence[DayCell]:
    """Return all days with failures, and of the unknown ones the newest ten."""
    unknown = [cell for cell in cells if cell.state == "unknown"][10:]
    return [cell for cell in cells if cell not in unknown]


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def meter(share: float | None, *, label: str, series: int = 1) -> Markup:
    """Draw a bar that is filled to a share from 0 to 1; None is hatched. The words that it shows stand beside it, always."""
    if share is None or not math.isfinite(share):
        body = '<rect class="x-hatch" width="100%" height="10" rx="2"/>'
    else:
        fill = percent(min(max(share, 0.0), 1.0))
        body = f'<rect class="fs" width="100%" height="10" rx="2"/><rect class="f{series}" width="{fill}" height="10" rx="2"/>'
    return Markup('<svg class="meter" height="10" role="img" aria-label="{}">{}</svg>').format(
        Markup(words(label)),
        Markup(body),
    )
