"""Draws columns over time or weeks: stacked classes, and dots with the interval that each value lies in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reports.charts.plot import HATCH, Chart, Table, percent, plot, rect, stretched, text, words, x_label, y_axis
from reports.charts.scale import linear_scale
from reports.charts.times import Limit
from reports.charts.units import NOTHING, Format

_WIDTH = 0.74
_LABELS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Holds a column: its label, and the value of each class by name (None: nothing was measured, so it is hatched).

    `ghost` is the usual total, None where it is not known.
    """

    label: str
    values: Mapping[str, float] | None
    ghost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Holds a value with its bounds, all None if nothing was measured; `is_marked` highlights it."""

    label: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    is_marked: bool = False


def stacked_columns(
    columns: Sequence[Column],
    *,
    classes: Mapping[str, str],
    form: Format,
    label: str,
    exact: Format | None = None,
    height: int = 160,
    inside: bool = False,
    most: float | None = None,
    headings: tuple[str, str] = ("Time", "Usual"),
) -> Chart:
    """Draw columns beside each other, the first class at the base.

    `classes` maps each class to its fill (`f1`, `fo`, `hatch` for what is not known). With `inside` the top class has its value
    written into it. `most` is the top of the axis where it is known, such as 1 for shares; without it the values are counts.
    """
    exact = exact or form
    totals = [sum(v for v in c.values.values() if math.isfinite(v)) for c in columns if c.values is not None]
    ghosts = [c.ghost for c in columns if c.ghost is not None]
    scale = linear_scale([*totals, *ghosts], whole=True) if most is None else linear_scale([0, most])
    slot = 1 / max(1, len(columns))
    parts = [y_axis(scale, form), _labels([c.label for c in columns])]
    ghost = _steps([c.ghost for c in columns], slot, scale.share)
    parts.append(stretched([ghost] if ghost else []))
    for number, column in enumerate(columns):
        left = (number + (1 - _WIDTH) / 2) * slot
        if column.values is None:
            parts.append(
                f'<rect fill="{HATCH}" x="{percent(left)}" width="{percent(slot * _WIDTH)}" y="0" height="100%"/>'
            )
            continue
        base = scale.share(0)
        for name, fill in classes.items():
            value = column.values.get(name, 0.0)
            if not math.isfinite(value) or value <= 0:
                continue
            share = scale.share(value) - scale.share(0)
            kind = "gapbox" if fill == "hatch" else fill
            parts.append(rect(f"{kind} cut", left, slot * _WIDTH, 1 - base - share, share))
            if inside and name == list(classes)[-1] and len(columns) <= 14:
                middle = percent(left + slot * _WIDTH / 2)
                parts.append(
                    text(middle, percent(1 - base - share), words(exact(value)), dy=14, anchor="middle", kind="hx opt")
                )
            base += share
    rows = tuple(
        (
            c.label,
            *(exact(c.values.get(name, 0.0)) if c.values is not None else NOTHING for name in classes),
            *((exact(c.ghost) if c.ghost is not None else NOTHING,) if ghosts else ()),
        )
        for c in columns
    )
    names = (headings[0], *classes, *((headings[1],) if ghosts else ()))
    return Chart(
        svg=plot(parts, height=height, label=label if totals else f"{label}: no data"),
        table=Table(caption=label, columns=names, rows=rows),
        is_empty=not totals,
    )


def intervals(
    found: Sequence[Interval],
    *,
    form: Format,
    label: str,
    limits: Sequence[Limit] = (),
    from_zero: bool = False,
    height: int = 160,
    heading: str = "Day",
) -> Chart:
    """Draw a dot for each value with a line over the interval that it lies in. Limits are labelled at the right, outside."""
    bounds = [v for i in found for v in (i.low, i.high, i.value) if v is not None]
    scale = linear_scale([*bounds, *(limit.value for limit in limits)], from_zero=from_zero)
    slot = 1 / max(1, len(found))
    parts = [y_axis(scale, form), _labels([i.label for i in found])]
    for limit in limits:
        y = percent(1 - scale.share(limit.value))
        parts.append(f'<line class="lim lim-{limit.kind}" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        parts.append(text("100%", y, words(limit.label), dx=6, dy=4, kind=f"tx-{limit.kind}"))
    for number, one in enumerate(found):
        x = percent((number + 0.5) * slot)
        letter = "2" if one.is_marked else "1"
        if one.value is None:
            box = f'<rect fill="{HATCH}" x="{percent(number * slot)}" width="{percent(slot)}" y="0" height="100%"/>'
            parts.append(box)
            continue
        if one.low is not None and one.high is not None:
            low, high = percent(1 - scale.share(one.low)), percent(1 - scale.share(one.high))
            parts.append(f'<line class="s{letter}" stroke-width="2" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>')
        parts.append(f'<circle class="f{letter}" cx="{x}" cy="{percent(1 - scale.share(one.value))}" r="4"/>')
    rows = tuple(
        (i.label, *(form(v) if v is not None else NOTHING for v in (i.value, i.low, i.high)), f"{i.n:,}") for i in found
    )
    return Chart(
        svg=plot(parts, height=height, label=label if bounds else f"{label}: no data", kind="wide-r"),
        table=Table(caption=label, columns=(heading, "Value", "Low", "High", "n"), rows=rows),
        is_empty=not bounds,
    )


def _labels(labels: Sequence[str]) -> str:
    """Label every few columns, so that no label covers another."""
    every = max(1, -(-len(labels) // _LABELS))
    slot = 1 / max(1, len(labels))
    return "".join(
        x_label((number + 0.5) * slot, label, is_optional=number // every % 2 == 1)
        for number, label in enumerate(labels)
        if number % every == 0
    )


def _steps(values: Sequence[float | None], slot: float, share: Callable[[float], float]) -> str:
    """Return the step line of the usual totals, with a gap for each unknown one."""
    drawn: list[str] = []
    is_open = False
    for number, value in enumerate(values):
        if value is None or not math.isfinite(value):
            is_open = False
            continue
        y = round((1 - share(value)) * 1000)
        left, right = round(number * slot * 1000), round((number + 1) * slot * 1000)
        drawn.append(f"{'L' if is_open else 'M'}{left} {y}L{right} {y}")
        is_open = True
    return f'<path class="ln ghost" d="{"".join(drawn)}"/>' if drawn else ""
