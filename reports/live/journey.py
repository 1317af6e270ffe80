"""Renders `/journeys/{name}`: whether buyers get through one journey, where and at which step it is slow, and its runs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from markupsafe import Markup

from facts import Alert, Outcome, Status, Verdict
from metrics.statistics import wilson
from reports.charts import Chart, RangeRow, ResultCell, dot_range, duration_format, result_strip, strip_axis
from reports.charts.units import percent_format
from reports.dashboards.widget import Widget
from reports.live.frame import Ago, Frame, ago
from reports.live.journey_charts import (
    Figure,
    Stretch,
    Vitals,
    duration_figure,
    start_of,
    step_figures,
    vital_figure,
)
from reports.live.journey_runs import MOST_PAGES, STATE_OF_STATUS, RunFilter, RunRow, run_rows
from reports.live.range_picker import RangePicker, range_picker
from reports.live.tiles import Tile
from reports.pages import render
from reports.ranges import TimeRange
from reports.states import WidgetState, blocks_buyers, told_alerts, worst_state
from reports.words import STATUSES, count, duration, exact_span, journey_title, limit, listed, span
from store.histograms import merged, percentile
from store.rollups import Rollup

_COLUMNS = 3
_USUAL_TARGET = 0.99
"""The share of first attempts that should pass where no rule says another: the guide's `success_rate`."""
_FEW = 20
"""A percentile of fewer values proves nothing."""
_SLOWER = 1.25
"""The ratio of a location's median duration to that of the other locations from which it is called slower."""
_VITALS_DRAWN = 4
_BUDGET_LOW = 0.25
_SOURCE = "Synthetic runs"
_NO_RUNS = "No result of a run has come yet."
_START_A_RUNNER = "Start a runner: sixfb runner --location NAME."
_FAILING = (Status.FAILED, Status.TIMED_OUT)
_KEPT = timedelta(days=35)
"""How long a run that passed is kept; older cells and points are no links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyBudget:
    """What is left of the error budget of the rule that judges a journey's first attempts, over `days` days.

    `key` is that of the rule's verdict about the journey, `left` a share (below 0 it is overspent), and `bad` how many first attempts
    were bad.
    """

    rule: str
    key: str
    target: float
    left: float
    total_minutes: float
    bad: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyData:
    """Holds what the page of a journey is made of.

    `shown` is the range, and `window` the same in words; `query` is that of the address. `tries` are how many first attempts passed, of
    how many, by location. `buckets` are the rollups of the range, `last` the newest outcomes by location. `alerts` are all firing ones.
    `limit_ms` is the duration from which on a run is slow. `vital_step_s` are the seconds of a point of the charts of web vitals.
    `runs` are those of the asked page of the list.
    """

    name: str
    now: datetime
    window: str
    shown: TimeRange
    query: Mapping[str, str] = field(default_factory=dict)
    stretch: Stretch
    locations: Sequence[str]
    verdicts: Sequence[Verdict] = ()
    alerts: Sequence[Alert] = ()
    tries: Mapping[str, tuple[int, int]]
    buckets: Sequence[Rollup] = ()
    last: Mapping[str, Outcome]
    limit_ms: float | None = None
    budget: JourneyBudget | None = None
    vitals: Vitals = field(default_factory=Vitals)
    vital_step_s: int = 3600
    runs: Sequence[Outcome] = ()
    has_more: bool = False
    asked: RunFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Holds a location's strip of slots, and how many first attempts passed of all."""

    location: str
    chart: Chart
    passed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """Holds a location beside the others. `differs` says in which way it is worse than they are, "" where it is not."""

    location: str
    success: str
    likely: str
    n: str
    p50: str
    p95: str
    differs: str
    run_id: str | None
    last: str
    age: Ago | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRow:
    """Holds a web vital of one page beside its limit."""

    name: str
    page: str
    p75: str
    limit: str
    n: int
    state: WidgetState
    age: Ago | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPage:
    """Holds the data of the template."""

    frame: Frame
    name: str
    title: str
    state: WidgetState
    state_words: str
    heading: str
    sentence: str
    window: str
    picker: RangePicker
    tiles: tuple[Tile, ...]
    lanes: tuple[Lane, ...]
    ticks: Markup
    cell_words: str
    duration: Figure
    duration_limit: str
    comparison: Chart
    places: tuple[PlaceRow, ...]
    compared: str
    point_words: str
    small_words: str
    steps: tuple[Figure, ...]
    marks: tuple[str, ...]
    vital_figures: tuple[Figure, ...]
    vital_rows: tuple[VitalRow, ...]
    vital_words: str
    vital_runs: int
    cut: int
    runs: tuple[RunRow, ...]
    statuses: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    asked: RunFilter
    csv: str
    newer: str | None
    older: str | None


