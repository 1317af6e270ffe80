"""The widget "System health": what works in one sentence, a light for each journey, and ninety days of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from facts import Severity
from reports.charts import DayCell, day_cells, percent_format
from reports.dashboards.numbers import Need, Numbers
from reports.dashboards.view import View
from reports.dashboards.widget import Lane, Widget, WidgetType
from reports.day_counts import day_counts
from reports.states import WidgetState
from reports.words import journey_title, listed

DAYS = 90


def _needs(_view: View) -> list[Need]:
    return []


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    if numbers.run_at is None:
        how = "Start a runner: sixfb runner --location NAME."
        return kind.without_numbers(WidgetState.NO_DATA, "No result of a run has come yet.", how)
    counts = day_counts(numbers.days)
    states = {journey: _state(journey, numbers) for journey in numbers.journeys}
    today = view.now.date()
    lanes = tuple(_lane(journey, states[journey], counts, today) for journey in numbers.journeys)
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=_of_all(states),
        at=numbers.run_at,
        sentence=_sentence(states, numbers, view),
        source="Synthetic runs",
        window=f"{DAYS} days (UTC), a cell a day",
        notes=("red: some or all failed", "hatched: unknown"),
        lanes=lanes,
        lane_ends=(
            f"{today - timedelta(days=DAYS - 1):%-d %b}",
            f"{today - timedelta(days=DAYS // 2):%-d %b}",
            "today",
        ),
    )


def _of_all(states: dict[str, WidgetState]) -> WidgetState:
    """Return the worst state of the journeys. Of one without data the days are shown all the same: it is unproven."""
    worst = min(states.values(), key=list(WidgetState).index, default=WidgetState.UNPROVEN)
    return WidgetState.UNPROVEN if worst.says_nothing else worst


def _lane(journey: str, state: WidgetState, counts: Mapping[tuple[str, date], tuple[int, int]], today: date) -> Lane:
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    cells = [DayCell(day=day, n=counts[journey, day][0], bad=counts[journey, day][1]) for day in days]
    n, bad = sum(cell.n for cell in cells), sum(cell.bad for cell in cells)
    return Lane(
        name=journey_title(journey),
        state=state,
        chart=day_cells(cells, name=journey_title(journey)),
        value=percent_format(1 - bad / n) if n else "–",
    )


def _state(journey: str, numbers: Numbers) -> WidgetState:
    firing = [a for a in numbers.alerts if a.journey == journey and a.inhibited_by is None]
    if any(a.severity is Severity.CRITICAL for a in firing):
        return WidgetState.CRITICAL
    if any(a.severity in (Severity.HIGH, Severity.MEDIUM) for a in firing):
        return WidgetState.WARNING
    judged = [v for v in numbers.verdicts if v.journey == journey and v.traits and v.traits.journey_fails]
    return numbers.worst(judged) or WidgetState.UNPROVEN


def _sentence(states: dict[str, WidgetState], numbers: Numbers, view: View) -> str:
    broken = [journey for journey, state in states.items() if state is WidgetState.CRITICAL]
    if broken:
        theirs = [a for a in numbers.alerts if a.severity is Severity.CRITICAL and a.journey in broken]
        since = min((a.began_at for a in theirs), default=None)
        names = listed([journey_title(journey) for journey in broken])
        return f"{names} {'fails' if len(broken) == 1 else 'fail'}" + (
            f" since {since.astimezone(view.zone):%H:%M}." if since else "."
        )
    unsure = [journey_title(j) for j, state in states.items() if state in (WidgetState.NO_DATA, WidgetState.UNPROVEN)]
    if unsure:
        return f"It is not known whether {listed(unsure)} {'works' if len(unsure) == 1 else 'work'}."
    troubled = [journey_title(journey) for journey, state in states.items() if state is not WidgetState.OK]
    return f"Buyers can buy; look at {listed(troubled)}." if troubled else "Everything works."


SYSTEM_HEALTH = WidgetType(
    name="system_health_status",
    title="System health",
    columns=8,
    metrics=(),
    needs=_needs,
    draw=_draw,
    guide="system_health_status",
)
