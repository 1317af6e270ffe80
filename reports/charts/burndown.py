"""Draws the remaining error budget over the days, with an even pace, the incidents that spent it, and when it will be used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from reports.charts.plot import Chart, Table, at_place, percent, plot, stretched, text, time_axis, words, y_axis
from reports.charts.scale import linear_scale
from reports.charts.units import percent_format

_HEIGHT = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPoint:
    """Holds the remaining share of the budget at a moment: 1 is all of it, below 0 it is overspent."""

    at: datetime
    left: float
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Holds a named step of the line, such as an incident."""

    at: datetime
    label: str


def burndown(
    points: Sequence[BudgetPoint],
    *,
    since: datetime,
    now: datetime,
    until: datetime,
    zone: tzinfo,
    label: str,
    exhausted_at: datetime | None = None,
    spent: Sequence[Spent] = (),
) -> Chart:
    """Draw the share that is left from `since` to `now`, and how it goes on until `until` at the present pace.

    `exhausted_at` is when nothing is left at that pace; None where that is not within reach.
    """
    least = min([0.0, *(max(point.left, -1.0) for point in points)])
    scale = linear_scale([least, 1.0])
    length = max((until - since).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return min(max((at - since).total_seconds() / length, 0.0), 1.0)

    def y(left: float) -> float:
        return 1 - scale.share(left)

    def place(at: datetime, left: float) -> str:
        return f"{round(x(at) * 1000)} {round(y(left) * 1000)}"

    quarter = f'<path class="bd fw" d="M0 {round(y(0.25) * 1000)}H1000V{round(y(min(least, 0.0)) * 1000)}H0Z"/>'
    even = f'<path class="ln ghost" d="M{place(since, 1.0)}L{place(now, 0.0)}"/>'
    steps = []
    for number, point in enumerate(points):
        if number:
            steps.append(place(point.at, points[number - 1].left))
        steps.append(place(point.at, point.left))
    line = f'<path class="ln s1" d="M{"L".join(steps)}"/>' if steps else ""
    last = points[-1] if points else None
    ahead = ""
    parts = [y_axis(scale, percent_format), time_axis(since, until, zone)]
    if last is not None and exhausted_at is not None and last.left > 0:
        ahead = f'<path class="ln s2 dash" d="M{place(last.at, last.left)}L{place(exhausted_at, 0.0)}"/>'
    parts.append(stretched([quarter, even, line, ahead]))
    now_x = percent(x(now))
    parts.append(f'<line class="now" x1="{now_x}" x2="{now_x}" y1="0" y2="100%"/>')
    parts.append(text(now_x, "100%", "today", dx=5, dy=-6, kind="lbl halo"))
    if last is not None:
        parts.append(f'<circle class="f1" cx="{percent(x(last.at))}" cy="{percent(y(last.left))}" r="4"/>')
        said = words(f"{percent_format(round(last.left, 3))} left")
        parts.append(
            text(percent(x(last.at)), percent(y(last.left)), said, dx=-8, dy=16, anchor="end", kind="lbl halo")
        )
    if exhausted_at is not None and last is not None and last.left > 0 and exhausted_at <= until:
        parts.append(at_place(x(exhausted_at), y(0.0), '<path class="f2" d="M0 -6 6 0 0 6 -6 0Z"/>'))
        day = words(f"{exhausted_at.astimezone(zone):%-d %b}")
        parts.append(text(percent(x(exhausted_at)), percent(y(0.0)), day, dy=-12, anchor="middle", kind="lbl halo"))
    for one in spent:
        left = next((point.left for point in points if point.at >= one.at), last.left if last else 1.0)
        parts.append(
            text(percent(x(one.at)), percent(y(left)), words(one.label), dx=-6, dy=28, anchor="end", kind="halo opt")
        )
    table = Table(
        caption=label,
        columns=("Day", "Left", "Minutes"),
        rows=tuple(
            (f"{p.at.astimezone(zone):%-d %b}", percent_format(round(p.left, 4)), f"{p.minutes:,.0f} min")
            for p in points
        ),
    )
    return Chart(svg=plot(parts, height=_HEIGHT, label=label), table=table, is_empty=not points)
