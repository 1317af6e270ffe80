"""Makes the four tiles of the overview: purchase success, purchase duration, payments and revenue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from markupsafe import Markup

from facts import Verdict
from metrics.statistics import wilson
from reports.charts import spark
from reports.dashboards.numbers import Numbers
from reports.dashboards.widget import Widget, rate_state
from reports.live.frame import Ago, ago
from reports.states import WidgetState, worst_state
from reports.words import duration, journey_title, limit
from store.histograms import merged, percentile
from store.rollups import Rollup
from store.samples import Bucket

_COLUMNS = 3
_TARGET = 0.99
"""The share of purchases that should succeed, as the guide's `success_rate` says."""
_FEW = 20
"""A percentile of fewer values proves nothing."""
_PAYMENTS_LEAST = 0.95
"""The guide calls more failed payments than the rest critical."""
_NO_RUNS = "No result of a run has come yet."
_START_A_RUNNER = "Start a runner: sixfb runner --location NAME."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Holds a widget with one figure: its age, a line of the last hours, and the page with details."""

    widget: Widget
    age: Ago | None
    spark: Markup | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TileNumbers:
    """What the tiles are computed from.

    `passed` of `tried` first attempts succeeded in the window, the newest at `run_at`. `hours` are the rollups of the window,
    `journey` is the one whose duration is shown, and `slow_after_ms` its limit. `succeeded` and `failed` are the buckets of the
    shop's payments, `numbers` the status of the sources. `window` is the window in words.
    """

    now: datetime
    since: datetime
    window: str
    passed: int
    tried: int
    run_at: datetime | None
    hours: Sequence[Rollup]
    journey: str | None
    slow_after_ms: float | None
    verdicts: Sequence[Verdict]
    numbers: Numbers
    succeeded: Sequence[Bucket]
    failed: Sequence[Bucket]
    revenue: Widget


def overview_tiles(told: TileNumbers) -> tuple[Tile, ...]:
    """Return the tiles in their order."""
    return (_success(told), _duration(told), _payments(told), _revenue(told))


def _success(told: TileNumbers) -> Tile:
    if not told.tried or told.run_at is None:
        return _nothing("purchase_success", "Purchases that succeed", WidgetState.NO_DATA, _NO_RUNS, _START_A_RUNNER)
    share = told.passed / told.tried
    low, high = wilson(told.passed, told.tried)
    widget = Widget(
        name="purchase_success",
        title="Purchases that succeed",
        columns=_COLUMNS,
        state=_worse(_fires(told, "burn"), _of_rate(low, high)),
        at=told.run_at,
        value=f"{share * 100:.4g}",
        unit="%",
        delta=f"target {_TARGET:.0%} · likely {low * 100:.3g}–{high * 100:.4g}".replace("%", " %"),
        n=f"{told.passed:,} of {told.tried:,} first attempts",
        source="Synthetic runs",
        window=told.window,
    )
    points = _hourly(told.hours, _share)
    return Tile(
        widget=widget,
        age=ago(told.run_at, told.now),
        spark=_spark(told, points, "Share that passed, by hour"),
        path="/sla",
    )


def _duration(told: TileNumbers) -> Tile:
    title = f"{journey_title(told.journey)}, p95" if told.journey else "Purchase, p95"
    hours = [hour for hour in told.hours if hour.journey == told.journey]
    counts = merged(hour.durations for hour in hours)
    n, p95 = sum(counts.values()), percentile(counts, 95)
    if p95 is None or told.run_at is None:
        return _nothing("purchase_duration", title, WidgetState.NO_DATA, "No purchase passed in this window.", "")
    slow = told.slow_after_ms
    state = _worse(
        _judged(told, "slow_runs", told.journey),
        WidgetState.OFF_TARGET if slow is not None and p95 > slow else None,
        WidgetState.UNPROVEN if n < _FEW else None,
    )
    value, _, unit = duration(p95).rpartition(" ")
    widget = Widget(
        name="purchase_duration",
        title=title,
        columns=_COLUMNS,
        state=state,
        at=told.run_at,
        value=value,
        unit=unit,
        delta=f"limit {limit(slow)}" if slow else "",
        n=f"n {n:,} that passed",
        source="Synthetic runs",
        window=told.window,
    )
    points = _hourly(hours, lambda counts: percentile(counts, 50), of=lambda hour: hour.durations)
    path = f"/journeys/{told.journey}"
    return Tile(widget=widget, age=ago(told.run_at, told.now), spark=_spark(told, points, "Median by hour"), path=path)


def _payments(told: TileNumbers) -> Tile:
    name, title = "payments_accepted", "Real payments accepted"
    source = told.numbers.source(told.now, "stripe_payments_succeeded")
    if source.state.says_nothing:
        return _nothing(name, title, source.state, source.why, source.how, source.at, told.now)
    good, bad = (sum(bucket.sum for bucket in some) for some in (told.succeeded, told.failed))
    n = round(good + bad)
    if not n:
        return _nothing(
            name, title, WidgetState.NO_DATA, "No payment was tried in this window.", "", source.at, told.now
        )
    low, high = wilson(round(good), n)
    state = rate_state(good / n, low, high, target=_PAYMENTS_LEAST, warning=_PAYMENTS_LEAST, critical=_PAYMENTS_LEAST)
    widget = Widget(
        name=name,
        title=title,
        columns=_COLUMNS,
        state=state,
        at=source.at,
        value=f"{good / n * 100:.3g}",
        unit="%",
        delta=f"limit {_PAYMENTS_LEAST:.0%} · likely {low * 100:.3g}–{high * 100:.3g}".replace("%", " %"),
        n=f"{round(good):,} of {n:,}, declined cards left out",
        source=source.label,
        window=told.window,
    )
    accepted: Counter[datetime] = Counter()
    tried: Counter[datetime] = Counter()
    for some, counters in ((told.succeeded, (accepted, tried)), (told.failed, (tried,))):
        for bucket in some:
            for counter in counters:
                counter[bucket.start] += round(bucket.sum)
    shares = [(start, accepted[start] / number) for start, number in sorted(tried.items()) if number]
    line = _spark(told, shares, "Share of payments that were accepted, by hour")
    return Tile(widget=widget, age=ago(source.at, told.now), spark=line, path="/operations")


def _revenue(told: TileNumbers) -> Tile:
    whole = told.revenue
    short = replace(
        whole, columns=_COLUMNS, delta=whole.delta.partition(" · ")[0], figures=(), notes=(), name="revenue_today"
    )
    return Tile(widget=short, age=ago(whole.at, told.now), path="/executive")


def _nothing(
    name: str,
    title: str,
    state: WidgetState,
    why: str,
    how: str,
    at: datetime | None = None,
    now: datetime | None = None,
) -> Tile:
    widget = Widget(name=name, title=title, columns=_COLUMNS, state=state, why=why, how=how, at=at)
    return Tile(widget=widget, age=ago(at, now) if at and now else None)


def _judged(told: TileNumbers, kind: str, journey: str | None = None) -> WidgetState | None:
    judged = [
        v for v in told.verdicts if v.traits and v.traits.kind == kind and (journey is None or v.journey == journey)
    ]
    found = worst_state(judged)
    return WidgetState.UNPROVEN if found is not None and found.says_nothing else found


def _fires(told: TileNumbers, kind: str) -> WidgetState | None:
    """Return the state of a kind's rules if people are notified of it; else None."""
    found = _judged(told, kind)
    return found if found in (WidgetState.CRITICAL, WidgetState.WARNING) else None