def journey_page(frame: Frame, data: JourneyData) -> str:
    """Return the page's HTML."""
    return render("live/journey.html.j2", page_of(frame, data))


def page_of(frame: Frame, data: JourneyData) -> JourneyPage:
    """Return the context of the page."""
    state = _state(data)
    durations = _durations(data)
    places = _places(data, durations)
    of_duration = duration_figure(data.buckets, data.stretch, limit_ms=data.limit_ms, run_path=_run_path(frame, data))
    heading, sentence = _heading(frame, data, state)
    asked, stretch = data.asked, data.stretch
    end = start_of(stretch.until, stretch.cell_s) + timedelta(seconds=stretch.cell_s)
    counted = _counted(data)
    if not data.last:
        state_words = "No run yet"
    elif state is WidgetState.CRITICAL:
        state_words = "Failing"
    else:
        state_words = ""
    return JourneyPage(
        frame=frame,
        name=data.name,
        title=journey_title(data.name),
        state=state,
        state_words=state_words,
        heading=heading,
        sentence=sentence,
        window=data.window,
        picker=range_picker(data.shown, data.query, zone=stretch.zone, zone_name=frame.zone_name),
        tiles=(_success(data), _duration(data), _last(data), _budget(data)),
        lanes=tuple(_lane(frame, data, place, end, counted) for place in data.locations),
        ticks=strip_axis(stretch.since, end, stretch.zone, label=f"Time axis of the slots, {data.window}"),
        cell_words=_span_words(stretch.cell_s),
        duration=of_duration,
        duration_limit=limit(data.limit_ms) if data.limit_ms else "",
        comparison=_comparison(data, durations),
        places=places,
        compared=_compared(places),
        point_words=_span_words(stretch.step_s),
        small_words=_span_words(stretch.small_s),
        steps=tuple(step_figures(data.buckets, data.stretch)),
        marks=_marks(frame, data),
        vital_figures=tuple(
            vital_figure(one, data.stretch, data.vital_step_s) for one in data.vitals.series[:_VITALS_DRAWN]
        ),
        vital_rows=_vital_rows(data),
        vital_words=_span_words(data.vital_step_s),
        vital_runs=data.vitals.runs,
        cut=data.vitals.cut,
        runs=run_rows(data.runs, frame.zone, data.now),
        statuses=tuple((status.value, STATUSES[status]) for status in Status),
        locations=tuple(data.locations),
        asked=asked,
        csv=asked.query(),
        newer=asked.query(page=str(asked.page - 1)) if asked.page > 1 else None,
        older=asked.query(page=str(asked.page + 1)) if data.has_more and asked.page < MOST_PAGES else None,
    )


def _run_path(frame: Frame, data: JourneyData) -> str:
    """Return the address of the run behind a point of the duration: up to the second at which the point begins."""
    return f"{frame.prefix}/journeys/{quote(data.name)}/run?{urlencode({'for': data.stretch.step_s})}&at="


def _state(data: JourneyData) -> WidgetState:
    """Return whether buyers get through, as the rules about the journey's failures judge it."""
    if any(blocks_buyers(alert) for alert in _told(data)):
        return WidgetState.CRITICAL
    judged = [v for v in data.verdicts if v.journey == data.name and v.traits and v.traits.journey_fails]
    found = worst_state(judged) or WidgetState.UNPROVEN
    return WidgetState.OFF_TARGET if found is WidgetState.OK and _failing(data) else found


