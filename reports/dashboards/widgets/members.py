"""Members and non-members: the mean order of each, by tier."""

from __future__ import annotations

from datetime import timedelta

from reports.charts import RowBar, money_format, row_bars
from reports.dashboards.numbers import Need, Numbers, grouped, main_currency, of_currency, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.dashboards.widgets.tickets_sold import tier_name
from reports.states import WidgetState

ORDERS, MONEY = "stripe_sessions_completed", "stripe_orders_minor"
_WINDOW = timedelta(days=30)
_NAMES = {"yes": "member", "true": "member", "no": "other", "false": "other"}
_SERIES = {"member": 3, "other": 5}


def _needs(view: View) -> list[Need]:
    since = view.now - _WINDOW
    return [Need(metric, 86_400, since) for metric in (ORDERS, MONEY)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, MONEY)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    money = numbers.of(MONEY, 86_400)
    currency = main_currency(money)
    orders = numbers.of(ORDERS, 86_400)
    n = total(orders)
    if currency is None or not n:
        return kind.without_numbers(WidgetState.NO_DATA, "Nothing was sold in 30 days.", at=source.at)
    paid = of_currency(money, currency)
    form = money_format(currency)
    sums = {key: total(some) for key, some in grouped(paid, "tier", "member").items()}
    counts = {key: total(some) for key, some in grouped(orders, "tier", "member").items()}
    bars = [
        RowBar(
            name=f"{tier_name(tier)} {_NAMES.get(member, 'unknown')}, {counts[tier, member]:,.0f}",
            value=sums.get((tier, member), 0.0) / counts[tier, member],
            series=_SERIES.get(_NAMES.get(member, ""), 5),
            cells=(f"{counts[tier, member]:,.0f}",),
            is_unknown=member not in _NAMES,
        )
        for tier, member in sorted(counts)
        if counts[tier, member] > 0
    ]
    members = sum(count for (_, member), count in counts.items() if _NAMES.get(member) == "member")
    chart = row_bars(
        bars,
        form=form,
        axis=money_format(currency, short=True),
        headings=("Buyer, orders", "Mean order", "Orders"),
        label="Members and non-members: mean order by tier",
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or WidgetState.OK,
        at=source.at,
        value=form(round(total(paid) / n)),
        delta="mean order",
        n=f"{n:,.0f} orders",
        source=source.label,
        window="30 d",
        notes=(f"{members / n * 100:.0f} % of orders by members",),
        figures=(Figure(chart=chart),),
    )


MEMBERS = WidgetType(
    name="member_vs_nonmember_sales",
    title="Members and non-members",
    columns=4,
    metrics=(MONEY, ORDERS),
    needs=_needs,
    draw=_draw,
    guide="member_vs_nonmember_sales",
)
