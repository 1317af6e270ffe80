"""The widget "Conversion": the share of checkout sessions that ended in a payment, with its confidence interval."""

from __future__ import annotations

from datetime import timedelta

from metrics.statistics import wilson
from reports.charts import Interval, Limit, intervals, percent_format
from reports.dashboards.numbers import Need, Numbers, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType, rate_state
from reports.states import WidgetState

COMPLETED, EXPIRED = "stripe_sessions_completed", "stripe_sessions_expired"
TARGET, WARNING, CRITICAL = 0.95, 0.90, 0.85
_DAYS = 7


def _needs(view: View) -> list[Need]:
    since = view.day_start(view.today - timedelta(days=_DAYS - 1))
    return [Need(COMPLETED, 3600, since), Need(EXPIRED, 3600, since)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, COMPLETED)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    since = view.now - timedelta(hours=24)
    good = round(total(numbers.of(COMPLETED, 3600, since)))
    ended = good + round(total(numbers.of(EXPIRED, 3600, since)))
    if not ended:
        why = "No checkout session ended in the last 24 hours."
        return kind.without_numbers(WidgetState.NO_DATA, why, at=source.at)
    low, high = wilson(good, ended)
    own = rate_state(good / ended, low, high, target=TARGET, warning=WARNING, critical=CRITICAL)
    days = [_day(view, numbers, back) for back in range(_DAYS - 1, -1, -1)]
    chart = intervals(
        days,
        form=percent_format,
        limits=[
            Limit(value=TARGET, label="target"),
            Limit(value=WARNING, label="warning", kind="warn"),
            Limit(value=CRITICAL, label="critical", kind="crit"),
        ],
        label=f"Conversion by day: {good} of {ended} in the last 24 hours",
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or own,
        at=source.at,
        value=f"{good / ended * 100:.1f}",
        unit="%",
        delta=f"likely {low * 100:.1f}–{high * 100:.1f} % · target {TARGET:.0%}".replace("95%", "95 %"),
        n=f"{good:,} of {ended:,} checkout sessions",
        source=source.label,
        window="24 h; the chart: 7 days",
        figures=(Figure(chart=chart),),
    )


def _day(view: View, numbers: Numbers, back: int) -> Interval:
    day = view.today - timedelta(days=back)
    begins, ends = view.day_start(day), view.day_start(day + timedelta(days=1))
    good = round(total(numbers.of(COMPLETED, 3600, begins, ends)))
    n = good + round(total(numbers.of(EXPIRED, 3600, begins, ends)))
    if not n:
        return Interval(label=f"{day:%a}")
    low, high = wilson(good, n)
    return Interval(label=f"{day:%a}", value=good / n, low=low, high=high, n=n, is_marked=high < TARGET)


CONVERSION = WidgetType(
    name="conversion_rate_24h",
    title="Conversion, 24 h",
    columns=4,
    metrics=(COMPLETED, EXPIRED),
    needs=_needs,
    draw=_draw,
    guide="conversion_rate_24h",
)
