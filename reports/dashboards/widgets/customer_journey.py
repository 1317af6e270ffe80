"""The widget "Customer journey": the steps from a page view to a payment, with the loss at each and the usual loss."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from reports.charts import FunnelStep, funnel
from reports.dashboards.numbers import Need, Numbers, grouped, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

STEPS = "app_funnel_steps"
_NAMES = {
    "page_view": "Page view",
    "form_start": "Form start",
    "ticket_selection": "Ticket chosen",
    "checkout_start": "Checkout",
    "payment_complete": "Paid",
}
_USUAL = timedelta(weeks=4)
_LONG = timedelta(days=10)
_WORSE = 1.2
"""The guide's drop of 20 %, as worse than usual: every step of a shop loses more than a fifth."""


def _needs(view: View) -> list[Need]:
    return [Need(STEPS, _width_s(view), view.since - _USUAL)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, STEPS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    now = _counts(numbers, view, view.since, view.until)
    before = _counts(numbers, view, view.since - _USUAL, view.since)
    views = now.get("page_view", 0.0)
    if not sum(now.values()):
        how = "Send the events page_view, form_start, ticket_selection, checkout_start and payment_complete."
        return kind.without_numbers(WidgetState.NO_DATA, "No step was told in this range.", how, source.at)
    # The usual counts are shown for as many visits as there are, so that only the shares differ.
    scale = views / before["page_view"] if before.get("page_view") else None
    steps = [
        FunnelStep(
            name=title,
            count=now.get(step, 0.0),
            usual=before.get(step, 0.0) * scale if scale is not None else None,
        )
        for step, title in _NAMES.items()
    ]
    worse = _worse(steps)
    paid = now.get("payment_complete", 0.0)
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or (WidgetState.OFF_TARGET if worse else WidgetState.OK),
        at=source.at,
        value=f"{paid / views * 100:.1f}" if views else f"{paid:,.0f}",
        unit="%" if views else "paid",
        delta=f"of page views end in a payment{worse or _quiet(scale)}" if views else "no page view was told",
        n=f"{views:,.0f} visits",
        source=source.label,
        window=view.words,
        notes=("bar length: square root of the count", *(("dashed: 4 weeks before",) if scale is not None else ())),
        figures=(
            Figure(chart=funnel(steps, label=f"Customer journey: {paid:,.0f} payments of {views:,.0f} page views")),
        ),
    )


def _counts(numbers: Numbers, view: View, since: datetime, until: datetime) -> dict[str, float]:
    found = numbers.of(STEPS, _width_s(view), since, until)
    return {step: total(some) for (step,), some in grouped(found, "step").items()}


def _width_s(view: View) -> int:
    """Return the width of the buckets: a day's where the range is so long that a part of one makes no difference."""
    return 86_400 if view.length > _LONG else 3600


def _worse(steps: list[FunnelStep]) -> str:
    for before, after in itertools.pairwise(steps):
        if before.usual and after.usual is not None and before.count:
            drop, usual = 1 - after.count / before.count, 1 - after.usual / before.usual
            if drop > _WORSE * usual and drop - usual > 0.02:
                return f" · {after.name}: {drop * 100:.0f} % lost, usually {usual * 100:.0f} %"
    return ""


def _quiet(scale: float | None) -> str:
    return " · no step is 20 % worse than usual" if scale is not None else " · too little is kept to say what is usual"


CUSTOMER_JOURNEY = WidgetType(
    name="customer_journey_funnel",
    title="Customer journey",
    columns=7,
    metrics=(STEPS,),
    needs=_needs,
    draw=_draw,
    guide="customer_journey_funnel",
)
