"""Draws charts of one row for each thing: ranges of response times, heat maps, bars, and the funnel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.charts.plot import HATCH, Chart, Table, at_place, percent, plot, rect, text, words, x_label
from reports.charts.scale import LinearScale, linear_scale
from reports.charts.units import NOTHING, Format, number_format, percent_format

_ROW, _HEAT_ROW, _FUNNEL_ROW = 30, 26, 34
_INKS = 5
_LONGEST_NAME = 20
_LONGEST_STEP = 18
_KINDS = {"target": "o", "warning": "w", "critical": "c"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRow:
    """Percentiles of one thing, by name (`p50`, `p90`, `p95`, `p99`), and its limits: target, warning and critical."""

    name: str
    percentiles: Mapping[str, float]
    limits: Mapping[str, float] = field(default_factory=dict)
    n: int = 0

    @property
    def is_over(self) -> bool:
        """Whether p95 is over the target."""
        return "target" in self.limits and self.percentiles.get("p95", -math.inf) > self.limits["target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """Holds one row of a heat map: a value for each column, None if nothing was measured. `total` is shown at its right."""

    name: str
    values: Sequence[float | None]
    total: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBar:
    """Holds a bar with the text behind it, and further cells for the table. It is hatched if it `is_unknown`."""

    name: str
    value: float
    series: int = 1
    cells: tuple[str, ...] = ()
    is_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """Holds a step of a funnel: how many reached it, and how many usually do (None: unknown)."""

    name: str
    count: float
    usual: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step beside its usual duration; all times in seconds.

    `took` is None for a step that was not reached. `usual` are its 10th, 50th and 95th percentile, None if they are
    unknown. `said` is the result as text.
    """

    name: str
    took: float | None
    said: str
    has_failed: bool = False
    usual: tuple[float, float, float] | None = None

    @property
    def is_slow(self) -> bool:
        """Whether it took longer than its usual 95th percentile."""
        return self.took is not None and self.usual is not None and self.took > self.usual[2]


def step_range(rows: Sequence[StepRow], *, form: Format, label: str) -> Chart:
    """Draw the duration of each step as a dot on the box of its usual durations, a failed one as a cross."""
    values = [v for row in rows for v in ((row.took,) if row.took is not None else ()) + (row.usual or ())]
    scale = linear_scale(values)
    parts = [_vertical_grid(scale, form)]
    for number, row in enumerate(rows):
        y = (number + 0.5) / max(1, len(rows))
        parts.append(_row_name(row.name, y, most=_LONGEST_STEP))
        parts.append(_usual_box(row, scale, y))
        if row.has_failed:
            kind = "halo tx-crit"
        elif row.is_slow:
            kind = "halo tx-warn"
        else:
            kind = "halo"
        places = [scale.share(v) for v in (row.took, *(row.usual or ())) if v is not None]
        if row.took is not None:
            shape = (
                '<path class="sc" stroke-width="2.5" d="M-5 -5 5 5M5 -5 -5 5"/>'
                if row.has_failed
                else f'<circle class="{"fw" if row.is_slow else "f1"}" r="4.5"/>'
            )
            parts.append(at_place(scale.share(row.took), y, shape))
        # The label stands on the side with more room, so that it is not cut off on a phone.
        left, right = min(places, default=0.0), max(places, default=0.0)
        anchor, dx, x = ("end", -10, left) if left > 1 - right else ("start", 10, right)
        parts.append(text(percent(x), percent(y), words(row.said), dx=dx, dy=4, anchor=anchor, kind=kind))
    table = Table(
        caption=label,
        columns=("Step", "This run", "Median", "p95"),
        rows=tuple(
            (row.name, row.said, *((form(row.usual[1]), form(row.usual[2])) if row.usual else (NOTHING, NOTHING)))
            for row in rows
        ),
    )
    svg = plot(parts, height=_ROW * max(1, len(rows)), label=label if rows else f"{label}: no data", kind="lab")
    return Chart(svg=svg, table=table, is_empty=not rows)


def _usual_box(row: StepRow, scale: LinearScale, y: float) -> str:
    if row.usual is None:
        return ""
    low, middle, high = (scale.share(v) for v in row.usual)
    kind = "fs" if row.took is not None else "gapbox"
    place = f'x="{percent(low)}" width="{percent(max(0.004, high - low))}" y="{percent(y)}"'
    box = f'<rect class="{kind}" {place} height="16" transform="translate(0 -8)" rx="2"/>'
    return box + at_place(middle, y, '<path class="s5" stroke-width="1.5" d="M0 -8V8"/>')


