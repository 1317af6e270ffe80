"""Provides the frame of every chart: an SVG without a viewBox, so that text keeps its size at any width, with its axes and table.

Everything is placed in per cent of the plot. Only lines and bands are paths, in one nested SVG that is stretched to the plot.
Coordinates are numbers of our own, and all text passes `words`, which cleans and escapes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from markupsafe import Markup, escape

from reports.charts.scale import LinearScale, time_ticks
from reports.charts.units import Format
from reports.text import one_line

_LONGEST_LABEL = 40
HATCH = "url(#hatch)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Holds the table with the values of a chart. `rows` begin with their heading; `columns` names them, the first one's too."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Holds a drawn chart with its table. `is_empty` means that only the axes could be drawn."""

    svg: Markup
    table: Table
    is_empty: bool = False


def words(text: str, most: int = _LONGEST_LABEL) -> str:
    """Return foreign text for a label: one line, cleaned and escaped."""
    return str(escape(one_line(text, most=most)))


def percent(share: float) -> str:
    """Return a share as a coordinate: `41.67%`."""
    return f"{min(max(share, -1.0), 2.0) * 100:.2f}".rstrip("0").rstrip(".") + "%" if math.isfinite(share) else "0%"


def text(x: str, y: str, label: str, *, dx: int = 0, dy: int = 0, anchor: str = "start", kind: str = "") -> str:
    """Return a label at a place; `label` has passed `words`."""
    of_class = f' class="{kind}"' if kind else ""
    return f'<text{of_class} x="{x}" dx="{dx}" y="{y}" dy="{dy}" text-anchor="{anchor}">{label}</text>'


def rect(kind: str, x: float, width: float, y: float, height: float, *, more: str = "") -> str:
    """Return a rectangle; its position and size are given as shares of the plot."""
    return f'<rect class="{kind}" x="{percent(x)}" width="{percent(width)}" y="{percent(y)}" height="{percent(height)}"{more}/>'


def stretched(paths: Iterable[str]) -> str:
    """Return paths, with coordinates in thousandths of the plot, stretched to the plot."""
    drawn = "".join(paths)
    if not drawn:
        return ""
    size = 'width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none" overflow="visible"'
    return f'<svg x="0" y="0" {size}>{drawn}</svg>'


def at_place(x: float, y: float, shape: str) -> str:
    """Return a shape with a size in pixels at a place in shares of the plot."""
    return f'<svg x="{percent(x)}" y="{percent(y)}" width="1" height="1" overflow="visible">{shape}</svg>'


def y_axis(scale: LinearScale, form: Format) -> str:
    """Return the horizontal grid with its labels, each with its unit."""
    parts = []
    for tick in scale.ticks:
        y = percent(1 - scale.share(tick))
        kind = "axis" if tick == scale.low else "g"
        parts.append(f'<line class="{kind}" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        parts.append(text("0", y, words(form(tick)), dx=-8, dy=4, anchor="end"))
    return "".join(parts)


def x_label(share: float, label: str, *, is_optional: bool = False) -> str:
    """Return a tick of the horizontal axis with its label below."""
    x = percent(share)
    kind = ' class="opt"' if is_optional else ""
    line = f'<line class="axis" x1="{x}" x2="{x}" y1="100%" y2="100%" transform="translate(0 4)"/>'
    return f"<g{kind}>{line}{text(x, '100%', words(label), dy=17, anchor='middle')}</g>"


def time_axis(since: datetime, until: datetime, zone: tzinfo) -> str:
    """Return the horizontal axis of times."""
    return "".join(x_label(t.share, t.label, is_optional=t.is_optional) for t in time_ticks(since, until, zone))


def plot(
    parts: Sequence[str],
    *,
    height: int,
    label: str,
    kind: str = "",
    role: str = "img",
    data: Mapping[str, str] | None = None,
) -> Markup:
    """Return a whole chart with its accessible name. One that contains links has the role `group`.

    `data` are the texts that the page's script reads, by the name of their data attribute without `data-`.
    """
    name = words(label, 300)
    of_class = f"plot {kind}".strip()
    told = "".join(f' data-{key}="{escape(value)}"' for key, value in (data or {}).items() if value)
    return Markup(
        f'<svg class="{of_class}" height="{height}" role="{role}" aria-label="{name}"{told}>{"".join(parts)}</svg>'
    )


def clock(at: datetime, zone: tzinfo, length: timedelta) -> str:
    """Return a moment as a table of so long a time says it: `14:20`, `18 Nov 14:20` or `18 Nov 2025`."""
    here = at.astimezone(zone)
    if length <= timedelta(hours=26):
        return f"{here:%H:%M}"
    return f"{here:%-d %b %H:%M}" if length <= timedelta(days=10) else f"{here:%-d %b %Y}"
