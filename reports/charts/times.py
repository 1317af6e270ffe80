"""Draws lines over time: with bands, limits, incidents and deploys, and with gaps where nothing was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any

from markupsafe import Markup

from reports.charts.plot import (
    HATCH,
    Chart,
    Table,
    at_place,
    clock,
    percent,
    plot,
    rect,
    stretched,
    text,
    time_axis,
    words,
    x_label,
    y_axis,
)
from reports.charts.scale import LinearScale, linear_scale
from reports.charts.units import NOTHING, Format
from reports.text import one_line

MOST_POINTS = 120
"""The points of a line; where there are more, the smallest and the largest of every few are kept, so that a spike survives."""
_MOST_ROWS = 60
_GAP = 1.5
"""A stretch of so many steps without a value is a gap."""
_WORDS_FIT = 0.12
_SERIES = 6
Points = Sequence[tuple[datetime, float]]
_NEAR_AXIS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: its name, its points oldest first, the seconds between two of them, and how it looks.

    `series` is the number of its colour, from 1 to 6. A `is_ghost` line is what is usual, or what was before. `step_s` None joins all
    points: nothing between them is missing.
    """

    name: str
    points: Points
    step_s: float | None
    series: int = 1
    is_ghost: bool = False
    is_thin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Holds a band from low to high at each moment, oldest first; `series` None is the usual range, in grey."""

    name: str
    points: Sequence[tuple[datetime, float, float]]
    step_s: float | None
    series: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Holds a horizontal limit with its label. `kind` is ok (a target or goal), warn or crit."""

    value: float
    label: str
    kind: str = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Holds a period that is shaded over the full height, such as an incident."""

    since: datetime
    until: datetime
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Holds a marked moment, such as a deploy."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class _Frame:
    since: datetime
    until: datetime
    scale: LinearScale

    def x(self, at: datetime) -> float:
        return min(max((at - self.since) / (self.until - self.since), 0.0), 1.0)

    def y(self, value: float) -> float:
        return 1 - self.scale.share(value)

    def place(self, at: datetime, value: float) -> str:
        return f"{round(self.x(at) * 1000)} {round(self.y(value) * 1000)}"


def time_line(
    lines: Sequence[Line],
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    form: Format,
    label: str,
    exact: Format | None = None,
    bands: Sequence[Band] = (),
    limits: Sequence[Limit] = (),
    areas: Sequence[Area] = (),
    flags: Sequence[Flag] = (),
    from_zero: bool = True,
    scale: LinearScale | None = None,
    height: int = 160,
    more: Sequence[str] = (),
    hatch_gaps: bool = True,
    ticks: Sequence[tuple[datetime, str]] = (),
    table_rows: int = _MOST_ROWS,
    run_path: str = "",
) -> Chart:
    """Draw lines from one moment to another.

    `form` makes the labels of the axis, and `exact` (the same, if not given) the numbers of the table. No line crosses a gap; where no
    line has a value the chart is hatched, unless `hatch_gaps` is false. `scale` is for charts that are compared with each other.
    `ticks` replace those of the time axis. `more` are shapes from `cross` that stand over it. `table_rows` is how many rows the
    table has at most: of more moments, every second, third ... and the newest. `run_path` is the address that a click on a point opens,
    up to the seconds since 1970 at which the point begins; "" where there is none.
    """
    drawn = [_cleaned(line, since, until) for line in lines]
    ranges = [_cleaned_band(band, since, until) for band in bands]
    values = [v for line in drawn for _, v in line.points]
    values += [v for band in ranges for _, *both in band.points for v in both]
    shown = scale or linear_scale([*values, *(limit.value for limit in limits)], from_zero=from_zero)
    frame = _Frame(since, until, shown)
    named = "".join(x_label(frame.x(at), name) for at, name in ticks)
    parts = [y_axis(shown, form), named or time_axis(since, until, zone)]
    parts += [_area(frame, area) for area in areas if area.until > since and area.since < until]
    parts += [_gap(frame, *gap) for gap in _gaps(drawn, since, until)] if hatch_gaps else []
    parts.append(stretched([*(_band(frame, band) for band in ranges), *(_line(frame, line) for line in drawn)]))
    parts += [_single(frame, line, *part) for line in drawn for part in _parts(line) if len(part) == 1]
    parts += [_limit(frame, limit) for limit in limits]
    parts += [_flag(frame, flag) for flag in flags if since <= flag.at <= until]
    parts += more
    columns, rows = _rows(drawn, ranges, frame, zone, exact or form)
    return Chart(
        svg=plot(
            parts,
            height=height,
            label=label if values else f"{label}: no data",
            data=_for_script(frame, columns, _fewer(rows, 2 * table_rows), zone, run_path) if values else None,
        ),
        table=Table(
            caption=label,
            columns=("Time", *columns),
            rows=tuple((at, *cells) for _, at, *cells in _fewer(rows, table_rows)),
        ),
        is_empty=not values,
    )


def cross(at_share: float, value_share: float, label: str, *, dot: bool = False, kind: str = "warn") -> str:
    """Return a marked place, in shares of the plot, with its label: a dot, or else a cross."""
    letter = {"warn": "w", "crit": "c", "ok": "o"}.get(kind, "w")
    shape = (
        f'<circle class="f1" cx="{percent(at_share)}" cy="{percent(1 - value_share)}" r="3.5"/>'
        if dot
        else at_place(at_share, 1 - value_share, f'<path d="M-9 0H9M0 -5V5" stroke-width="2" class="s{letter}"/>')
    )
    at_right = at_share <= 0.6
    label_kind = "lbl halo" if dot else f"halo tx-{kind} opt"
    dx, anchor = (8 if at_right else -8), ("start" if at_right else "end")
    return shape + text(
        percent(at_share),
        percent(1 - value_share),
        words(label),
        dx=dx,
        # Near the bottom the label would stand on the axis.
        dy=-6 if dot or value_share < _NEAR_AXIS else 16,
        anchor=anchor,
        kind=label_kind,
    )


def spark(
    points: Points, *, since: datetime, until: datetime, step_s: float | None, label: str, height: int = 30
) -> Markup:
    """Draw a line without axes: it stands beside a figure with its window, never alone."""
    line = _cleaned(Line(name=label, points=points, step_s=step_s), since, until)
    frame = _Frame(since, until, linear_scale(v for _, v in line.points))
    singles = [_single(frame, line, *part) for part in _parts(line) if len(part) == 1]
    return plot([stretched([_line(frame, line)]), *singles], height=height, label=label, kind="bare")


def _cleaned(line: Line, since: datetime, until: datetime) -> Line:
    points = [(at, value) for at, value in line.points if since <= at <= until and math.isfinite(value)]
    return replace(line, points=points, series=(line.series - 1) % _SERIES + 1)


def _cleaned_band(band: Band, since: datetime, until: datetime) -> Band:
    kept = [p for p in band.points if since <= p[0] <= until and math.isfinite(p[1]) and math.isfinite(p[2])]
    return replace(band, points=kept)


def _parts(of: Line | Band) -> Iterator[list[Any]]:
    """Yield the stretches without a gap."""
    begin = 0
    for number in range(1, len(of.points) + 1):
        is_last = number == len(of.points)
        if is_last or _is_gap(of.points[number - 1][0], of.points[number][0], of.step_s):
            yield list(of.points[begin:number])
            begin = number


def _is_gap(before: datetime, after: datetime, step_s: float | None) -> bool:
    return step_s is not None and (after - before).total_seconds() > _GAP * step_s


def _thinned(part: Points, total: int) -> Points:
    """Return the smallest and the largest of every few points. Thinned after it was split, no stretch reaches over a gap."""
    if total <= MOST_POINTS:
        return part
    few = -(-2 * total // MOST_POINTS)
    kept: list[tuple[datetime, float]] = []
    for first in range(0, len(part), few):
        some = part[first : first + few]
        kept += sorted({min(some, key=itemgetter(1)), max(some, key=itemgetter(1))})
    return kept


def _line(frame: _Frame, line: Line) -> str:
    parts = [_thinned(part, len(line.points)) for part in _parts(line) if len(part) > 1]
    drawn = "".join("M" + "L".join(frame.place(*point) for point in part) for part in parts)
    kind = "ghost" if line.is_ghost else f"s{line.series}{' thin' if line.is_thin else ''}"
    return f'<path class="ln {kind}" d="{drawn}"/>' if drawn else ""


def _single(frame: _Frame, line: Line, point: tuple[datetime, float]) -> str:
    """Return a value between two gaps: it has no length, so it is a dot."""
    kind = "fn" if line.is_ghost else f"f{line.series}"
    return f'<circle class="{kind}" cx="{percent(frame.x(point[0]))}" cy="{percent(frame.y(point[1]))}" r="2"/>'


def _band(frame: _Frame, band: Band) -> str:
    few = max(1, -(-len(band.points) // MOST_POINTS))
    drawn = ""
    for part in _parts(band):
        if len(part) < 2:
            continue
        groups = [part[i : i + few] for i in range(0, len(part), few)]
        low = [frame.place(group[0][0], min(p[1] for p in group)) for group in groups]
        high = [frame.place(group[0][0], max(p[2] for p in group)) for group in groups]
        drawn += "M" + "L".join([*high, *reversed(low)]) + "Z"
    kind = "fn" if band.series is None else f"f{band.series}"
    return f'<path class="bd {kind}" d="{drawn}"/>' if drawn else ""


def _gaps(lines: Sequence[Line], since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches in which no line has a value, though one is measured at steps."""
    measured = [line for line in lines if not line.is_ghost and line.step_s is not None]
    if not measured:
        return
    step_s = max(line.step_s or 0.0 for line in measured)
    moments = sorted({at for line in measured for at, _ in line.points})
    if not moments:
        yield since, until
        return
    # The newest stretch is still being measured: one step more may pass without a value.
    for before, after in zip([since, *moments], [*moments, until - timedelta(seconds=step_s)], strict=True):
        if _is_gap(before, after, step_s):
            yield before, min(after, until)


