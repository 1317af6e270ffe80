"""The widget "Revenue today": the revenue since the business's midnight, against the last four same weekdays and the goal."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

from reports.charts import Band, Limit, Line, cross, linear_scale, money_format, time_line
from reports.dashboards.numbers import Need, Numbers, main_currency, of_currency, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState
from store.samples import Bucket

METRICS = ("stripe_charged_minor", "app_revenue_minor_units")
_WEEKS = 4
_LEAST_DAYS = 2


def _needs(view: View) -> list[Need]:
    today = view.day_start(view.today)
    past = view.day_start(view.today - timedelta(weeks=_WEEKS))
    return [need for metric in METRICS for need in (Need(metric, 300, today), Need(metric, 3600, past))]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, *METRICS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    begins, ends = view.day_start(view.today), view.day_start(view.today + timedelta(days=1))
    every = numbers.of(source.metric, 3600)
    currency = main_currency([*every, *numbers.of(source.metric, 300)]) or "usd"
    today = of_currency(numbers.of(source.metric, 300, begins), currency)
    came = total(today)
    past = _past_days(of_currency(every, currency), view)
    usual = [_by(day, view.now - begins) for day in past]
    lines = [Line(name="Today", points=_cumulative(today, begins, view.now, came), step_s=None)]
    bands = []
    if len(past) >= _LEAST_DAYS:
        steps = [timedelta(hours=hour) for hour in range(round((ends - begins) / timedelta(hours=1)) + 1)]
        curves = [(begins + step, [_by(day, step) for day in past]) for step in steps]
        name = f"last {len(past)} {view.now.astimezone(view.business):%A}s"
        bands.append(Band(name=name, points=[(at, min(v), max(v)) for at, v in curves], step_s=None, series=None))
        lines.append(Line(name="median", points=[(at, median(v)) for at, v in curves], step_s=None, is_ghost=True))
    limits, marks = [], []
    money, short = money_format(currency), money_format(currency, short=True)
    goal = numbers.goal if currency == "usd" else None
    highest = [v for line in lines for _, v in line.points] + [v for b in bands for *_, v in b.points]
    scale = linear_scale([*highest, *([goal.minor] if goal else [])])
    if goal:
        limits.append(Limit(value=goal.minor, label=f"goal {money(goal.minor)}"))
        at = goal.by_hour * 3600 / (ends - begins).total_seconds()
        marks.append(cross(at, scale.share(goal.share * goal.minor), f"{goal.share:.0%} by {goal.by_hour:02.0f}:00"))
    marks.append(cross((view.now - begins) / (ends - begins), scale.share(came), money(came), dot=True))
    chart = time_line(
        lines,
        since=begins,
        until=ends,
        zone=view.business,
        form=short,
        exact=money,
        bands=bands,
        limits=limits,
        more=marks,
        scale=scale,
        height=190,
        label=_said(money(came), view, money(median(usual)) if len(past) >= _LEAST_DAYS else None),
    )
    orders = sum(bucket.n for bucket in today)
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or WidgetState.OK,
        at=source.at,
        value=money(came),
        delta=_delta(came, usual, past, view.now - begins, view, money),
        n=f"{orders:,} {'sale' if orders == 1 else 'sales'}",
        source=source.label,
        window=f"today ({view.now.astimezone(view.business):%Z}), gross",
        notes=_others(numbers.of(source.metric, 300, begins), currency),
        figures=(Figure(chart=chart),),
    )


def _past_days(buckets: list[Bucket], view: View) -> list[list[tuple[timedelta, float]]]:
    """Return the last same weekdays of which anything is kept, each as the time since its midnight and the sum of that hour."""
    first = min((bucket.start for bucket in buckets), default=view.now)
    days = []
    for week in range(1, _WEEKS + 1):
        day = view.today - timedelta(weeks=week)
        begins, ends = view.day_start(day), view.day_start(day + timedelta(days=1))
        if ends > first:
            days.append([(b.start - begins, b.sum) for b in buckets if begins <= b.start < ends])
    return days


def _by(day: list[tuple[timedelta, float]], elapsed: timedelta) -> float:
    """Return the revenue of a day up to `elapsed` after its midnight, interpolated linearly within an hour."""
    hour = timedelta(hours=1)
    return sum(value * min(1.0, max(0.0, (elapsed - since) / hour)) for since, value in day)


def _cumulative(buckets: list[Bucket], begins: datetime, now: datetime, came: float) -> list[tuple[datetime, float]]:
    points, so_far = [(begins, 0.0)], 0.0
    for bucket in buckets:
        points.append((max(begins, bucket.start), so_far))
        so_far += bucket.sum
        points.append((min(now, bucket.start + timedelta(seconds=bucket.width_s)), so_far))
    return [*points, (now, came)]


def _delta(
    came: float,
    usual: list[float],
    past: list[list[tuple[timedelta, float]]],
    elapsed: timedelta,
    view: View,
    money: object,
) -> str:
    assert callable(money)
    if len(past) < _LEAST_DAYS:
        return "too few weeks are kept to say what is usual"
    middle, here = median(usual), view.now.astimezone(view.business)
    rests = [sum(value for _, value in day) - _by(day, elapsed) for day in past]
    likely = f"likely {money(came + min(rests))}–{money(came + max(rests))} by midnight"
    if middle <= 0:
        return likely
    change = came / middle - 1
    if change > 0:
        arrow = "▲"
    elif change < 0:
        arrow = "▼"
    else:
        arrow = "="
    return f"{arrow} {abs(change):.0%} to the usual {here:%A} at {here:%H:%M} · {likely}".replace("%", " %")


def _said(came: str, view: View, usual: str | None) -> str:
    against = f", usually {usual}" if usual else ""
    return f"Revenue today, cumulative: {came} at {view.now.astimezone(view.business):%H:%M}{against}"


def _others(buckets: list[Bucket], currency: str) -> tuple[str, ...]:
    others = sorted({dict(b.labels).get("currency", "") for b in buckets} - {currency, ""})
    return tuple(f"and {money_format(one)(total(of_currency(buckets, one)))}, not added" for one in others)


REVENUE_TODAY = WidgetType(
    name="revenue_today",
    title="Revenue today",
    columns=8,
    metrics=METRICS,
    needs=_needs,
    draw=_draw,
    guide="revenue_today",
)