def dot_range(rows: Sequence[RangeRow], *, form: Format, label: str, heading: str = "Endpoint") -> Chart:
    """Draw p50 and p95 of each row on one axis, with ticks at its target, warning and critical limits.

    `heading` is what a row is, for the table.
    """
    values = [v for row in rows for v in (*row.percentiles.values(), *row.limits.values())]
    scale = linear_scale(values)
    parts = [_vertical_grid(scale, form)]
    for number, row in enumerate(rows):
        y = (number + 0.5) / len(rows)
        parts.append(_row_name(row.name, y))
        for kind, limit in row.limits.items():
            letter = _KINDS.get(kind, "w")
            parts.append(at_place(scale.share(limit), y, f'<path class="s{letter}" stroke-width="2" d="M0 -9V9"/>'))
        p50, p95 = row.percentiles.get("p50"), row.percentiles.get("p95")
        series = 2 if row.is_over else 1
        at_y = percent(y)
        if p50 is not None and p95 is not None:
            x1, x2 = percent(scale.share(p50)), percent(scale.share(p95))
            parts.append(
                f'<line class="s{series}" stroke-width="4" stroke-linecap="round" x1="{x1}" x2="{x2}" y1="{at_y}" y2="{at_y}"/>'
            )
        if p50 is not None:
            parts.append(f'<circle class="f{series}" cx="{percent(scale.share(p50))}" cy="{at_y}" r="4.5"/>')
        if p95 is not None:
            parts.append(f'<circle class="fk s{series}" cx="{percent(scale.share(p95))}" cy="{at_y}" r="4"/>')
        said = form(p95) if p95 is not None else f"{NOTHING} (n {row.n})"
        parts.append(text("100%", at_y, words(said), dx=8, dy=4, kind="halo tx-warn" if row.is_over else "halo"))
    names = ("p50", "p90", "p95", "p99")
    table = Table(
        caption=label,
        columns=(heading, *names, "Target", "Warning", "Critical", "n"),
        rows=tuple(
            (
                row.name,
                *(form(row.percentiles[p]) if p in row.percentiles else NOTHING for p in names),
                *(form(row.limits[k]) if k in row.limits else NOTHING for k in _KINDS),
                f"{row.n:,}",
            )
            for row in rows
        ),
    )
    svg = plot(parts, height=_ROW * max(1, len(rows)), label=label if rows else f"{label}: no data", kind="lab")
    return Chart(svg=svg, table=table, is_empty=not rows)


def heat_map(
    rows: Sequence[HeatRow],
    *,
    columns: Sequence[str],
    label: str,
    ticks: Sequence[tuple[float, str]] = (),
    form: Format = number_format,
    headings: tuple[str, str, str] = ("Row", "Total", "Peak"),
    wide: bool = True,
) -> Chart:
    """Draw a cell for each row and column, in five inks; what was not measured is hatched, and nothing is pale.

    `columns` names the columns for the table's peaks; `ticks` are labels below, each with its place from 0 to 1. With `wide` there is
    room for long names at the left.
    """
    known = [v for row in rows for v in row.values if v is not None and math.isfinite(v)]
    most = max(known, default=0.0)
    across, down = 1 / max(1, len(columns)), 1 / max(1, len(rows))
    width, height = across * 0.92, down * 0.88
    parts = [x_label(share, name, is_optional=number % 2 == 1) for number, (share, name) in enumerate(ticks)]
    for number, row in enumerate(rows):
        y = (number + 0.44) * down
        parts.append(
            _row_name(row.name, y) if wide else text("0", percent(y), words(row.name), dx=-8, dy=4, anchor="end")
        )
        parts += _cells(row.values, most, number * down, across, width, height)
        if row.total:
            parts.append(text("100%", percent(y), words(row.total), dx=8, dy=4, kind="halo"))
    table = Table(
        caption=label,
        columns=headings,
        rows=tuple((row.name, row.total or NOTHING, _peak(row, columns, form)) for row in rows),
    )
    kind, said = ("lab" if wide else ""), label if known else f"{label}: no data"
    return Chart(
        svg=plot(parts, height=_HEAT_ROW * max(1, len(rows)), label=said, kind=kind), table=table, is_empty=not known
    )


def _cells(
    values: Sequence[float | None], most: float, y: float, across: float, width: float, height: float
) -> list[str]:
    """Draw the cells of a row; those of one ink that stand beside each other as one, with the surface between them."""
    drawn = []
    for number, value in enumerate(values):
        x = number * across
        if value is None or not math.isfinite(value):
            drawn.append(
                f'<rect fill="{HATCH}" x="{percent(x)}" width="{percent(width)}" y="{percent(y)}" height="{percent(height)}"/>'
            )
        else:
            drawn.append(rect(f"h{ink(value, most)}", x, width, y, height))
    return drawn


def ink(value: float, most: float) -> int:
    """Return the ink of a value, 0 for none to 5 for the largest."""
    return 0 if value <= 0 or most <= 0 else min(_INKS, max(1, math.ceil(value / most * _INKS)))


def _peak(row: HeatRow, columns: Sequence[str], form: Format) -> str:
    known = [(v, name) for v, name in zip(row.values, columns, strict=False) if v is not None]
    if not known:
        return NOTHING
    value, name = max(known, key=lambda pair: pair[0])
    return f"{form(value)} at {name}" if value > 0 else form(0)


