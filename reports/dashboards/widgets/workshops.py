"""The widget "Upcoming workshops": how full each is, and when it will sell out at the pace of two weeks."""

from __future__ import annotations

from datetime import timedelta

from reports.charts import meter
from reports.dashboards.numbers import Numbers
from reports.dashboards.view import View
from reports.dashboards.widget import Cell, Grid, Widget, WidgetType
from reports.dashboards.widgets.stock import PACE_DAYS, REMAINING, SEATS, Left, needs, stock_of
from reports.dashboards.widgets.tickets_sold import tier_name
from reports.states import WidgetState

_FAR = 365.0


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, REMAINING)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    stock = stock_of(view, numbers)
    if not stock:
        return kind.without_numbers(WidgetState.NO_DATA, "The inventory names no city with tickets.", at=source.at)
    tiers = sorted({one.tier for one in stock})
    by_city = {
        city: {one.tier: one for one in stock if one.city == city} for city in sorted({one.city for one in stock})
    }
    # The fullest first: it is the one to look at.
    order = sorted(by_city, key=lambda city: (_soonest(by_city[city]), city))
    rows = tuple(
        (
            Cell(text=city),
            *(_fill(by_city[city].get(tier), number) for number, tier in enumerate(tiers)),
            *(_sold_out(by_city[city].get(tier), view) for tier in tiers),
        )
        for city in order
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=min((one.state for one in stock), key=list(WidgetState).index),
        at=source.at,
        n=f"{len(by_city)} cities",
        source=source.label,
        window=f"now; pace of {PACE_DAYS} days",
        notes=("dates are ranges, where 10 or more were sold",),
        grid=Grid(
            caption="Upcoming workshops",
            columns=(
                "City",
                *(f"{tier_name(t)}, bar: sold" for t in tiers),
                *(f"{tier_name(t)} sold out" for t in tiers),
            ),
            rows=rows,
        ),
    )


def _soonest(tiers: dict[str, Left]) -> float:
    """Return in how many days the first of the tiers may be sold out, a negative number where one is."""
    days = [one.days_left() for one in tiers.values()]
    return (
        -1.0
        if any(one.left <= 0 for one in tiers.values())
        else min((found[0] for found in days if found), default=_FAR)
    )


def _fill(one: Left | None, number: int) -> Cell:
    if one is None:
        return Cell(text="–")
    of = f" of {one.seats:,.0f}" if one.seats else ""
    share = 1 - one.left / one.seats if one.seats else None
    said = f"{one.left:,.0f}{of} left" if one.left >= 0 else f"{-one.left:,.0f} oversold"
    bar = meter(share, label=f"{one.city} {tier_name(one.tier)}: {said}", series=number % 2 + 1)
    return Cell(text=said, meter=bar, state=one.state if one.state is not WidgetState.OK else None)


def _sold_out(one: Left | None, view: View) -> Cell:
    if one is None:
        return Cell(text="–")
    if one.left <= 0:
        return Cell(text=one.words)
    days = one.days_left()
    if days is None:
        return Cell(text="–", sub="too few sold" if one.sold is not None else "sales unknown")
    if days[0] > _FAR:
        return Cell(text="over a year")
    here = view.now.astimezone(view.business)
    first, last = here + timedelta(days=days[0]), here + timedelta(days=min(days[1], 2 * _FAR))
    if first.date() == last.date():
        return Cell(text=f"{first:%-d %b}")
    is_one_month = (first.year, first.month) == (last.year, last.month)
    return Cell(text=f"{first:%-d}–{last:%-d %b}" if is_one_month else f"{first:%-d %b} – {last:%-d %b}")


WORKSHOPS = WidgetType(
    name="upcoming_workshops_status",
    title="Upcoming workshops",
    columns=8,
    metrics=(REMAINING, SEATS),
    needs=needs,
    draw=_draw,
    guide="upcoming_workshops_status",
)
