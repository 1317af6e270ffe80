"""The widget "Tickets left": the tickets of each city and tier, with the daily sales."""

from __future__ import annotations

from reports.dashboards.numbers import Numbers
from reports.dashboards.view import View
from reports.dashboards.widget import Cell, Grid, Widget, WidgetType
from reports.dashboards.widgets.stock import PACE_DAYS, REMAINING, Left, needs, stock_of
from reports.dashboards.widgets.tickets_sold import tier_name
from reports.states import WidgetState


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, REMAINING)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    stock = stock_of(view, numbers)
    if not stock:
        return kind.without_numbers(WidgetState.NO_DATA, "The inventory names no city with tickets.", at=source.at)
    tiers = sorted({one.tier for one in stock})
    cities = {
        city: {one.tier: one for one in stock if one.city == city} for city in sorted({one.city for one in stock})
    }
    worst = {
        city: min(found.values(), key=lambda one: list(WidgetState).index(one.state)) for city, found in cities.items()
    }
    order = sorted(cities, key=lambda city: (list(WidgetState).index(worst[city].state), city))
    columns = ["City"]
    for tier in tiers:
        columns += [tier_name(tier), "a day"]
    rows = tuple(
        (
            Cell(text=city),
            *(cell for tier in tiers for cell in _pair(cities[city].get(tier))),
            Cell(text=_words(worst[city]), state=worst[city].state),
        )
        for city in order
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=min((one.state for one in stock), key=list(WidgetState).index),
        at=source.at,
        n=f"{len(cities)} cities",
        source=source.label,
        window=f"now; a day: mean of {PACE_DAYS} d",
        notes=("low: GA under 10, VIP under 3",),
        grid=Grid(caption="Tickets left by city", columns=(*columns, "State"), rows=rows),
    )


def _words(one: Left) -> str:
    return one.words if one.state is WidgetState.OK else f"{tier_name(one.tier)} {one.words.lower()}"


def _pair(one: Left | None) -> tuple[Cell, Cell]:
    if one is None:
        return Cell(text="–", is_number=True), Cell(text="–", is_number=True)
    pace = f"{one.sold / PACE_DAYS:.1f}" if one.sold is not None else "–"
    return Cell(text=f"{one.left:,.0f}", is_number=True), Cell(text=pace, is_number=True)


TICKETS_LEFT = WidgetType(
    name="inventory_levels_all_cities",
    title="Tickets left, all cities",
    columns=4,
    metrics=(REMAINING,),
    needs=needs,
    draw=_draw,
    guide="inventory_levels_all_cities",
)
