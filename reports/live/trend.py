"""Draws lines over time as SVG: one for each location, with a line for the limit if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter

from markupsafe import Markup

from reports.text import one_line

_WIDTH, _HEIGHT, _TOP = 600, 120, 8
_POINTS = 100
"""The number of points that a line of this width can show."""
Points = Sequence[tuple[datetime, float]]


def trend(
    lines: Mapping[str, Points], *, ident: str, title: str, limit: float | None = None, unit: str = "ms"
) -> Markup | None:
    """Draw a line for each name on common axes that start at zero; return None if there are fewer than two points in all."""
    newest = ", ".join(f"{name} {points[-1][1]:.0f} {unit}" for name, points in lines.items() if points)
    lines = {name: _thinned(points) for name, points in lines.items()}
    every = [point for points in lines.values() for point in points]
    if len(every) < 2:
        return None
    first, last = min(t for t, _ in every), max(t for t, _ in every)
    seconds = (last - first).total_seconds() or 1.0
    top = max(max(v for _, v in every), limit or 0.0) * 1.08 or 1.0
    parts = [_line(points, number, first, seconds, top) for number, points in enumerate(lines.values())]
    if limit is not None:
        y = _y(limit, top)
        parts.append(Markup('<line class="limit" x1="0" x2="{}" y1="{}" y2="{}"/>').format(_WIDTH, y, y))
    return Markup(
        '<svg class="trend" role="img" viewBox="0 0 {w} {h}" preserveAspectRatio="none" aria-labelledby="{i}-t">'
        '<title id="{i}-t">{title}; newest: {newest}</title>'
        '<line class="grid" x1="0" x2="{w}" y1="{b}" y2="{b}"/>{body}</svg>'
    ).format(
        w=_WIDTH,
        h=_HEIGHT,
        i=ident,
        b=_HEIGHT - 1,
        title=one_line(title),
        newest=one_line(newest, most=200),
        body=Markup("").join(parts),
    )


def _thinned(points: Points) -> Points:
    """Return the highest of every few points, so that no peak is lost."""
    few = -(-len(points) // _POINTS)
    return points if few <= 1 else [max(points[i : i + few], key=itemgetter(1)) for i in range(0, len(points), few)]


def _y(value: float, top: float) -> float:
    return round(_TOP + (_HEIGHT - _TOP - 1) * (1 - value / top), 1)


def _line(points: Points, number: int, first: datetime, seconds: float, top: float) -> Markup:
    places = [(round((t - first).total_seconds() / seconds * _WIDTH, 1), _y(v, top)) for t, v in points]
    if len(places) == 1:
        return Markup('<circle class="dot-{}" cx="{}" cy="{}" r="3"/>').format(number % 6, *places[0])
    return Markup('<polyline class="line line-{}" points="{}"/>').format(
        number % 6, " ".join(f"{x},{y}" for x, y in places)
    )
