"""Shows the design system on a page of its own: type, colours, spacing, states, every chart and every state of a widget.

It is made from the templates, the style sheet and the chart functions that the hub's pages use, so it shows what they really look like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from markupsafe import Markup

from reports.charts import (
    Area,
    Band,
    Chart,
    Column,
    DayCell,
    Flag,
    FunnelStep,
    HeatRow,
    Interval,
    Limit,
    Line,
    RangeRow,
    ResultCell,
    RowBar,
    StepRow,
    day_cells,
    dot_range,
    duration_format,
    funnel,
    heat_map,
    intervals,
    meter,
    money_format,
    number_format,
    percent_format,
    result_strip,
    row_bars,
    spark,
    stacked_columns,
    step_range,
    time_line,
)
from reports.charts.burndown import BudgetPoint, Spent, burndown
from reports.dashboards.context import Card
from reports.dashboards.widget import Widget
from reports.live.assets import asset
from reports.live.frame import Frame, ago
from reports.pages import renderer
from reports.states import WidgetState

_TOKEN = re.compile(r"--([a-z][a-z0-9-]*):\s*([^;]+);")
_WHAT = {
    WidgetState.OK: "The limit is kept, and enough results prove it. Only this state is green.",
    WidgetState.OFF_TARGET: "The target is missed, and nobody is told.",
    WidgetState.WARNING: "Somebody is told in business hours.",
    WidgetState.CRITICAL: "Somebody is called now. At most one thing on a screen is this red.",
    WidgetState.UNPROVEN: "There are too few results to say more.",
    WidgetState.NO_DATA: "It should be measured, and nothing came. It is never green, and never 0.",
    WidgetState.OFF: "It is switched off, or no source is set up.",
}
_render = renderer(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Holds one value of the style sheet, in light and in dark colours; `dark` is "" where both are the same."""

    name: str
    light: str
    dark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """Holds a state and what it means."""

    state: WidgetState
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChart:
    """Holds one kind of chart: the function that draws it, when it is used, and the chart with invented numbers."""

    function: str
    used: str
    chart: Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignPage:
    """Holds the data of the template."""

    frame: Frame
    colours: tuple[Token, ...]
    sizes: tuple[Token, ...]
    spaces: tuple[Token, ...]
    states: tuple[StateRow, ...]
    charts: tuple[ShownChart, ...]
    meters: tuple[tuple[str, Markup], ...]
    spark: Markup
    cards: tuple[Card, ...]


def design_page(frame: Frame, now: datetime) -> str:
    """Return the page's HTML; charts end at `now`."""
    light, dark = tokens()
    return _render(
        "design.html.j2",
        DesignPage(
            frame=frame,
            colours=tuple(
                Token(name=name, light=value, dark=dark.get(name, ""))
                for name, value in light.items()
                if value.startswith("#")
            ),
            sizes=tuple(Token(name=name, light=value) for name, value in light.items() if name.startswith("f-")),
            spaces=tuple(Token(name=name, light=value) for name, value in light.items() if name.startswith("r-")),
            states=tuple(StateRow(state=state, meaning=_WHAT[state]) for state in WidgetState),
            charts=tuple(_charts(now)),
            meters=tuple(
                (said, meter(share, label=said, series=series))
                for said, share, series in (("82 % left", 0.82, 1), ("31 % spent", 0.31, 2), ("unknown", None, 1))
            ),
            spark=spark(
                _points(now, 24, 3600),
                since=now - timedelta(hours=24),
                until=now,
                step_s=3600,
                label="Invented values of 24 hours",
            ),
            cards=tuple(Card(widget=one, age=ago(one.at, now)) for one in _widgets(now)),
        ),
    )


