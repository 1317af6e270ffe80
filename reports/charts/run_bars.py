"""Draws charts as SVG: pure functions from numbers to markup, with text escaped and colours defined by CSS classes.

Horizontal positions are percentages and vertical ones are pixels, without a viewBox: a chart is as wide as its box
while its text keeps its size, so it is readable on a wall display and on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.text import one_line

_ROW = 36
_AXIS = 26
_THIN = 17
_TITLE = 24
_WIDEST = 64.0
"""The width of the longest bar of a comparison, in per cent; its label follows behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Holds one bar: `start` and `length` in ms (None: it never began), a `tone` for its class, and a `value` as text."""

    label: str
    value: str
    start: float | None
    length: float | None
    tone: str = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Holds a limit drawn across a timeline, `at` ms from its start."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Holds bars that are compared with each other; all start at zero."""

    label: str
    bars: tuple[Bar, ...]


def timeline(bars: Sequence[Bar], *, ident: str, title: str, description: str, mark: Mark | None = None) -> Markup:
    """Draw bars below each other on one time axis. `ident` makes the ids of title and description unique on the page."""
    ends = [(bar.start or 0) + (bar.length or 0) for bar in bars]
    # At least 1, so that a chart without lengths does not divide by zero.
    total = max([1.0, *(end for end in ends if math.isfinite(end))])
    bottom = len(bars) * _ROW
    parts = [_gridline(tick, total, bottom) for tick in _ticks(total)]
    parts += [_timeline_row(bar, index * _ROW, total) for index, bar in enumerate(bars)]
    if mark and mark.at <= total:
        parts.append(_mark(mark, total, bottom))
    return _svg(parts, height=bottom + _AXIS, ident=ident, title=title, description=description)


def comparison(groups: Sequence[Group], *, ident: str, title: str, description: str) -> Markup:
    """Draw groups of bars that all start at zero, on one scale, each labelled at its end."""
    lengths = [bar.length for group in groups for bar in group.bars if bar.length and math.isfinite(bar.length)]
    total = max([1.0, *lengths])
    parts: list[Markup] = []
    top = 0
    for group in groups:
        parts.append(_text(0, top + 15, group.label, "chart-label"))
        top += _TITLE
        for bar in group.bars:
            parts.append(_comparison_row(bar, top, total))
            top += _THIN
        top += 12
    return _svg(parts, height=top, ident=ident, title=title, description=description)


def waterfall(start: float, length: float, total: float, *, tone: str) -> Markup:
    """Draw one bar for a table's cell. It only repeats numbers beside it, so it is hidden from screen readers."""
    left, width = _place(start, length, total)
    return Markup(
        '<svg class="waterfall" aria-hidden="true" focusable="false" height="10">'
        '<rect class="track" x="0" y="4" width="100%" height="2"/>'
        '<rect class="bar bar-{}" x="{}%" y="1" width="{}%" height="8" rx="2"/></svg>'
    ).format(tone, left, width)


def segments(parts: Sequence[tuple[str, float]], *, start: float, total: float) -> Markup:
    """Draw a `waterfall` whose bar consists of parts, each a kind for its class and a length in ms."""
    drawn: list[Markup] = []
    at = start
    for kind, length in parts:
        left, width = _place(at, length, total)
        at += length
        if length > 0:
            drawn.append(
                Markup('<rect class="phase-{}" x="{}%" y="1" width="{}%" height="8"/>').format(kind, left, width)
            )
    return Markup(
        '<svg class="waterfall" aria-hidden="true" focusable="false" height="10">'
        '<rect class="track" x="0" y="4" width="100%" height="2"/>{}</svg>'
    ).format(Markup("").join(drawn))


def _timeline_row(bar: Bar, top: int, total: float) -> Markup:
    parts = [
        _text(0, top + 14, bar.label, "chart-label"),
        _text(100, top + 14, bar.value, f"chart-value value-{bar.tone}", anchor="end"),
        Markup('<rect class="track" x="0" y="{}" width="100%" height="9" rx="3"/>').format(top + 20),
    ]
    if bar.start is not None and bar.length is not None:
        left, width = _place(bar.start, bar.length, total)
        parts.append(_rect(left, top + 20, width, 9, bar.tone))
    return Markup("<g>{}</g>").format(Markup("").join(parts))


def _comparison_row(bar: Bar, top: int, total: float) -> Markup:
    _, width = _place(0, (bar.length or 0), total)
    width = round(width * _WIDEST / 100, 2) if bar.length is not None else 0.0
    label = Markup('<text class="chart-note value-{}" x="{}%" dx="{}" y="{}">{} <tspan>{}</tspan></text>').format(
        bar.tone, width, 7 if width else 0, top + 10, one_line(bar.label, most=40), one_line(bar.value, most=40)
    )
    return _rect(0, top, width, 11, bar.tone) + label if width else label


def _rect(left: float, top: int, width: float, height: int, tone: str) -> Markup:
    return Markup('<rect class="bar bar-{}" x="{}%" y="{}" width="{}%" height="{}" rx="3"/>').format(
        tone, left, top, width, height
    )


def _text(left: float, top: int, words: str, kind: str, *, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        kind, left, top, anchor, one_line(words, most=60)
    )


def _gridline(at: float, total: float, bottom: int) -> Markup:
    left, _ = _place(at, 0, total)
    line = Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>').format(left, bottom)
    # A centred label at the right edge would be cut off.
    if at == 0:
        anchor = "start"
    elif left > 94:
        anchor = "end"
    else:
        anchor = "middle"
    return line + _text(left, bottom + 16, _tick_words(at), "chart-tick", anchor=anchor)


def _mark(mark: Mark, total: float, bottom: int) -> Markup:
    left, _ = _place(mark.at, 0, total)
    line = Markup('<line class="limit" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>').format(left, bottom + 4)
    return line + _text(left, bottom + 16, mark.label, "chart-tick limit-label", anchor="end" if left > 50 else "start")


def _place(start: float, length: float, total: float) -> tuple[float, float]:
    """Return left and width in per cent, within 0–100 for any numbers; a bar is never too thin to be visible."""
    numbers = [n if math.isfinite(n) else 0.0 for n in (start, length)]
    left = min(max(numbers[0] / total * 100, 0.0), 100.0)
    width = min(max(numbers[1] / total * 100, 0.4), 100.0)
    left = min(left, 100.0 - width) if length else left
    return round(left, 2), round(width, 2)


def _ticks(total: float) -> list[float]:
    rough = total / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    return [step * i for i in range(int(total / step) + 1)]


def _tick_words(ms: float) -> str:
    if ms == 0:
        return "0"
    if ms < 1000:
        return f"{ms:g} ms"
    return f"{ms / 1000:g} s"


def _svg(parts: Sequence[Markup], *, height: int, ident: str, title: str, description: str) -> Markup:
    return Markup(
        '<svg class="chart" role="img" width="100%" height="{height}" aria-labelledby="{ident}-title" '
        'aria-describedby="{ident}-desc"><title id="{ident}-title">{title}</title>'
        '<desc id="{ident}-desc">{description}</desc>{body}</svg>'
    ).format(
        height=height,
        ident=ident,
        title=one_line(title),
        description=one_line(description),
        body=Markup("").join(parts),
    )