def _gap(frame: _Frame, since: datetime, until: datetime) -> str:
    left, right = frame.x(since), frame.x(until)
    box = f'<rect fill="{HATCH}" x="{percent(left)}" width="{percent(right - left)}" y="0" height="100%"/>'
    if right - left < _WORDS_FIT:
        return box
    return box + text(percent((left + right) / 2), "45%", "no data", anchor="middle", kind="halo")


def _area(frame: _Frame, area: Area) -> str:
    left, right = frame.x(area.since), frame.x(area.until)
    shade = rect("miss", left, max(right - left, 0.002), 0, 1)
    at_right = left <= 0.6
    x = percent(right if at_right else left)
    if not area.label:
        return shade
    return shade + text(
        x,
        "0",
        words(area.label),
        dx=5 if at_right else -5,
        dy=10,
        anchor="start" if at_right else "end",
        kind="halo tx-crit opt",
    )


def _limit(frame: _Frame, limit: Limit) -> str:
    y = percent(frame.y(limit.value))
    line = f'<line class="lim lim-{limit.kind}" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
    return line + text("100%", y, words(limit.label), dy=-5, anchor="end", kind=f"halo tx-{limit.kind}")


def _flag(frame: _Frame, flag: Flag) -> str:
    x = frame.x(flag.at)
    line = f'<line class="dep" x1="{percent(x)}" x2="{percent(x)}" y1="0" y2="100%"/>'
    triangle = at_place(x, 0, '<path class="depf" d="M-4 -7H4L0 0Z"/>')
    at_right = x <= 0.6
    if not flag.label:
        return line + triangle
    return (
        line
        + triangle
        + text(
            percent(x),
            "0",
            words(flag.label),
            dx=7 if at_right else -7,
            dy=-2,
            anchor="start" if at_right else "end",
            kind="halo opt",
        )
    )


