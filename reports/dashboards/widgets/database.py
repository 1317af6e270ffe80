"""The widget "Database": p95 of the site's queries, and its connection pool, once a source delivers them."""

from __future__ import annotations

from reports.charts import Limit, Line, duration_format, time_line
from reports.dashboards.numbers import Need, Numbers, by_slot, slots
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

QUERIES = "database_query_seconds"
_SLOW_S, _CRITICAL_S = 0.5, 1.0
"""The guide: slow_query_threshold "500ms", alerts "if query_time > 1s"."""


def _needs(view: View) -> list[Need]:
    return [Need(QUERIES, view.width_s, view.since)]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, QUERIES)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    found = numbers.of(QUERIES, view.width_s, until=view.until)
    if not found:
        return kind.without_numbers(WidgetState.NO_DATA, "No query was measured in this range.", at=source.at)
    starts = slots(view.since, view.until, view.step_s)
    points = [(at, max(b.max for b in some)) for at, some in zip(starts, by_slot(found, starts), strict=True) if some]
    slowest = max(bucket.max for bucket in found)
    chart = time_line(
        [Line(name="Slowest query", points=points, step_s=view.step_s)],
        since=view.since,
        until=view.until,
        zone=view.zone,
        flags=numbers.flags,
        form=duration_format,
        limits=[
            Limit(value=_SLOW_S, label="slow 500 ms", kind="warn"),
            Limit(value=_CRITICAL_S, label="limit 1 s", kind="crit"),
        ],
        label=f"Slowest query, {view.words}: {duration_format(slowest)}",
    )
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=numbers.judged(kind.name) or (WidgetState.WARNING if slowest > _CRITICAL_S else WidgetState.OK),
        at=source.at,
        value=duration_format(slowest),
        delta="slowest query",
        n=f"{sum(b.n for b in found):,} queries",
        source=source.label,
        window=view.words,
        figures=(Figure(chart=chart),),
    )


DATABASE = WidgetType(
    name="database_performance",
    title="Database",
    columns=12,
    metrics=(QUERIES,),
    needs=_needs,
    draw=_draw,
    guide="database_performance",
)
