"""Draws charts as server-rendered SVG, each with the table that says the same; pure functions of plain data."""

from reports.charts.cells import DayCell, day_cells, meter
from reports.charts.columns import Column, Interval, intervals, stacked_columns
from reports.charts.plot import Chart, Table
from reports.charts.rows import (
    FunnelStep,
    HeatRow,
    RangeRow,
    RowBar,
    StepRow,
    dot_range,
    funnel,
    heat_map,
    row_bars,
    step_range,
)
from reports.charts.run_bars import Bar, Group, Mark, comparison, segments, timeline, waterfall
from reports.charts.scale import LinearScale, TimeTick, linear_scale, time_ticks
from reports.charts.strips import ResultCell, result_strip, strip_axis
from reports.charts.times import Area, Band, Flag, Limit, Line, cross, spark, time_line
from reports.charts.units import Format, duration_format, money_format, number_format, percent_format

__all__ = [
    "Area",
    "Band",
    "Bar",
    "Chart",
    "Column",
    "DayCell",
    "Flag",
    "Format",
    "FunnelStep",
    "Group",
    "HeatRow",
    "Interval",
    "Limit",
    "Line",
    "LinearScale",
    "Mark",
    "RangeRow",
    "ResultCell",
    "RowBar",
    "StepRow",
    "Table",
    "TimeTick",
    "comparison",
    "cross",
    "day_cells",
    "dot_range",
    "duration_format",
    "funnel",
    "heat_map",
    "intervals",
    "linear_scale",
    "meter",
    "money_format",
    "number_format",
    "percent_format",
    "result_strip",
    "row_bars",
    "segments",
    "spark",
    "stacked_columns",
    "step_range",
    "strip_axis",
    "time_line",
    "time_ticks",
    "timeline",
    "waterfall",
]