def tokens() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the values of the style sheet that pages are made of, by name: in light colours, and those that differ in dark ones."""
    _, content = asset("style.css") or ("", b"")
    light, _, rest = content.decode().partition("@media")
    dark = rest.partition("\n}\n")[0]
    return dict(_TOKEN.findall(light)), dict(_TOKEN.findall(dark))


def _points(now: datetime, count: int, step_s: int, *, gap: range = range(0)) -> list[tuple[datetime, float]]:
    first = now - timedelta(seconds=step_s * (count - 1))
    return [
        (first + timedelta(seconds=step_s * n), 14 + 3 * math.sin(n / 3) + (n % 5) / 2)
        for n in range(count)
        if n not in gap
    ]


def _charts(now: datetime) -> Iterator[ShownChart]:
    since, zone = now - timedelta(hours=24), now.tzinfo
    assert zone is not None
    points = _points(now, 48, 1800, gap=range(20, 26))
    yield ShownChart(
        function="time_line",
        used="A value over time. Gaps are hatched, and no line crosses one.",
        chart=time_line(
            [Line(name="Median", points=points, step_s=1800)],
            bands=[Band(name="p5–p95", points=[(at, v - 3, v + 5) for at, v in points], step_s=1800)],
            since=since,
            until=now,
            zone=zone,
            form=duration_format,
            label="Invented durations of 24 hours, with a gap of three",
            limits=[Limit(value=26, label="limit 26 s", kind="warn")],
            areas=[Area(since=now - timedelta(hours=5), until=now - timedelta(hours=4), label="INC-7")],
            flags=[Flag(at=now - timedelta(hours=9), label="deploy v41")],
        ),
    )
    yield ShownChart(
        function="time_line",
        used="The same without any value: the axes stay.",
        chart=time_line(
            [Line(name="Median", points=(), step_s=1800)],
            since=since,
            until=now,
            zone=zone,
            form=duration_format,
            label="Nothing measured",
        ),
    )
    yield ShownChart(
        function="stacked_columns",
        used="Counts of classes. An unknown class is hatched, and a column without results is as well.",
        chart=stacked_columns(
            [
                Column(
                    label=f"{n:02}:00",
                    values=None if n == 8 else {"delivered": 20 + n, "failed": n % 3, "no receipt": n % 4},
                    ghost=24,
                )
                for n in range(12)
            ],
            classes={"delivered": "f1", "failed": "fc", "no receipt": "hatch"},
            form=number_format,
            label="Invented text messages by hour",
        ),
    )
    yield ShownChart(
        function="intervals",
        used="A rate with its interval, where few results stand behind it.",
        chart=intervals(
            [
                Interval(label=f"{n + 1} Nov", value=0.94 + n / 200, low=0.9, high=0.99, n=44, is_marked=n == 4)
                for n in range(8)
            ],
            form=percent_format,
            label="Invented conversion by day",
            limits=[Limit(value=0.95, label="target 95 %")],
        ),
    )
    yield ShownChart(
        function="dot_range",
        used="p50 and p95 beside a target.",
        chart=dot_range(
            [
                RangeRow(name="/api/checkout", percentiles={"p50": 0.6, "p95": 1.4}, limits={"target": 1.0}, n=420),
                RangeRow(name="/api/inventory", percentiles={"p50": 0.1, "p95": 0.4}, limits={"target": 1.0}, n=910),
            ],
            form=duration_format,
            label="Invented response times",
        ),
    )
    yield ShownChart(
        function="heat_map",
        used="Counts by row and time. What was not measured is hatched.",
        chart=heat_map(
            [
                HeatRow(name=name, values=[None if n == 7 else (n * k) % 6 for n in range(24)], total=str(30 * k))
                for k, name in enumerate(("/register", "/success", "/api/pay"), 1)
            ],
            columns=[f"{n}:00" for n in range(24)],
            label="Invented errors by hour",
            ticks=[(0.0, "0:00"), (0.5, "12:00")],
        ),
    )
    yield ShownChart(
        function="row_bars",
        used="Amounts by name. The unknown one is hatched and last.",
        chart=row_bars(
            [
                RowBar(name="Email", value=420_000, cells=("41 orders",)),
                RowBar(name="Instagram", value=260_000, series=2, cells=("24 orders",)),
                RowBar(name="unknown", value=90_000, cells=("9 orders",), is_unknown=True),
            ],
            form=money_format("usd"),
            label="Invented revenue by channel",
            headings=("Channel", "Revenue", "Orders"),
        ),
    )
    yield ShownChart(
        function="funnel",
        used="Steps of buyers, beside what is usual.",
        chart=funnel(
            [
                FunnelStep(name="page view", count=900, usual=1000),
                FunnelStep(name="tickets chosen", count=240, usual=260),
                FunnelStep(name="paid", count=72, usual=90),
            ],
            label="Invented funnel",
        ),
    )
    yield ShownChart(
        function="step_range",
        used="The steps of one run against the usual.",
        chart=step_range(
            [
                StepRow(name="choose_city", took=1.2, said="1.2 s", usual=(0.9, 1.1, 1.6)),
                StepRow(name="pay", took=4.1, said="failed after 4.1 s", has_failed=True, usual=(1.0, 1.4, 2.2)),
                StepRow(name="verify_success", took=None, said="not reached", usual=(0.4, 0.6, 0.9)),
            ],
            form=duration_format,
            label="Invented steps",
        ),
    )
    yield ShownChart(
        function="result_strip",
        used="Results over time: low passed, higher slow, full height failed, hatched unknown.",
        chart=result_strip(
            [
                ResultCell(
                    start=since + timedelta(minutes=30 * n),
                    n=0 if n in (20, 21) else 6,
                    failed=2 if n in (30, 31) else 0,
                    slow=int(n == 12),
                )
                for n in range(48)
            ],
            name="Invented slots",
            width="30 minutes",
            zone=zone,
        ),
    )
    yield ShownChart(
        function="day_cells",
        used="Days: low none failed, red top some, full height all, hatched unknown.",
        chart=day_cells(
            [
                DayCell(
                    day=(now - timedelta(days=59 - n)).date(),
                    n=0 if n == 11 else 288,
                    bad={40: 12, 41: 288}.get(n, 0),
                )
                for n in range(60)
            ],
            name="Invented days",
        ),
    )
    days = [now - timedelta(days=20 - n) for n in range(21)]
    yield ShownChart(
        function="burndown",
        used="What is left of an error budget, at an even pace and at the real one.",
        chart=burndown(
            [BudgetPoint(at=at, left=1 - 0.03 * n, minutes=432 * (1 - 0.03 * n)) for n, at in enumerate(days)],
            since=days[0],
            now=now,
            until=now + timedelta(days=16),
            zone=zone,
            label="Invented error budget",
            exhausted_at=now + timedelta(days=13),
            spent=[Spent(at=days[9], label="INC-7 −8 %")],
        ),
    )


def _widgets(now: datetime) -> Iterator[Widget]:
    """Yield a card in each state."""
    for state in WidgetState:
        name, title = f"state-{state.value.replace(' ', '-')}", f"A widget: {state.value}"
        if state.says_nothing:
            yield Widget(
                name=name, title=title, state=state, columns=3, why=_WHAT[state], how="Here it says what to do."
            )
        else:
            yield Widget(
                name=name,
                title=title,
                state=state,
                columns=3,
                at=now - timedelta(seconds=22),
                value="97.4",
                unit="%",
                delta="▲ 1 % to last week",
                n="43 of 44",
                source="Synthetic runs",
                window="24 h",
                notes=("likely 88–99.6 %",),
            )
