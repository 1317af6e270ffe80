"""The widget "Stripe's webhooks": the age of the oldest event that the shop has not accepted, and how many are waiting."""

from __future__ import annotations

from reports.charts import Line, duration_format, time_line
from reports.dashboards.numbers import Need, Numbers, by_slot, newest, slots
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

WAITING, OLDEST = "stripe_webhooks_pending", "stripe_webhooks_oldest_pending_seconds"
_LATE_S = 300.0
"""Stripe tries again after minutes; what waits for longer has been refused at least once."""


def _needs(view: View) -> list[Need]:
    return [Need(metric, view.width_s, view.since) for metric in (WAITING, OLDEST)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, OLDEST)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    ages = numbers.of(OLDEST, view.width_s, until=view.until)
    last, waiting = newest(ages), newest(numbers.of(WAITING, view.width_s, until=view.until))
    if last is None:
        return kind.without_numbers(WidgetState.NO_DATA, "Nothing is kept of this range.", source.how, source.at)
    starts = slots(view.since, view.until, view.step_s)
    points = [
        (start, max(b.max for b in some)) for start, some in zip(starts, by_slot(ages, starts), strict=True) if some
    ]
    chart = time_line(
        [Line(name="Oldest event that waits", points=points, step_s=view.step_s)],
        since=view.since,
        until=view.until,
        zone=view.zone,
        flags=numbers.flags,
        form=duration_format,
        height=170,
        label=f"Age of the oldest event that waits, {view.words}: now {duration_format(last.last)}",
    )
    count = waiting.last if waiting else 0.0
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or (WidgetState.WARNING if last.last > _LATE_S else WidgetState.OK),
        at=source.at,
        value=f"{count:,.0f}",
        unit="waiting",
        delta=f"oldest {duration_format(last.last)}",
        n=f"{sum(b.n for b in ages):,} readings",
        source=source.label,
        window=view.words,
        notes=("hatched: no data",),
        figures=(Figure(chart=chart),),
    )


WEBHOOKS = WidgetType(
    name="stripe_webhook_processing",
    title="Stripe webhooks",
    columns=4,
    metrics=(OLDEST, WAITING),
    needs=_needs,
    draw=_draw,
    guide="stripe_webhook_processing",
)
