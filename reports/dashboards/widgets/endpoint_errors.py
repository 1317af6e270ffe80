"""The widget "Errors by endpoint": a heat map of responses with a 5xx status, by endpoint and time."""

from __future__ import annotations

from reports.charts import HeatRow, heat_map, number_format, time_ticks
from reports.dashboards.numbers import Need, Numbers, by_slot, grouped, slots, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

REQUESTS, ERRORS = "app_requests", "app_5xx_requests"
_MOST_ROWS = 8
_LIMIT = 0.05
"""The guide: API error rate above 5 %."""


def _needs(view: View) -> list[Need]:
    return [Need(metric, view.cell_width_s, view.since) for metric in (REQUESTS, ERRORS)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, REQUESTS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    starts = slots(view.since, view.until, view.cell_s)
    asked = numbers.of(REQUESTS, view.cell_width_s, until=view.until)
    failed = numbers.of(ERRORS, view.cell_width_s, until=view.until)
    requests = {name: some for (name,), some in grouped(asked, "endpoint").items()}
    errors = {name: some for (name,), some in grouped(failed, "endpoint").items()}
    if not requests:
        why = "No event told an endpoint and a status in this range."
        return kind.without_numbers(WidgetState.NO_DATA, why, source.how, source.at)
    # Where no request at all is known of a stretch, no errors there is no fact.
    known = [bool(some) for some in by_slot(asked, starts)]
    order = sorted(requests, key=lambda name: (-total(errors.get(name, ())), -total(requests[name]), name))
    rows = [
        HeatRow(
            name=name,
            values=[total(b) if k else None for b, k in zip(by_slot(errors.get(name, ()), starts), known, strict=True)],
            total=f"{total(errors.get(name, ())):,.0f}",
        )
        for name in order[:_MOST_ROWS]
    ]
    bad, every = total(failed), total(asked)
    minutes = view.cell_s // 60
    if minutes < 120:
        each = f"{minutes} min"
    elif minutes < 2880:
        each = f"{minutes // 60} h"
    else:
        each = f"{minutes // 1440} d"
    form = "%H:%M" if view.cell_s < 86_400 and view.length.days < 2 else "%-d %b %H:%M"
    chart = heat_map(
        rows,
        columns=[f"{start.astimezone(view.zone):{form}}" for start in starts],
        ticks=[(tick.share, tick.label) for tick in time_ticks(view.since, view.until, view.zone)],
        label=f"Errors by endpoint, each cell {each}: {bad:,.0f} of {every:,.0f} requests",
        headings=("Endpoint", "Errors", "Most"),
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or (WidgetState.WARNING if bad / every > _LIMIT else WidgetState.OK),
        at=source.at,
        value=number_format(bad),
        delta=f"of {every:,.0f} requests" + (f", {bad / every:.2%}".replace("%", " %") if bad else ""),
        n=f"{every:,.0f} requests",
        source=source.label,
        window=f"{view.words}, a cell {each}",
        notes=("pale: none", "darker: more", "hatched: no request is known"),
        figures=(Figure(chart=chart),),
    )


ENDPOINT_ERRORS = WidgetType(
    name="error_rates_by_endpoint",
    title="Errors by endpoint",
    columns=5,
    metrics=(REQUESTS, ERRORS),
    needs=_needs,
    draw=_draw,
    guide="error_rates_by_endpoint",
)