def row_bars(
    bars: Sequence[RowBar],
    *,
    form: Format,
    label: str,
    axis: Format | None = None,
    headings: Sequence[str] = ("Name", "Value"),
) -> Chart:
    """Draw bars below each other on one axis from 0, each with its value behind it; what is not known is hatched and last."""
    ordered = sorted(bars, key=lambda bar: bar.is_unknown)
    scale = linear_scale(bar.value for bar in ordered)
    parts = [_vertical_grid(scale, axis or form)]
    for number, bar in enumerate(ordered):
        y = percent((number + 0.5) / len(ordered))
        kind = "gapbox" if bar.is_unknown else f"f{(bar.series - 1) % 6 + 1}"
        width = percent(scale.share(bar.value) - scale.share(0))
        parts.append(_row_name(bar.name, (number + 0.5) / len(ordered)))
        parts.append(
            f'<rect class="{kind}" x="0" width="{width}" y="{y}" height="16" transform="translate(0 -8)" rx="1"/>'
        )
        parts.append(text(width, y, words(form(bar.value)), dx=6, dy=4, kind="lbl halo"))
    table = Table(
        caption=label,
        columns=tuple(headings),
        rows=tuple((bar.name, form(bar.value), *bar.cells) for bar in ordered),
    )
    said = label if ordered else f"{label}: no data"
    return Chart(
        svg=plot(parts, height=_ROW * max(1, len(ordered)), label=said, kind="lab"), table=table, is_empty=not ordered
    )


def funnel(steps: Sequence[FunnelStep], *, label: str) -> Chart:
    """Draw the steps of a funnel, each as long as the root of its count, with the usual length dashed around it and the drop behind."""
    roots = [math.sqrt(max(0.0, v)) for s in steps for v in (s.count, s.usual) if v is not None and math.isfinite(v)]
    most = max(roots, default=0.0) or 1.0
    parts, rows = [], []
    for number, step in enumerate(steps):
        y, before = number / len(steps), steps[number - 1] if number else None
        at = percent(y)
        parts.append(text("0", at, words(step.name), dx=-10, dy=18, anchor="end", kind="lbl"))
        length = percent(math.sqrt(max(0.0, step.count)) / most)
        parts.append(f'<rect class="f4" x="0" width="{length}" y="{at}" height="26" rx="2"/>')
        if step.usual is not None:
            usual = percent(math.sqrt(max(0.0, step.usual)) / most)
            parts.append(f'<rect class="ghost" fill="none" x="0" width="{usual}" y="{at}" height="26" rx="2"/>')
        is_long = math.sqrt(max(0.0, step.count)) / most > 0.2
        place, dx, kind = ("0", 8, "hx") if is_long else (length, 8, "lbl halo")
        parts.append(text(place, at, words(number_format(step.count)), dx=dx, dy=18, kind=kind))
        drop = _drop(before.count, step.count) if before else None
        usual_drop = _drop(before.usual, step.usual) if before else None
        if drop is not None:
            told = f"−{percent_format(round(drop, 2))}" + (
                f" (usual −{percent_format(round(usual_drop, 2))})" if usual_drop is not None else ""
            )
            parts.append(text("100%", at, words(told), dy=18, anchor="end", kind="halo"))
        rows.append(
            (
                step.name,
                number_format(step.count),
                percent_format(round(drop, 3)) if drop is not None else NOTHING,
                percent_format(round(usual_drop, 3)) if usual_drop is not None else NOTHING,
            )
        )
    table = Table(caption=label, columns=("Step", "Count", "Drop-off", "Usual"), rows=tuple(rows))
    is_empty = not any(step.count > 0 for step in steps)
    said = f"{label}: no data" if is_empty else label
    return Chart(
        svg=plot(parts, height=_FUNNEL_ROW * max(1, len(steps)), label=said, kind="lab"), table=table, is_empty=is_empty
    )


def _drop(before: float | None, after: float | None) -> float | None:
    """Return the share that is lost from one step to the next; None where nothing came to the first."""
    return None if before is None or after is None or before <= 0 else max(0.0, 1 - after / before)


def _row_name(name: str, y: float, *, most: int = _LONGEST_NAME) -> str:
    return text("0", percent(y), words(_short(name, most)), dx=-10, dy=4, anchor="end", kind="lbl")


def _short(name: str, most: int = _LONGEST_NAME) -> str:
    """Return a name that fits beside its row; of a path the end says more than the beginning. The table has the whole."""
    if len(name) <= most:
        return name
    return f"…{name[1 - most :]}" if name.startswith("/") else f"{name[: most - 1]}…"


def _vertical_grid(scale: LinearScale, form: Format) -> str:
    parts = []
    for number, tick in enumerate(scale.ticks):
        x = percent(scale.share(tick))
        kind = "opt" if number % 2 else ""
        parts.append(f'<line class="g" x1="{x}" x2="{x}" y1="0" y2="100%"/>')
        parts.append(text(x, "100%", words(form(tick)), dy=15, anchor="middle", kind=kind))
    return "".join(parts)
