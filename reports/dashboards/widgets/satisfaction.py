"""The widget "Customer satisfaction": the mean of the scores that customers gave, or off with the reason."""

from __future__ import annotations

from datetime import timedelta

from reports.charts import Line, number_format, time_line
from reports.dashboards.numbers import Need, Numbers, by_slot, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

POINTS, ANSWERS = "app_score_points", "app_scored_answers"
_DAYS = 30


def _needs(view: View) -> list[Need]:
    since = view.now - timedelta(days=_DAYS)
    return [Need(POINTS, 86_400, since), Need(ANSWERS, 86_400, since)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, ANSWERS)
    n = total(numbers.of(ANSWERS, 86_400))
    if source.state is WidgetState.OFF or n == 0:
        why = "No event with a score has come in 30 days." if source.state is not WidgetState.OFF else source.why
        how = "Send events with a score to POST /api/events; until then this is grey, never green."
        return kind.without_numbers(WidgetState.OFF, why, how, source.at)
    if source.state is WidgetState.NO_DATA:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    mean = total(numbers.of(POINTS, 86_400)) / n
    since = view.now - timedelta(days=_DAYS)
    starts = [bucket.start for bucket in numbers.of(ANSWERS, 86_400)]
    days = sorted(set(starts))
    sums = zip(days, by_slot(numbers.of(POINTS, 86_400), days), by_slot(numbers.of(ANSWERS, 86_400), days), strict=True)
    points = [(day, total(p) / total(a)) for day, p, a in sums if total(a)]
    chart = time_line(
        [Line(name="Mean score", points=points, step_s=86_400)],
        since=since,
        until=view.now,
        zone=view.zone,
        flags=numbers.flags,
        form=number_format,
        height=130,
        label=f"Mean score by day, {mean:.2f} of {n:,.0f} answers",
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=WidgetState.OK,
        at=source.at,
        value=f"{mean:.2f}",
        delta="mean score",
        n=f"{n:,.0f} answers",
        source=source.label,
        window="30 d",
        figures=(Figure(chart=chart),),
    )


SATISFACTION = WidgetType(
    name="customer_satisfaction_score",
    title="Customer satisfaction",
    columns=4,
    metrics=(ANSWERS, POINTS),
    needs=_needs,
    draw=_draw,
    guide="customer_satisfaction_score",
)