def _told(data: JourneyData) -> list[Alert]:
    return [alert for alert in told_alerts(data.alerts, data.now) if alert.journey == data.name]


def _failing(data: JourneyData) -> list[str]:
    return sorted(place for place, last in data.last.items() if last.status in _FAILING)


def _heading(frame: Frame, data: JourneyData, state: WidgetState) -> tuple[str, str]:
    """Return the sentence about buyers that is true now, and the one below it."""
    what = f"finish the {journey_title(data.name)}"
    if not data.last:
        return f"It is not known yet whether buyers can {what}.", "Each location buys at its next slot."
    passed, n = (sum(numbers) for numbers in zip((0, 0), *data.tries.values(), strict=True))
    tried = f"{passed:,} of {n:,} first attempts passed in {data.window}" if n else f"no result in {data.window}"
    failing, told = _failing(data), _told(data)
    most = f"{len(data.locations)} location{'' if len(data.locations) == 1 else 's'}"
    newest = max((data.last[place] for place in failing), key=lambda o: o.finished_at, default=None)
    last = f"The last run at {listed(failing)} failed: {newest.error or newest.failed_step}." if newest else ""
    fires = _alert_words(frame, data, told)
    if state is WidgetState.CRITICAL:
        began = min((alert.began_at for alert in told if blocks_buyers(alert)), default=None)
        since = f" since {frame.zone.clock(began, data.now)}" if began else ""
        return f"Buyers cannot {what}{since}; {tried}.", last or fires
    if state.says_nothing or state is WidgetState.UNPROVEN:
        judged = [v for v in data.verdicts if v.journey == data.name and v.traits and v.traits.journey_fails]
        why = next((v.summary for v in judged if v.summary), "It has not been judged yet.")
        return f"It is not known whether buyers can {what}; {tried}.", last or why
    if failing and len(failing) == len(data.locations):
        return (
            f"The last {journey_title(data.name)} failed at {'all ' if len(failing) > 1 else ''}{most}; {tried}.",
            last,
        )
    if failing:
        return f"Buyers can {what} at {len(data.locations) - len(failing)} of {most}; {tried}.", last
    without = len(data.locations) - len(data.last)
    said = f"{count(without, 'location')} without a result. " if without else ""
    return f"Buyers can {what}; {tried}.", f"{said}{fires}"


def _alert_words(frame: Frame, data: JourneyData, told: Sequence[Alert]) -> str:
    if not told:
        return "No alert about this journey fires."
    title = told[0].title or told[0].key
    more = f", and {count(len(told) - 1, 'more alert')}" if len(told) > 1 else ""
    return f"{title[:1].upper()}{title[1:]} since {frame.zone.clock(told[0].began_at, data.now)}{more}."


def _worse(*states: WidgetState | None) -> WidgetState:
    known = [state for state in states if state is not None]
    return min(known, key=list(WidgetState).index, default=WidgetState.OK)


def _judged(data: JourneyData, kind: str) -> WidgetState | None:
    """Return the state of a kind's rules about the journey if somebody should look at it; else None."""
    judged = [v for v in data.verdicts if v.journey == data.name and v.traits and v.traits.kind == kind]
    found = worst_state(judged)
    return found if found in (WidgetState.CRITICAL, WidgetState.WARNING, WidgetState.OFF_TARGET) else None


def _newest(data: JourneyData) -> Outcome | None:
    return max(data.last.values(), key=lambda o: (o.finished_at, o.run_id), default=None)


def _tile(data: JourneyData, widget: Widget, path: str | None = None) -> Tile:
    return Tile(widget=widget, age=ago(widget.at, data.now), path=path)


def _nothing(name: str, title: str, state: WidgetState, why: str, how: str = "") -> Tile:
    return Tile(widget=Widget(name=name, title=title, columns=_COLUMNS, state=state, why=why, how=how), age=None)


