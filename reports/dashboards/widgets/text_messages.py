"""The widget "Text messages": how many were delivered, how many failed, and how many have an unknown result."""

from __future__ import annotations

from metrics.statistics import wilson
from reports.charts import Column, number_format, stacked_columns
from reports.dashboards.numbers import Need, Numbers, by_slot, slots, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType, rate_state
from reports.states import WidgetState

DELIVERED, FAILED, NO_RECEIPT = "sms_delivered", "sms_failed", "sms_no_receipt"
TARGET, WARNING, CRITICAL = 0.99, 0.95, 0.90


def _needs(view: View) -> list[Need]:
    return [Need(metric, view.cell_width_s, view.since) for metric in (DELIVERED, NO_RECEIPT, FAILED)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, DELIVERED)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    told = {
        name: numbers.of(metric, view.cell_width_s, until=view.until)
        for name, metric in (("delivered", DELIVERED), ("no receipt", NO_RECEIPT), ("failed", FAILED))
    }
    sums = {name: total(some) for name, some in told.items()}
    good, judged = round(sums["delivered"]), round(sums["delivered"] + sums["failed"])
    if not judged:
        why = f"No text message was sent in this range ({view.words})."
        return kind.without_numbers(WidgetState.NO_DATA, why, at=source.at)
    low, high = wilson(good, judged)
    starts = slots(view.since, view.until, view.column_s)
    parts = {name: by_slot(some, starts) for name, some in told.items()}
    form = "%H:%M" if view.length.days < 2 else "%-d %b"
    columns = [
        Column(
            label=f"{start.astimezone(view.zone):{form}}", values={name: total(parts[name][number]) for name in parts}
        )
        for number, start in enumerate(starts)
    ]
    chart = stacked_columns(
        columns,
        classes={"delivered": "fo", "no receipt": "hatch", "failed": "fc"},
        form=number_format,
        height=170,
        label=f"Text messages, {view.words}: " + ", ".join(f"{value:,.0f} {name}" for name, value in sums.items()),
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name)
        or rate_state(good / judged, low, high, target=TARGET, warning=WARNING, critical=CRITICAL),
        at=source.at,
        value=f"{good / judged * 100:.1f}",
        unit="%",
        delta=f"likely {low * 100:.1f}–{high * 100:.1f} % · target 99 % · warning 95 %",
        n=f"{judged:,} judged",
        source=source.label,
        window=view.words,
        notes=tuple(f"{count:,.0f} {name}" for name, count in sums.items()),
        figures=(Figure(chart=chart),),
    )


TEXT_MESSAGES = WidgetType(
    name="sms_delivery_status",
    title="Text messages",
    columns=4,
    metrics=(DELIVERED, FAILED, NO_RECEIPT),
    needs=_needs,
    draw=_draw,
    guide="sms_delivery_status",
)
