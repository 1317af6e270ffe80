"""Tickets sold today: by hour and tier, against the same weekday of last week."""

from __future__ import annotations

from datetime import datetime, timedelta

from reports.charts import Column, number_format, stacked_columns
from reports.dashboards.numbers import Need, Numbers, by_slot, grouped, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

METRICS = ("stripe_sessions_completed", "app_sold_tickets")
FILLS = ("f1", "f2", "f4", "f6")


def _needs(view: View) -> list[Need]:
    last_week = view.day_start(view.today - timedelta(weeks=1))
    today = view.day_start(view.today)
    return [need for metric in METRICS for need in (Need(metric, 3600, last_week), Need(metric, 300, today))]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, *METRICS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    begins, last = view.day_start(view.today), view.day_start(view.today - timedelta(weeks=1))
    today = numbers.of(source.metric, 300, begins)
    week_ago = numbers.of(source.metric, 3600, last, view.day_start(view.today - timedelta(days=6)))
    hours = _hours(begins, view.day_start(view.today + timedelta(days=1)))
    usual = by_slot(week_ago, [last + (hour - begins) for hour in hours]) if week_ago else [[] for _ in hours]
    tiers = sorted({tier for (tier,) in grouped([*today, *week_ago], "tier")})
    columns = [
        Column(
            label=f"{hour.astimezone(view.business):%H:%M}",
            values={tier_name(t): total(some) for (t,), some in grouped(found, "tier").items()},
            ghost=total(before) if week_ago else None,
        )
        for hour, found, before in zip(hours, by_slot(today, hours), usual, strict=True)
    ]
    sold = total(today)
    fills = {tier_name(tier): FILLS[number % len(FILLS)] for number, tier in enumerate(tiers)}
    weekday = f"{view.now.astimezone(view.business):%A}"
    chart = stacked_columns(
        columns,
        classes=fills or {"Tickets": "f1"},
        form=number_format,
        height=190,
        headings=("Hour", f"last {weekday}"),
        label=f"Tickets sold by hour today: {sold:,.0f} so far",
    )
    shares = {tier_name(t): total(some) for (t,), some in grouped(today, "tier").items()}
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=WidgetState.OK,
        at=source.at,
        value=f"{sold:,.0f}",
        delta=_delta(sold, total(b for b in week_ago if b.start - last < view.now - begins), weekday)
        if week_ago
        else "nothing is kept of last week",
        n=", ".join(f"{count:,.0f} {tier}" for tier, count in sorted(shares.items())) or "none yet",
        source=source.label,
        window="today by hour",
        notes=(f"┄ last {weekday}",) if week_ago else (),
        figures=(Figure(chart=chart),),
    )


def tier_name(tier: str) -> str:
    """Return how a tier is called on pages: `GA`, `VIP`."""
    return tier.upper() if len(tier) <= 3 else tier.capitalize()


def _hours(begins: datetime, ends: datetime) -> list[datetime]:
    return [begins + timedelta(hours=number) for number in range(round((ends - begins) / timedelta(hours=1)))]


def _delta(sold: float, before: float, weekday: str) -> str:
    change = sold - before
    if change == 0:
        return f"as many as last {weekday} by now"
    return f"{'▲' if change > 0 else '▼'} {abs(change):,.0f} to last {weekday} by now"


TICKETS_SOLD = WidgetType(
    name="tickets_sold_today",
    title="Tickets sold today",
    columns=4,
    metrics=METRICS,
    needs=_needs,
    draw=_draw,
    guide="tickets_sold_today",
)