Row = tuple[Any, ...]
"""A moment, the moment as the table says it, and a text for each line and band."""


def _rows(
    lines: Sequence[Line], bands: Sequence[Band], frame: _Frame, zone: tzinfo, exact: Format
) -> tuple[list[str], list[Row]]:
    """Return the names of the lines and bands, and a row for each moment at which one has a value, oldest first."""
    by_line = [dict(line.points) for line in lines]
    by_band = [{at: (low, high) for at, low, high in band.points} for band in bands]
    moments = sorted({at for found in by_line for at in found} | {at for found in by_band for at in found})
    rows = [
        (
            at,
            clock(at, zone, frame.until - frame.since),
            *(exact(found[at]) if at in found else NOTHING for found in by_line),
            *(_span(*map(exact, found[at])) if at in found else NOTHING for found in by_band),
        )
        for at in moments
    ]
    return [*(line.name for line in lines), *(band.name for band in bands)], rows


def _fewer(rows: list[Row], most: int) -> list[Row]:
    """Return at most so many rows, evenly chosen."""
    every = -(-len(rows) // most) or 1
    # The last is kept: it is the newest, and stands beside the figure of the card.
    return rows[::-every][::-1]


def _span(low: str, high: str) -> str:
    """Return two numbers as a span: `12–18 s`, or `640 ms–1.2 s` where their units differ."""
    number, _, unit = low.rpartition(" ")
    return f"{number}–{high}" if number and high.endswith(f" {unit}") else f"{low}–{high}"


def _for_script(frame: _Frame, columns: Sequence[str], rows: list[Row], zone: tzinfo, run_path: str) -> dict[str, str]:
    """Return what the crosshair shows: the names of the values, and for each moment the seconds since the one before and its texts.

    The texts are those of the table, so that no number is formatted twice. A bar separates moments, a semicolon the parts of one.
    Seconds that are those of the moment before are left out: a page has a dozen charts.
    """
    since = before = round(frame.since.timestamp())
    step, told = None, []
    for at, _, *cells in rows:
        seconds = round(at.timestamp())
        told.append(";".join(["" if seconds - before == step else str(seconds - before), *map(_plain, cells)]))
        step, before = seconds - before, seconds
    return {
        "since": str(since),
        "until": str(round(frame.until.timestamp())),
        "zone": str(zone),
        "names": ";".join(map(_plain, columns)),
        "points": "|".join(told),
        "run": run_path,
    }


def _plain(told: str) -> str:
    return one_line(told, most=40).replace(";", ",").replace("|", "/")
