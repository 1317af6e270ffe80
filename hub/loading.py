"""Loads the history that the rules evaluate from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from facts import HubClock, Outcome, Stock, WatchState, from_wire
from hub.business import calendar_of, source_periods_s, volumes_of
from hub.kept_runs import KeptRuns
from hub.kept_series import KeptSeries
from hub.kept_tallies import KeptTallies
from hub.known_metrics import METRICS
from hub.ping_checks import watched_checks
from hub.watched import Watched
from sla.budget import budgets_left
from sla.history import History, Schedule
from sla.hours import Hour, hours_of
from sla.listening import listened
from sla.targets import Targets
from store import counters, destinations, feeds, ledgers, meta, outbox, rollups, runners, runs, samples

WATCH = "watch"
CLOCKS_APART = timedelta(seconds=60)
_RUNNERS_WINDOW = timedelta(hours=24)
_DAY_S = 86_400
BUDGET_DAYS = 30


def load_history(
    connection: Connection,
    *,
    watched: Watched,
    targets: Targets,
    now: datetime,
    watch: WatchState,
    hub_clock: HubClock | None = None,
    runs_kept: KeptRuns | None = None,
    series_kept: KeptSeries | None = None,
    tallies_kept: KeptTallies | None = None,
) -> History:
    """Return what the rules that are on look at, and no more: runs, with details where a rule needs them, and samples of metrics.

    With `runs_kept`, `series_kept` and `tallies_kept`, what was read before and has not changed is not read again.
    """
    schedules = watched.schedules()
    plan = targets.load_plan(schedules)
    hours = (runs_kept or KeptRuns()).hours(connection, plan=plan, now=now)
    configured, kept, calendar = feeds.states(connection), series_kept or KeptSeries(), calendar_of(watched.site, now)
    kept.look(connection, configured)
    return History(
        hours=[hour for hour in hours if _planned(hour, schedules)],
        schedules=schedules,
        # A sample of the future is of a clock that was ahead, and would stand above every later one.
        series=kept.series(connection, plan, now=now, until=now + CLOCKS_APART, calendar=calendar),
        last_samples=kept.newest(connection, plan.newest),
        durations=kept.durations(connection, plan.durations, now=now),
        calendar=calendar,
        tallies=(tallies_kept or KeptTallies()).tallies(connection, plan.days, schedules=schedules, now=now),
        source_periods_s=source_periods_s(watched.site),
        a_day=volumes_of(watched.site),
        metric_sources={metric.name: metric.source for metric in METRICS.values()},
        feeds=configured,
        watching_since=watch.since,
        hub_clock=hub_clock or HubClock(),
        silent_s={place: silence.silent_s for place, silence in watch.silences.items()},
        not_heard_since=frozenset(place for place, silence in watch.silences.items() if silence.renewed),
        last_received=runs.last_received(connection),
        pays=watched.site.payment == "test",
        ledgers=ledgers.states(connection),
        runners=runners.heard(connection, since=now - _RUNNERS_WINDOW),
        undeliverable=destinations.marked(connection),
        backlogs=outbox.backlogs(connection, now),
        ping_checks=watched_checks(connection, watched.site),
    )


def load_stocks(connection: Connection, *, since: datetime, until: datetime) -> list[Stock]:
    """Return the inventory's samples as `Stock`, oldest first: the overview shows them."""
    seats = {
        (one.label("city"), one.label("tier"), at): value
        for one in samples.read(connection, "inventory_seats", since=since, until=until)
        for at, value in one.points
    }
    found = [
        Stock(at=at, city=city, tier=tier, remaining=round(value), total=round(total) if total is not None else None)
        for one in samples.read(connection, "inventory_remaining_tickets", since=since, until=until)
        for at, value in one.points
        if (city := one.label("city")) and (tier := one.label("tier"))
        for total in (seats.get((city, tier, at)),)
    ]
    return sorted(found, key=lambda stock: (stock.at, stock.city, stock.tier))


def load_watch(connection: Connection) -> WatchState | None:
    """Return the watch state of the last tick of any hub; None before the first tick."""
    told = meta.get(connection, WATCH)
    return from_wire(WatchState, told) if told is not None else None


def watch_now(
    connection: Connection,
    before: WatchState | None,
    *,
    watched: Watched,
    now: datetime,
    began_at: datetime,
    what: str = "",
) -> WatchState:
    """Return the watch state at `now`.

    `what` says what interrupted the watch, "" if nothing did. The first tick of all counts from `began_at`.
    """
    return listened(
        before,
        now,
        places=dict.fromkeys(place for schedule in watched.schedules().values() for place in schedule.grids),
        results=counters.measured(connection),
        heard=runs.last_received(connection),
        began_at=began_at,
        what=what,
    )


def load_budgets(connection: Connection, *, watched: Watched, targets: Targets, now: datetime) -> dict[str, float]:
    """Return what each journey has left of its error budget over `BUDGET_DAYS` days in UTC, today included.

    Runs that passed at their first attempt are counted in the daily rollups, and the few others are grouped by the
    database. Only `sla` decides which of those count, because a person may change their blame.
    """
    # Whole days in UTC, because the daily rollups are counted in them.
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=BUDGET_DAYS - 1)
    schedules = watched.schedules()
    passed: Counter[str] = Counter()
    for day in rollups.read(connection, width_s=_DAY_S, since=since, brief=True):
        if day.journey in schedules and day.location in schedules[day.journey].grids:
            passed[day.journey] += day.counts.get("first_passed", 0)
    failed_at_first = [one for one in runs.failed_at_first(connection, since=since) if _planned(one.outcome, schedules)]
    history = History(hours=hours_of(one.outcome for one in failed_at_first), schedules=schedules, watching_since=since)
    return budgets_left(targets, history, {one.outcome.run_id: one.n for one in failed_at_first}, passed, now)


def _planned(outcome: Outcome | Hour, schedules: Mapping[str, Schedule]) -> bool:
    """Return whether a journey and location are still in the plan; others are no longer judged, but their history stays."""
    schedule = schedules.get(outcome.journey)
    return schedule is not None and outcome.location in schedule.grids
