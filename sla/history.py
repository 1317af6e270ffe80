"""What the rules look at: slot runs, samples and feeds, and the grids they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from facts import Backlog, FeedState, Grid, HubClock, Labels, LedgerState, Outcome, RunnerState, Series, WatchedCheck
from sla.calendar import Calendar
from sla.hours import Hour, slot_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A journey's period in seconds and its slot grid at each location."""

    period_s: int
    grids: Mapping[str, Grid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """The percentiles of one series of durations over a window, in the metric's unit; `values` are by percentile (50 to 99).

    `newest_at` is when its newest stretch began."""

    labels: Labels
    n: int
    values: Mapping[int, float]
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTally:
    """The first attempts since a moment. `passed` is how many passed, by journey; `bad` how many were bad, by journey and the step
    at which they failed."""

    since: datetime
    passed: Mapping[str, int] = field(default_factory=dict)
    bad: Mapping[tuple[str, str | None], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that is judged. `hours` hold the slot runs, those of one journey and location oldest first and none empty;
    old runs come without their details.

    `series` are the samples of metrics by the metric's name; `metric_sources` names the source of each metric that there is
    (`runs` where it comes out of our own runs), `feeds` tells how each source is.
    `source_periods_s` is how often sources are read whose period is a setting, in seconds. `last_samples` holds the last sample of
    each series, however old it is, of the metrics whose rules ask for it (`SeriesNeed.newest`), `durations` the percentiles of metrics
    over windows in seconds (`DurationsNeed`). `calendar` is the business's: its time zone, holidays and sale windows. `a_day` is how
    many of what a metric counts are expected in a day, where that is known. `tallies` count the first attempts of so many days, which
    `hours` need not reach back to (`DaysNeed`).
    `watching_since` is since when the hub has watched without a break, `last_received` when each location last sent a result.
    `silent_s` is for how many seconds the hub has listened to each location in vain; from `last_received` where nothing is said.
    `not_heard_since` are the locations that sent nothing since a break of the watch.
    `hub_clock` is what the runners' clocks say of the hub's. `ping_checks` are the jobs of the shop that are expected to ping the hub.
    `pays` is false where the site is watched without paying; `ledgers` is the last word of each location's ledger.
    `undeliverable` gives the reason of each destination that refuses messages, by name, `backlogs` what destinations should
    have by now and have not. `runners` are those that were heard
    in the last day.
    """

    hours: Sequence[Hour]
    schedules: Mapping[str, Schedule]
    watching_since: datetime
    series: Mapping[str, Sequence[Series]] = field(default_factory=dict)
    metric_sources: Mapping[str, str] = field(default_factory=dict)
    feeds: Mapping[str, FeedState] = field(default_factory=dict)
    source_periods_s: Mapping[str, float] = field(default_factory=dict)
    last_samples: Mapping[str, Sequence[Series]] = field(default_factory=dict)
    durations: Mapping[tuple[str, float], Sequence[Durations]] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    a_day: Mapping[str, float] = field(default_factory=dict)
    tallies: Mapping[int, LongTally] = field(default_factory=dict)
    last_received: Mapping[str, datetime] = field(default_factory=dict)
    pays: bool = True
    ledgers: Mapping[str, LedgerState] = field(default_factory=dict)
    undeliverable: Mapping[str, str] = field(default_factory=dict)
    backlogs: Sequence[Backlog] = ()
    runners: Sequence[RunnerState] = ()
    silent_s: Mapping[str, float] = field(default_factory=dict)
    not_heard_since: frozenset[str] = frozenset()
    hub_clock: HubClock = field(default_factory=HubClock)
    ping_checks: Sequence[WatchedCheck] = ()

    @property
    def outcomes(self) -> list[Outcome]:
        """Every outcome, oldest slot first."""
        return sorted((o for hour in self.hours for o in hour.outcomes), key=lambda o: (slot_of(o), o.run_id))