def _success(data: JourneyData) -> Tile:
    title, newest = "Success", _newest(data)
    passed, n = (sum(numbers) for numbers in zip((0, 0), *data.tries.values(), strict=True))
    if not n or newest is None:
        why = _NO_RUNS if newest is None else f"No first attempt said anything about the site in {data.window}."
        return _nothing("success", title, WidgetState.NO_DATA, why, "" if newest else _START_A_RUNNER)
    target = data.budget.target if data.budget else _USUAL_TARGET
    low, high = wilson(passed, n)
    if high < target:
        of_rate = WidgetState.OFF_TARGET
    elif low >= target:
        of_rate = WidgetState.OK
    else:
        of_rate = WidgetState.UNPROVEN
    return _tile(
        data,
        Widget(
            name="success",
            title=title,
            columns=_COLUMNS,
            state=_worse(_judged(data, "burn"), of_rate),
            at=newest.finished_at,
            value=percent_format(passed / n).removesuffix(" %"),
            unit="%",
            delta=f"target {percent_format(target)} · {_likely(low, high)}",
            n=f"{passed:,} of {n:,} first attempts",
            source=_SOURCE,
            window=data.window,
        ),
    )


def _likely(low: float, high: float) -> str:
    """Return an interval as text; near 100 % with one more digit if that changes the text."""
    return f"likely {low * 100:.3g}–{high * 100:.{4 if high >= 0.99 else 3}g} %"


def _duration(data: JourneyData) -> Tile:
    title, newest = "Duration, p95", _newest(data)
    counts = merged(bucket.durations for bucket in data.buckets)
    n, p95 = sum(counts.values()), percentile(counts, 95)
    if p95 is None or newest is None:
        return _nothing("duration", title, WidgetState.NO_DATA, f"No run passed in {data.window}.")
    slow = data.limit_ms
    value, _, unit = duration(p95).rpartition(" ")
    median = duration(percentile(counts, 50))
    return _tile(
        data,
        Widget(
            name="duration",
            title=title,
            columns=_COLUMNS,
            state=_worse(
                _judged(data, "slow_runs"),
                WidgetState.OFF_TARGET if slow is not None and p95 > slow else None,
                WidgetState.UNPROVEN if n < _FEW else None,
            ),
            at=newest.finished_at,
            value=value,
            unit=unit,
            delta=f"limit {limit(slow)} · median {median}" if slow else f"median {median}",
            n=f"n {n:,} that passed",
            source=_SOURCE,
            window=data.window,
        ),
    )


def _last(data: JourneyData) -> Tile:
    title, newest = "Last result", _newest(data)
    if newest is None:
        return _nothing("last", title, WidgetState.NO_DATA, _NO_RUNS, _START_A_RUNNER)
    took = duration(newest.duration_ms) if newest.status is Status.PASSED else newest.failed_step or ""
    state = STATE_OF_STATUS[newest.status]
    is_slow = state is WidgetState.OK and newest.slow
    return _tile(
        data,
        Widget(
            name="last",
            title=title,
            columns=_COLUMNS,
            # A missed or a skipped slot is a result to show, though it says nothing of the shop.
            state=WidgetState.OFF_TARGET if is_slow else WidgetState.UNPROVEN if state.says_nothing else state,
            at=newest.finished_at,
            value=STATUSES[newest.status],
            delta=" · ".join(part for part in (took, "slow" if is_slow else "") if part),
            n=f"at {newest.location}",
            source=_SOURCE,
            window=f"newest of {count(len(data.locations), 'location')}",
        ),
        f"/runs/{quote(newest.run_id)}",
    )


