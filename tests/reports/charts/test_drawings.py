"""Every chart is well-formed, says what it shows, has a table that says the same, and draws nothing that was not measured."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest

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
    RowBar,
    cross,
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
    row_bars,
    spark,
    stacked_columns,
    time_line,
)
from reports.charts.times import MOST_POINTS
from tests.reports.test_hostile import EVIL

SINCE = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=6)
HOSTILE = EVIL.replace("\x00", "").replace("\ud800", "")


def at(minutes: float) -> datetime:
    return SINCE + timedelta(minutes=minutes)


def a_line(*values: float | None, step_s: float | None = 300, **more: object) -> Line:
    points = [(at(5 * n), v) for n, v in enumerate(values) if v is not None]
    return Line(**{"name": "p95", "points": points, "step_s": step_s, **more})  # type: ignore[arg-type]


def drawn(*lines: Line, **more: object) -> Chart:
    how = {"since": SINCE, "until": UNTIL, "zone": UTC, "form": duration_format, "label": "Webhooks, p95", **more}
    return time_line(lines, **how)  # type: ignore[arg-type]


def paths(chart: Chart) -> list[str]:
    return [e.attrib["d"] for e in ElementTree.fromstring(chart.svg).iter("path") if "ln" in e.attrib["class"].split()]


def texts(chart: Chart) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(chart.svg).iter("text")]


def hatched(chart: Chart) -> list[dict[str, str]]:
    return [e.attrib for e in ElementTree.fromstring(chart.svg).iter("rect") if "hatch" in e.attrib.get("fill", "")]


def every_chart(text: str, values: list[float | None]) -> list[Chart]:
    """One of each kind, with a text in every place where foreign text can stand."""
    known = [v for v in values if v is not None]
    some = {"GA": known[0]} if known else None
    return [
        drawn(
            a_line(*values, name=text),
            label=text,
            bands=[Band(name=text, points=[(at(5 * n), v, v + 1) for n, v in enumerate(known)], step_s=300)],
            limits=[Limit(value=1, label=text)],
            areas=[Area(since=at(60), until=at(90), label=text)],
            flags=[Flag(at=at(100), label=text)],
            more=[cross(0.5, 0.5, text)],
        ),
        stacked_columns([Column(label=text, values=some)], classes={"GA": "f1"}, form=number_format, label=text),
        intervals(
            [Interval(label=text, value=v, low=v, high=v) for v in values],
            form=percent_format,
            label=text,
            limits=[Limit(value=0.95, label=text)],
        ),
        dot_range(
            [RangeRow(name=text, percentiles={"p50": v, "p95": v}) for v in known], form=duration_format, label=text
        ),
        heat_map(
            [HeatRow(name=text, values=values, total=text)],
            columns=[text] * len(values),
            label=text,
            ticks=[(0.5, text)],
        ),
        row_bars(
            [RowBar(name=text, value=v, cells=(text,)) for v in known],
            form=money_format("usd"),
            label=text,
            headings=("a", "b", "c"),
        ),
        funnel([FunnelStep(name=text, count=v) for v in known], label=text),
        day_cells([DayCell(day=date(2026, 11, 23), n=len(known))], name=text),
    ]


@pytest.mark.parametrize("text", ["Webhooks", HOSTILE, "</svg><script>alert(1)</script>", "‮evil", "x" * 100_000])
@pytest.mark.parametrize(
    "values",
    [[], [None], [0.0], [1.5], [0.2, None, 0.4], [-2.0, 3.0], [1e-12], [1e300, 5], [math.nan], [math.inf, -math.inf]],
    ids=str,
)
def test_any_text_and_any_numbers_are_harmless(text: str, values: list[float | None]) -> None:
    for chart in every_chart(text, values):
        root = ElementTree.fromstring(chart.svg)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"]
        assert not list(root.iter("script"))
        assert "‮" not in chart.svg
        assert not re.search(r"[\"M L](nan|inf|-inf)\b", chart.svg)
        assert len(chart.svg) < 12_000
        assert all(len(row) == len(chart.table.columns) for row in chart.table.rows)


def test_no_line_crosses_a_gap_and_the_gap_is_hatched() -> None:
    chart = drawn(a_line(1, 1, 1, *[None] * 20, 2, 2, *[2.0] * 47))
    (path,) = paths(chart)
    assert path.count("M") == 2
    (gap,) = hatched(chart)
    assert (gap["x"], gap["width"]) == ("2.78%", "29.17%")
    assert "no data" in texts(chart)


def test_a_gap_survives_when_many_points_are_thinned() -> None:
    points = [(SINCE + timedelta(seconds=30 * n), 1.0) for n in range(720) if not 300 <= n < 304]
    (path,) = paths(drawn(Line(name="p95", points=points, step_s=30)))
    assert path.count("M") == 2


def test_a_spike_survives_when_many_points_are_thinned() -> None:
    points = [(SINCE + timedelta(seconds=30 * n), 9.0 if n == 333 else 1.0) for n in range(720)]
    (path,) = paths(drawn(Line(name="p95", points=points, step_s=30)))
    heights = [int(place.split()[1]) for place in re.split("[ML]", path) if place]
    assert min(heights) == 100
    assert len(heights) <= MOST_POINTS + 2


def test_a_value_between_two_gaps_is_a_dot() -> None:
    chart = drawn(a_line(1, 1, None, None, 3, None, None, 1, 1))
    assert chart.svg.count("<circle") == 1


def test_the_stretch_that_is_still_being_measured_is_no_gap() -> None:
    assert hatched(drawn(a_line(*[1.0] * 71))) == []


def test_a_chart_without_any_value_is_hatched_as_a_whole_and_says_so() -> None:
    chart = drawn(a_line())
    assert chart.is_empty
    assert [(g["x"], g["width"]) for g in hatched(chart)] == [("0%", "100%")]
    assert 'aria-label="Webhooks, p95: no data"' in chart.svg


def test_a_usual_line_hides_no_gap_of_the_measured_one() -> None:
    usual = a_line(*[1.0] * 73, is_ghost=True, name="usual")
    assert len(hatched(drawn(a_line(*[1.0] * 20), usual))) == 1


def test_axes_have_units_and_times_of_the_zone() -> None:
    found = texts(drawn(a_line(*[1.0] * 72), limits=[Limit(value=2, label="critical", kind="crit")]))
    assert {"0 s", "500 ms", "1 s", "1.5 s", "2 s", "12:00", "18:00", "critical"} <= set(found)


def test_the_table_says_what_the_chart_shows_with_a_dash_for_nothing() -> None:
    table = drawn(a_line(0.5, None, 1.25), a_line(None, 2, 3, name="p50")).table
    assert table.columns == ("Time", "p95", "p50")
    assert table.rows == (("12:00", "500 ms", "–"), ("12:05", "–", "2 s"), ("12:10", "1.25 s", "3 s"))


def test_a_long_table_keeps_its_newest_row() -> None:
    rows = drawn(a_line(*[1.0] * 72)).table.rows
    assert len(rows) <= 60
    assert rows[-1][0] == "17:55"


def test_points_outside_the_window_are_left_out() -> None:
    outside = Line(name="p95", points=[(SINCE - timedelta(hours=1), 9), (UNTIL + timedelta(hours=1), 9)], step_s=300)
    assert drawn(outside).is_empty


def test_labels_at_the_right_stand_left_of_their_mark() -> None:
    root = ElementTree.fromstring(drawn(a_line(1), flags=[Flag(at=at(350), label="a1b2c3")]).svg)
    assert [e.attrib["text-anchor"] for e in root.iter("text") if e.text == "a1b2c3"] == ["end"]


def test_a_day_is_low_red_on_top_full_red_or_hatched() -> None:
    days = [date(2026, 11, n) for n in range(20, 24)]
    counts = [(10, 0), (10, 1), (10, 10), (0, 0)]
    chart = day_cells([DayCell(day=d, n=n, bad=b) for d, (n, b) in zip(days, counts, strict=True)], name="GA purchase")
    shapes = [(e.attrib["class"], e.attrib["height"]) for e in ElementTree.fromstring(chart.svg).iter("rect")]
    assert shapes == [("x-ok", "22"), ("x-ok", "22"), ("x-fail", "17"), ("x-fail", "32"), ("x-hatch", "22")]
    assert 'aria-label="GA purchase, 4 days: 2 days with failures, 1 day unknown"' in chart.svg
    assert [row[:2] for row in chart.table.rows] == [
        ("23 Nov 2026", "unknown"),
        ("22 Nov 2026", "all failed"),
        ("21 Nov 2026", "some failed"),
    ]


def test_p95_over_its_target_has_another_colour_and_its_number_too() -> None:
    limits = {"target": 1.0, "warning": 2.0, "critical": 3.0}
    rows = [
        RangeRow(name="/success", percentiles={"p50": 0.55, "p95": 1.08}, limits=limits, n=48),
        RangeRow(name="/register", percentiles={"p50": 0.5, "p95": 0.9}, limits=limits, n=48),
        RangeRow(name="/new", percentiles={"p50": 0.5}, n=3),
    ]
    chart = dot_range(rows, form=duration_format, label="Response times")
    amber = [e.text for e in ElementTree.fromstring(chart.svg).iter("text") if "tx-warn" in e.attrib.get("class", "")]
    assert amber == ["1.08 s"]
    assert "– (n 3)" in texts(chart)
    assert chart.table.rows[0] == ("/success", "550 ms", "–", "1.08 s", "–", "1 s", "2 s", "3 s", "48")


def test_a_heat_map_tells_nothing_from_not_measured() -> None:
    chart = heat_map([HeatRow(name="a", values=[0, 1, 5, None])], columns=["1", "2", "3", "4"], label="Errors")
    kinds = [e.attrib.get("class") for e in ElementTree.fromstring(chart.svg).iter("rect")]
    assert kinds == ["h0", "h1", "h5", None]
    assert chart.table.rows == (("a", "–", "5 at 3"),)


def test_a_column_without_a_measurement_is_hatched_and_its_row_has_dashes() -> None:
    columns = [Column(label="Mon", values={"GA": 2, "VIP": 1}), Column(label="Tue", values=None)]
    chart = stacked_columns(columns, classes={"GA": "f1", "VIP": "f2"}, form=number_format, label="Tickets")
    assert len(hatched(chart)) == 1
    assert chart.table.rows == (("Mon", "2", "1"), ("Tue", "–", "–"))


def test_what_is_unknown_stands_last_and_hatched() -> None:
    bars = [RowBar(name="Unknown", value=9, is_unknown=True), RowBar(name="Email", value=3)]
    chart = row_bars(bars, form=number_format, label="Channels")
    assert [row[0] for row in chart.table.rows] == ["Email", "Unknown"]
    assert 'class="gapbox"' in chart.svg


def test_a_funnel_says_how_many_were_lost_and_how_many_usually_are() -> None:
    steps = [FunnelStep(name="Page view", count=100, usual=200), FunnelStep(name="Paid", count=25, usual=100)]
    chart = funnel(steps, label="Funnel")
    assert "−75 % (usual −50 %)" in texts(chart)
    widths = [e.attrib["width"] for e in ElementTree.fromstring(chart.svg).iter("rect")]
    assert widths == ["70.71%", "100%", "35.36%", "70.71%"]


def test_a_fill_bar_of_nothing_known_is_hatched_and_never_overflows() -> None:
    assert "x-hatch" in meter(None, label="Dallas")
    assert 'width="100%"' in meter(7.0, label="Dallas")
    assert 'width="0%"' in meter(-1.0, label="Dallas")


def test_a_spark_of_one_point_is_a_dot() -> None:
    assert "<circle" in spark([(at(1), 2.0)], since=SINCE, until=UNTIL, step_s=300, label="Orders")


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (duration_format, 0.064, "64 ms"),
        (duration_format, 1.314, "1.31 s"),
        (duration_format, 600, "10 min"),
        (duration_format, 0, "0 s"),
        (percent_format, 0.9995, "99.95 %"),
        (percent_format, 0.999999, "99.99 %"),
        (percent_format, 1, "100 %"),
        (number_format, 14820, "14,820"),
        (number_format, 0.25, "0.25"),
        (money_format("usd"), 3_840_000, "$38,400"),
        (money_format("usd"), 1050, "$10.50"),
        (money_format("usd"), -50_000, "−$500"),
        (money_format("usd", short=True), 4_000_000, "$40k"),
        (money_format("usd", short=True), 115_100_000, "$1.15m"),
        (money_format("jpy"), 1200, "1,200 JPY"),
        (money_format("eur"), 1200, "12 EUR"),
        (number_format, math.nan, "–"),
        (money_format("usd"), math.inf, "–"),
    ],
)
def test_numbers_read_as_people_write_them(form: Callable[[float], str], value: float, text: str) -> None:
    assert form(value) == text


def test_the_crosshair_has_the_values_of_the_table_and_no_more_of_them_than_it_needs() -> None:
    line = a_line(1.0, 2.0, 3.0, None, 5.0, name="p;95|x")
    band = Band(name="p5–p95", points=[(at(0), 0.5, 1.5), (at(5), 1, 2)], step_s=300)
    data = ElementTree.fromstring(drawn(line, bands=[band], run_path="/run?at=").svg).attrib
    assert data["data-names"] == "p,95/x;p5–p95"
    assert data["data-points"] == "0;1 s;500 ms–1.5 s|300;2 s;1–2 s|;3 s;–|600;5 s;–"
    assert (int(data["data-since"]), int(data["data-until"])) == (SINCE.timestamp(), UNTIL.timestamp())
    assert data["data-run"] == "/run?at="
    many = ElementTree.fromstring(drawn(a_line(*map(float, range(1000)), step_s=10), table_rows=10).svg).attrib
    assert len(many["data-points"].split("|")) <= 20
    assert "data-points" not in ElementTree.fromstring(drawn().svg).attrib