def _of_rate(low: float, high: float) -> WidgetState:
    if high < _TARGET:
        return WidgetState.OFF_TARGET
    return WidgetState.OK if low >= _TARGET else WidgetState.UNPROVEN


def _worse(*states: WidgetState | None) -> WidgetState:
    known = [state for state in states if state is not None]
    return min(known, key=list(WidgetState).index, default=WidgetState.OK)


def _share(counts: Mapping[str, int]) -> float | None:
    n = sum(counts.get(status, 0) for status in ("passed", "failed", "timed_out"))
    return min(1.0, counts.get("first_passed", 0) / n) if n else None


def _hourly(
    hours: Sequence[Rollup],
    value: Callable[[Mapping[str, int]], float | None],
    of: Callable[[Rollup], Mapping[str, int]] = lambda hour: hour.counts,
) -> list[tuple[datetime, float]]:
    by_start: dict[datetime, list[Mapping[str, int]]] = {}
    for hour in hours:
        by_start.setdefault(hour.start, []).append(of(hour))
    found = ((start, value(merged(some))) for start, some in sorted(by_start.items()))
    return [(start, at) for start, at in found if at is not None]


def _spark(told: TileNumbers, points: Sequence[tuple[datetime, float]], label: str) -> Markup | None:
    if len(points) < 2 or told.now - told.since < timedelta(hours=2):
        return None
    return (
        spark(points, since=told.since, until=told.now, step_s=3600, label=f"{label}, {told.window}")
        if (told.now - told.since > timedelta(hours=2))
        else None
    )