def _budget(data: JourneyData) -> Tile:
    title, budget, newest = "Error budget left", data.budget, _newest(data)
    if budget is None:
        return _nothing(
            "budget", title, WidgetState.OFF, "No rule judges the burn rate of this journey.", "sla.yaml has one: F2a."
        )
    if newest is None:
        return _nothing("budget", title, WidgetState.NO_DATA, _NO_RUNS, _START_A_RUNNER)
    total = timedelta(minutes=budget.total_minutes)
    left = timedelta(minutes=budget.left * budget.total_minutes)
    said = exact_span(left) if left >= timedelta() else f"overspent by {exact_span(-left)}"
    if budget.left <= 0:
        state = WidgetState.CRITICAL
    elif budget.left < _BUDGET_LOW:
        state = WidgetState.WARNING
    else:
        state = WidgetState.OK
    return _tile(
        data,
        Widget(
            name="budget",
            title=title,
            columns=_COLUMNS,
            state=state,
            at=newest.finished_at,
            value=percent_format(round(budget.left, 3)).removesuffix(" %"),
            unit="%",
            delta=f"{said} of {exact_span(total)}",
            n=count(budget.bad, "bad first attempt"),
            source=f"{_SOURCE}, target {percent_format(budget.target)}",
            window=f"{budget.days} days",
        ),
        f"/sla/{quote(budget.rule)}?{urlencode({'key': budget.key})}" if budget.key else f"/sla/{quote(budget.rule)}",
    )


def _counted(data: JourneyData) -> dict[tuple[str, datetime], list[Mapping[str, int]]]:
    """Return the counts of the buckets of each location and cell."""
    found: dict[tuple[str, datetime], list[Mapping[str, int]]] = defaultdict(list)
    for bucket in data.buckets:
        found[bucket.location, start_of(bucket.start, data.stretch.cell_s)].append(bucket.counts)
    return found


def _lane(
    frame: Frame,
    data: JourneyData,
    place: str,
    end: datetime,
    counted: Mapping[tuple[str, datetime], Sequence[Mapping[str, int]]],
) -> Lane:
    stretch = data.stretch
    cell = timedelta(seconds=stretch.cell_s)
    starts = [stretch.since + number * cell for number in range(round((end - stretch.since) / cell))]
    asked = urlencode({"location": place, "for": stretch.cell_s})
    base = f"{frame.prefix}/journeys/{quote(data.name)}/run?{asked}&at="
    kept_since = data.now - _KEPT
    cells = [_cell(base, start, merged(counted.get((place, start), ())), kept_since) for start in starts]
    passed, n = data.tries.get(place, (0, 0))
    return Lane(
        location=place,
        chart=result_strip(
            # The newest stretch has only begun: that no result came says nothing yet.
            cells if cells and cells[-1].n else cells[:-1],
            name=f"{journey_title(data.name)} at {place}",
            width=_span_words(stretch.cell_s),
            zone=stretch.zone,
            places=len(starts),
        ),
        passed=f"{passed:,} / {n:,}" if n else "–",
    )


def _cell(base: str, start: datetime, counts: Mapping[str, int], kept_since: datetime) -> ResultCell:
    n = sum(counts.get(status.value, 0) for status in Status)
    failed = sum(counts.get(status.value, 0) for status in _FAILING)
    return ResultCell(
        start=start,
        n=n,
        failed=failed,
        unmeasured=n - failed - counts.get(Status.PASSED.value, 0),
        slow=counts.get("slow", 0),
        path=f"{base}{round(start.timestamp())}" if n and start >= kept_since else "",
    )


def _durations(data: JourneyData) -> dict[str, dict[str, int]]:
    """Return the histogram of the durations of each location."""
    return {
        place: merged(bucket.durations for bucket in data.buckets if bucket.location == place)
        for place in data.locations
    }


def _comparison(data: JourneyData, durations: Mapping[str, Mapping[str, int]]) -> Chart:
    rows = []
    for place, counts in durations.items():
        found = {f"p{p}": percentile(counts, p) for p in (50, 90, 95, 99)}
        rows.append(
            RangeRow(
                name=place,
                percentiles={name: ms / 1000 for name, ms in found.items() if ms is not None},
                limits={"target": data.limit_ms / 1000} if data.limit_ms else {},
                n=sum(counts.values()),
            )
        )
    return dot_range(
        rows,
        form=duration_format,
        label=f"Duration of runs that passed by location, p50 and p95, {data.window}",
        heading="Location",
    )


