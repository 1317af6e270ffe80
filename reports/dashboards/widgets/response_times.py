"""The widget "Response times": p50 to p95 of each endpoint in the last hour, with the guide's targets."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.points import MIN_N_P95
from metrics.statistics import nearest_rank
from reports.charts import RangeRow, dot_range, duration_format
from reports.dashboards.numbers import Need, Numbers
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.states import WidgetState

LIMITS = {
    "/api/create-checkout-session": (1.5, 3.0, 5.0),
    "/api/webhooks/stripe": (0.5, 1.0, 2.0),
    "/register": (2.0, 4.0, 6.0),
    "/success": (1.0, 2.0, 3.0),
}
"""The guide's table: target, warning and critical in seconds."""
_OTHERS = (2.0, 5.0)
"""The guide's sub-2-second responses, and its high priority above 5 s."""
_MOST_ROWS = 10
_PERCENTILES = (50, 90, 95, 99)


def _needs(_view: View) -> list[Need]:
    return []


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    if not numbers.requests or numbers.run_at is None:
        how = "Runners measure them in the browser: sixfb runner --location NAME."
        why = "No request was measured in the last hour."
        return kind.without_numbers(WidgetState.NO_DATA, why, how, at=numbers.run_at)
    rows = sorted((_row(endpoint, values) for endpoint, values in numbers.requests.items()), key=_order)
    shown = rows[:_MOST_ROWS]
    over = [row.name for row in rows if row.is_over]
    chart = dot_range(
        shown,
        form=duration_format,
        label="Response times by endpoint, p50 to p95, against target, warning and critical",
    )
    left = len(rows) - len(shown)
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=_state(kind, rows, numbers),
        at=numbers.run_at,
        delta=f"{_listed(over)} over target" if over else "no endpoint is known to be over its target",
        n=f"{sum(row.n for row in rows):,} requests",
        source="Synthetic runs, in the browser",
        window="1 h",
        notes=("● p50 ○ p95", "ticks: target, warning, critical", *((f"{left} more in the API",) if left else ())),
        figures=(Figure(chart=chart),),
    )


def _row(endpoint: str, values: Sequence[float]) -> RangeRow:
    target, warning, *critical = LIMITS.get(endpoint, _OTHERS)
    limits = {"target": target, "warning": warning} | ({"critical": critical[0]} if critical else {})
    # Above p90 so few values say no more than the largest of them does.
    told = {f"p{p}": nearest_rank(values, p) for p in _PERCENTILES if len(values) >= MIN_N_P95 or p <= 90}
    return RangeRow(name=endpoint, percentiles=told, limits=limits, n=len(values))


def _order(row: RangeRow) -> tuple[bool, bool, float, str]:
    """The guide's endpoints stand first, of them and of the others those over their target."""
    return row.name not in LIMITS, not row.is_over, -row.percentiles.get("p95", 0.0), row.name


def _state(kind: WidgetType, rows: list[RangeRow], numbers: Numbers) -> WidgetState:
    judged = numbers.judged(kind.name)
    if judged is not None and judged not in (WidgetState.OK, WidgetState.UNPROVEN):
        return judged
    if any(row.is_over for row in rows):
        return WidgetState.OFF_TARGET
    return WidgetState.OK if any("p95" in row.percentiles for row in rows) else WidgetState.UNPROVEN


def _listed(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more are" if len(names) > 1 else " is")


RESPONSE_TIMES = WidgetType(
    name="api_response_times",
    title="Response times",
    columns=7,
    metrics=("browser_request_seconds",),
    needs=_needs,
    draw=_draw,
    guide="api_response_times",
)
