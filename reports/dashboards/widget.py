"""Defines a widget: a figure with its age, its n, its source, its window and its state, and charts with their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.charts import Chart
from reports.states import WidgetState

if TYPE_CHECKING:
    from reports.dashboards.numbers import Need, Numbers
    from reports.dashboards.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Holds a chart of a widget; one of several has a heading and a text beside it."""

    chart: Chart
    heading: str = ""
    value: str = ""
    delta: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Holds one line of a widget: a light, a name, a strip, and the text behind it."""

    name: str
    state: WidgetState
    chart: Chart
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Holds a cell of a widget's table: a text, and optionally a second line, a bar or a light."""

    text: str = ""
    sub: str = ""
    meter: Markup | None = None
    state: WidgetState | None = None
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Holds a table that is the widget's whole content."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One card of a dashboard.

    `value` with `unit` is its figure, and `delta` what it is compared with. `at` is when its numbers were told, `n` what they rest on,
    `source` who told them and `window` the time that they are of. `why` says what is missing where there is no number, and `how` what
    to do. `notes` stand at the foot. A widget that shows any number has an age: one without raises ValueError.
    """

    name: str
    title: str
    state: WidgetState
    columns: int = 4
    at: datetime | None = None
    value: str = ""
    unit: str = ""
    delta: str = ""
    n: str = ""
    source: str = ""
    window: str = ""
    sentence: str = ""
    why: str = ""
    how: str = ""
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    lanes: tuple[Lane, ...] = ()
    lane_ends: tuple[str, ...] = ()
    grid: Grid | None = None

    def __post_init__(self) -> None:
        if self.state.says_nothing:
            if self.value or self.figures or self.grid or self.lanes:
                raise ValueError(f"{self.name}: a widget that is {self.state} shows no number")
            if not self.why:
                raise ValueError(f"{self.name}: a widget that is {self.state} says why")
        elif self.at is None or not self.source or not self.window:
            raise ValueError(f"{self.name}: a number is never shown without its age, its source and its window")


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetType:
    """An entry of the registry: how a widget is named, what it reads, and how it is computed.

    `columns` is its width, of twelve. `metrics` are those that it can be computed from, the preferred first.
    """

    name: str
    title: str
    columns: int
    metrics: tuple[str, ...]
    needs: Callable[[View], Sequence[Need]]
    draw: Callable[[WidgetType, View, Numbers], Widget]
    guide: str = ""
    """The guide's name of it."""

    def without_numbers(self, state: WidgetState, why: str, how: str = "", at: datetime | None = None) -> Widget:
        """Return the widget for the case that there are no numbers to show."""
        return Widget(name=self.name, title=self.title, columns=self.columns, state=state, why=why, how=how, at=at)


def rate_state(value: float, low: float, high: float, *, target: float, warning: float, critical: float) -> WidgetState:
    """Return the state of a rate that should be high, by its interval: it is only OK, or bad, where so few can prove it."""
    if high < critical:
        return WidgetState.CRITICAL
    if high < warning:
        return WidgetState.WARNING
    if value < target and high < target:
        return WidgetState.OFF_TARGET
    return WidgetState.OK if low >= target else WidgetState.UNPROVEN
