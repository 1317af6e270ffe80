"""The widget "Marketing channels": the payments of each channel, with the share of payments without a known channel."""

from __future__ import annotations

from datetime import timedelta

from reports.charts import RowBar, number_format, percent_format, row_bars
from reports.dashboards.numbers import Need, Numbers, grouped, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

PAYMENTS = "app_channel_payments"
_WINDOW = timedelta(days=30)
_UNKNOWN = ("unknown", "")
_MOST = 7


def _needs(view: View) -> list[Need]:
    return [Need(PAYMENTS, 86_400, view.now - _WINDOW)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, PAYMENTS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    counts = {name: total(some) for (name,), some in grouped(numbers.of(PAYMENTS, 86_400), "channel").items()}
    n = sum(counts.values())
    if not n:
        how = "Send payment_successful events with their channel."
        return kind.without_numbers(WidgetState.NO_DATA, "No payment was told in 30 days.", how, source.at)
    unknown = sum(counts.pop(name, 0.0) for name in _UNKNOWN)
    order = sorted(counts, key=lambda name: (-counts[name], name))
    shown = {name: counts[name] for name in order[:_MOST]}
    if rest := sum(counts[name] for name in order[_MOST:]):
        shown[f"{len(order) - _MOST} others"] = rest
    bars = [
        RowBar(name=name, value=count, cells=(percent_format(round(count / n, 3)),)) for name, count in shown.items()
    ]
    if unknown:
        share = (percent_format(round(unknown / n, 3)),)
        bars.append(RowBar(name="Unknown", value=unknown, cells=share, is_unknown=True))
    chart = row_bars(
        bars,
        form=number_format,
        headings=("Channel", "Payments", "Share"),
        label=f"Payments by marketing channel, 30 days; {unknown / n * 100:.0f} percent unknown",
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=WidgetState.OK,
        at=source.at,
        value=f"{(1 - unknown / n) * 100:.0f}",
        unit="%",
        delta="of payments have a known channel",
        n=f"{n:,.0f} payments",
        source=source.label,
        window="30 d",
        figures=(Figure(chart=chart),),
    )


CHANNELS = WidgetType(
    name="marketing_channel_effectiveness",
    title="Marketing channels, 30 d",
    columns=5,
    metrics=(PAYMENTS,),
    needs=_needs,
    draw=_draw,
    guide="marketing_channel_effectiveness",
)
