"""The widget "Peak traffic": the mean visits of four weeks by weekday and hour of the business."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from facts import labels
from reports.charts import HeatRow, heat_map, number_format
from reports.dashboards.numbers import Need, Numbers, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

STEPS = "app_funnel_steps"
VISITS = labels(step="page_view")
_WINDOW = timedelta(weeks=4)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _needs(view: View) -> list[Need]:
    return [Need(STEPS, 3600, view.now - _WINDOW, VISITS)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, STEPS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    visits = numbers.of(STEPS, 3600, view.now - _WINDOW, where=VISITS)
    if not total(visits):
        how = "Send page_view events, or events with funnel_step: page_view."
        return kind.without_numbers(WidgetState.NO_DATA, "No page view was told in four weeks.", how, source.at)
    means = _means(view, {bucket.start: bucket.sum for bucket in visits}, min(bucket.start for bucket in visits))
    best, day, hour = max((v, -d, -h) for (d, h), v in means.items())
    rows = [
        HeatRow(name=name, values=[means.get((number, of)) for of in range(24)]) for number, name in enumerate(_DAYS)
    ]
    zone = f"{view.now.astimezone(view.business):%Z}"
    chart = heat_map(
        rows,
        columns=[f"{of:02}:00" for of in range(24)],
        ticks=[((of + 0.5) / 24, f"{of:02}:00") for of in (0, 6, 12, 18)],
        label=f"Visits by weekday and hour ({zone}): most on {_DAYS[-day]} at {-hour:02}:00",
        headings=("Weekday", "Total", "Peak"),
        form=lambda value: f"{value:,.0f}",
        wide=False,
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or WidgetState.OK,
        at=source.at,
        value=f"{_DAYS[-day]} {-hour:02}:00",
        delta=f"{number_format(round(best, 1))} visits an hour",
        n=f"{total(visits):,.0f} visits",
        source=source.label,
        window=f"4 weeks ({zone})",
        notes=(f"pale: 0, dark: {best:,.0f} visits an hour",),
        figures=(Figure(chart=chart),),
    )


def _means(view: View, sums: dict[datetime, float], first: datetime) -> dict[tuple[int, int], float]:
    """Return the mean visits of each weekday and hour since the first one that is known; an hour without any counts as none."""
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    at = first
    while at + timedelta(hours=1) <= view.now or at == first:
        here = at.astimezone(view.business)
        found[here.weekday(), here.hour].append(sums.get(at, 0.0))
        at += timedelta(hours=1)
    return {key: sum(values) / len(values) for key, values in found.items()}


PEAK_TRAFFIC = WidgetType(
    name="peak_traffic_patterns",
    title="Peak traffic",
    columns=4,
    metrics=(STEPS,),
    needs=_needs,
    draw=_draw,
    guide="peak_traffic_patterns",
)