def _places(data: JourneyData, durations: Mapping[str, Mapping[str, int]]) -> tuple[PlaceRow, ...]:
    """Return the locations, those that are worse than the others first."""
    rows = []
    for place, counts in durations.items():
        passed, n = data.tries.get(place, (0, 0))
        low, high = wilson(passed, n) if n else (0.0, 1.0)
        last = data.last.get(place)
        took = f", {duration(last.duration_ms)}" if last and last.status is Status.PASSED else ""
        rows.append(
            PlaceRow(
                location=place,
                success=percent_format(passed / n) if n else "–",
                likely=_likely(low, high) if n else "",
                n=f"{passed:,} of {n:,}",
                p50=duration(percentile(counts, 50)),
                p95=duration(percentile(counts, 95)),
                differs="; ".join(_differences(data, place, durations)),
                run_id=last.run_id if last else None,
                last=f"{STATUSES[last.status]}{took}" if last else "No run yet",
                age=ago(last.finished_at, data.now) if last else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: not row.differs))


def _differences(data: JourneyData, place: str, durations: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return in which ways a location is worse than the others together, as far as so many runs can prove it."""
    others = [one for one in data.locations if one != place]
    found = []
    passed, n = data.tries.get(place, (0, 0))
    good = sum(data.tries.get(one, (0, 0))[0] for one in others)
    tried = sum(data.tries.get(one, (0, 0))[1] for one in others)
    if n and tried and wilson(passed, n)[1] < wilson(good, tried)[0]:
        found.append(f"passes less often than the others ({percent_format(good / tried)})")
    medians = {one: percentile(counts, 50) or 0.0 for one, counts in durations.items() if sum(counts.values()) >= _FEW}
    usual = sorted(medians[one] for one in others if one in medians)
    # Of an even number the upper one in the middle: a single fast location must not make the others look slow.
    here, there = medians.get(place, 0.0), usual[len(usual) // 2] if usual else math.inf
    if here >= _SLOWER * there:
        found.append(f"its median is {here / there - 1:.0%} above that of the others".replace("%", " %"))
    return found


def _compared(places: Sequence[PlaceRow]) -> str:
    if len(places) < 2:
        return "One location: there is nothing to compare it with."
    differing = [row for row in places if row.differs]
    if not differing:
        return "No location is provably worse than the others."
    return "; ".join(f"{row.location}: {row.differs}" for row in differing) + "."


def _marks(frame: Frame, data: JourneyData) -> tuple[str, ...]:
    """Return what the marks of the charts stand for."""
    told = [(at, f"deploy {version} at {frame.zone.clock(at, data.now)}") for at, version in data.stretch.deploys]
    told += [
        (since, f"{name} {frame.zone.clock(since, data.now)}–{frame.zone.clock(until, data.now)}")
        for name, since, until in data.stretch.incidents
    ]
    return tuple(said for _, said in sorted(told, key=lambda pair: pair[0], reverse=True)[:6])


def _vital_rows(data: JourneyData) -> tuple[VitalRow, ...]:
    def form(name: str, value: float) -> str:
        return f"{value:.3g}" if name == "CLS" else duration(value)

    return tuple(
        VitalRow(
            name=one.name,
            page=one.page,
            p75=form(one.name, one.p75),
            limit=f"{one.limit:g}" if one.name == "CLS" else limit(one.limit),
            n=one.n,
            state=WidgetState.UNPROVEN if one.n < _FEW else WidgetState.OFF_TARGET if one.is_over else WidgetState.OK,
            age=ago(one.at, data.now),
        )
        for one in data.vitals.series
    )


def _span_words(seconds: int) -> str:
    """Return the length of a cell or point: `15 min`, `2 h`, `1 day`."""
    if seconds % 86_400 == 0:
        return count(seconds // 86_400, "day")
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else span(timedelta(seconds=seconds))
