"""Sales by city: thirteen weeks of each, on one scale."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

from reports.charts import Line, LinearScale, linear_scale, money_format, time_line
from reports.dashboards.numbers import WEEK_S, Need, Numbers, by_slot, grouped, main_currency, of_currency, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

METRICS = ("stripe_orders_minor", "app_revenue_minor_units")
_WEEKS = 13
_MOST = 6


def _needs(view: View) -> list[Need]:
    since = view.weeks(_WEEKS)[0][0]
    return [Need(metric, WEEK_S, since) for metric in METRICS]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, *METRICS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    weeks = view.weeks(_WEEKS)
    every = numbers.of(source.metric, WEEK_S, weeks[0][0], weeks[-1][1])
    currency = main_currency(every)
    if currency is None:
        return kind.without_numbers(WidgetState.NO_DATA, "Nothing was sold in a complete week yet.", at=source.at)
    every = of_currency(every, currency)
    first = min(bucket.start for bucket in every)
    known = [(begins, ends) for begins, ends in weeks if ends > first]
    starts = [begins for begins, _ in known]
    sums = {
        numbers.cities.get(city, city or "unknown"): [total(some) for some in by_slot(found, starts)]
        for (city,), found in grouped(every, "city").items()
    }
    scale = linear_scale(value for values in sums.values() for value in values)
    order = sorted(sums, key=lambda city: (-sums[city][-1], city))
    money = money_format(currency)
    figures = tuple(_figure(city, sums[city], starts, view, scale, currency) for city in order[:_MOST])
    last = sum(values[-1] for values in sums.values())
    usual = median(sum(values[n] for values in sums.values()) for n in range(len(known)))
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=WidgetState.OK,
        at=source.at,
        value=money(last),
        delta=f"last week, {_change(last, usual)} to the median of {len(known)} {'week' if len(known) == 1 else 'weeks'}",
        n=f"{sum(b.n for b in every):,} sales",
        source=source.label,
        window=f"{len(known)} complete weeks ({view.now.astimezone(view.business):%Z}), gross",
        notes=(
            "one scale for all cities",
            "┄ median",
            *((f"{len(order) - _MOST} cities more",) if len(order) > _MOST else ()),
        ),
        figures=figures,
    )


def _figure(
    city: str, values: list[float], starts: list[datetime], view: View, scale: LinearScale, currency: str
) -> Figure:
    money, short = money_format(currency), money_format(currency, short=True)
    usual = median(values)
    points = list(zip(starts, values, strict=True))
    chart = time_line(
        [
            Line(name=city, points=points, step_s=None),
            Line(name="median", points=[(at, usual) for at, _ in points], step_s=None, is_ghost=True),
        ],
        since=starts[0],
        until=max(starts[-1], starts[0] + timedelta(weeks=1)),
        zone=view.business,
        form=short,
        exact=money,
        scale=scale,
        height=100,
        ticks=[
            (starts[n], f"{starts[n].astimezone(view.business):%-d %b}")
            for n in sorted({0, len(starts) // 2, len(starts) - 1})
        ],
        label=f"{city}: weekly sales, last complete week {money(values[-1])}",
    )
    return Figure(chart=chart, heading=city, value=short(values[-1]), delta=_change(values[-1], usual))


def _change(value: float, usual: float) -> str:
    if usual <= 0:
        return "new"
    change = value / usual - 1
    return f"{'▲' if change > 0 else '▼' if change < 0 else '='} {abs(change) * 100:.0f} %"


SALES_BY_CITY = WidgetType(
    name="sales_by_city_trend",
    title="Sales by city, weekly",
    columns=12,
    metrics=METRICS,
    needs=_needs,
    draw=_draw,
    guide="sales_by_city_trend",
)
