"""`burn`: the error budget burns too fast, by the first attempts of a window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from config import Complaint
from config.bounds import Bounds
from facts import Family, Outcome, Status, Traits, Verdict, VerdictStatus
from metrics.counting import Class
from metrics.statistics import wilson
from sla.durations import seconds, words
from sla.history import Schedule
from sla.hours import Hour, slot_of
from sla.impossible import complaint, too_few_runs, too_many_locations
from sla.index import HistoryIndex, first_good
from sla.kind import About, Deployment, Kind, RunsNeed, Schedules
from sla.settings import Locations, Rule, Runs, Settle, Share, Wait, Window
from sla.wording import ids, journey_title, newest, plural, what_failed

_FEWEST_BAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn(Rule):
    """The error budget burns: so many bad first attempts in a window, and some of them recent. Every journey is judged.

    `target` is the share that should pass, and `rate` how many times as fast as the target allows the budget has to burn. How many
    are too many, and how recent one has to be, follow from these and the schedule (`limit`, `recent_s`); `bad` and
    `recent_by_journey` hold other numbers for single journeys.
    """

    rate: Annotated[float, Bounds(0.1, 1000, "it is how many times as fast the budget burns as the target allows")] = 1
    bad: dict[str, Runs] = field(default_factory=dict)
    recent_by_journey: dict[str, Window] = field(default_factory=dict)
    window: Window = "1h"
    quiet: Wait = "30m"
    settle: Settle = "30s"
    locations: Locations = 2
    recover_share: Share = 0.5
    target: Annotated[float, Bounds(0.5, 1, "it is the share that should pass: 0.99 is 99 %")] = 0.99

    def _wrong(self) -> Iterator[str]:
        for journey, text in self.recent_by_journey.items():
            if seconds(text, key=f"recent_by_journey.{journey}") > self.s("window"):
                yield f"recent_by_journey.{journey}: {text} is more than the window of {self.window} that is looked at"
        for journey, runs in self.bad.items():
            if runs < self.locations:
                yield f"bad.{journey}: {runs} runs cannot be bad at {self.locations} locations; write {self.locations} at least"

    def limit(self, journey: str, schedule: Schedule) -> int:
        """The number of bad first attempts in the window at which the rule fires; at least 3, so that chance alone does not fire it."""
        if journey in self.bad:
            return self.bad[journey]
        allowed = self.runs_in_window(schedule) * (1 - self.target) * self.rate
        return max(_FEWEST_BAD, math.ceil(round(allowed, 6)))

    def recent_s(self, journey: str, schedule: Schedule) -> float:
        """The short window in seconds, in which at least one bad first attempt must lie: a twelfth of the window, or longer where the
        schedule has no run of each location in that time."""
        if journey in self.recent_by_journey:
            return seconds(self.recent_by_journey[journey])
        twelfth = self.s("window") / 12
        return max(twelfth, min(2 * schedule.period_s, schedule.period_s + twelfth))

    def runs_in_window(self, schedule: Schedule) -> int:
        """The number of runs that the schedule makes in the window, at all locations together."""
        return int(self.s("window") // schedule.period_s) * len(schedule.grids)

    def can_fire(self, journey: str, schedule: Schedule) -> bool:
        """Whether the window holds enough runs for the limit to be reached."""
        return self.runs_in_window(schedule) >= self.limit(journey, schedule)


def judge(name: str, rule: Burn, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each journey that runs often enough for the rule to fire."""
    schedules = index.history.schedules
    return [
        _burn(name, rule, index, journey) for journey in index.journeys() if rule.can_fire(journey, schedules[journey])
    ]


def _burn(name: str, rule: Burn, index: HistoryIndex, journey: str) -> Verdict:
    hours = index.hours_within(journey, rule.s("window"), settle_s=rule.s("settle"))
    passed = [(hour.location, hour.once(_passed_at_first)) for hour in hours]
    bad = [o for hour in hours for o in hour.once(_failed_at_first) if index.first(o) is Class.BAD]
    bad.sort(key=lambda o: (slot_of(o), o.run_id))
    n = sum(good.n for _, good in passed) + len(bad)
    every = sum(len(hour.outcomes) for hour in hours)
    schedule, locations = index.history.schedules[journey], {o.location for o in bad}
    limit = rule.limit(journey, schedule)
    recent = _since(bad, index, rule.recent_s(journey, schedule) + rule.s("settle"))
    last_pass = {place: _last_pass(index, journey, place) for place in {o.location for o in recent}}
    # Only a run that is the last word of its location may begin a page: a failure from before the last pass is history.
    recent = [o for o in recent if not o.late and o.started_at >= last_pass[o.location] and not index.superseded(o)]
    since_last_bad = _counted_since(max((o.started_at for o in bad), default=None), hours, index)
    breached = len(bad) >= limit and len(locations) >= index.quorum(rule.locations, journey) and bool(recent)
    quiet = not _since(bad, index, rule.s("quiet") + rule.s("settle"))
    few = len(bad) < limit * rule.recover_share
    low, high = wilson(n - len(bad), n)
    good_share = 1 - len(bad) / n if n else None
    word = (
        VerdictStatus.NO_DATA
        if not n
        else VerdictStatus.CRITICAL
        if breached
        else VerdictStatus.OFF_TARGET
        if bad
        else VerdictStatus.MET
    )
    rate = f"{good_share:.1%} of {n} first attempts passed" if good_share is not None else "no result"
    said = f"; the last one, at {_last(bad).location}: {what_failed(bad)}" if bad else ""
    found = f"{plural(len(bad), 'failed first attempt')} in {words(rule.s('window'))}"
    return Verdict(
        rule=name,
        journey=journey,
        verdict=VerdictStatus.WARNING if breached and rule.severity != "critical" else word,
        title=f"{journey_title(journey)}: {rule.title}",
        summary=f"{journey_title(journey)}: {found} (limit {limit}); {rate}{said}",
        cause=what_failed(bad) if bad else "",
        summary_past=f"{journey_title(journey)} had {found} (limit {limit}){said}" if bad else "",
        began_at=min((o.started_at for o in bad), default=None),
        ended_at=first_good(since_last_bad, bad=lambda o: index.first(o) is Class.BAD),
        severity=rule.severity,
        value=good_share,
        limit=rule.target,
        unit="ratio",
        low=low,
        high=high,
        n=n,
        coverage=n / every if every else None,
        window=words(rule.s("window")),
        breached=breached,
        clear=bool(n) and few and quiet,
        counted=tuple(sorted({place for place, good in passed if good.n} | locations)),
        samples=ids(bad),
        data_at=max((at for at in [newest(bad), *(good.newest for _, good in passed)] if at), default=None),
        runbook=rule.runbook,
    )


class _Good(NamedTuple):
    """How many passed at their first attempt, and when the newest of them finished."""

    n: int
    newest: datetime | None


def _passed_at_first(outcomes: tuple[Outcome, ...]) -> _Good:
    good = [o for o in outcomes if (o.first_status or o.status) is Status.PASSED]
    return _Good(len(good), newest(good))


def _failed_at_first(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [o for o in outcomes if (o.first_status or o.status) is not Status.PASSED]


def _counted_since(since: datetime | None, hours: Sequence[Hour], index: HistoryIndex) -> list[Outcome]:
    """Return the runs that count and began at or after a moment; none if there is no moment."""
    if since is None:
        return []
    late = (o for hour in hours if hour.once(_latest_start) >= since for o in hour.outcomes if o.started_at >= since)
    return [o for o in late if index.first(o) in (Class.GOOD, Class.BAD)]


def _latest_start(outcomes: tuple[Outcome, ...]) -> datetime:
    return max(o.started_at for o in outcomes)


def _last_pass(index: HistoryIndex, journey: str, location: str) -> datetime:
    """Return when the last run that passed and counts began at a location; the first moment there is, if none did."""
    passed = (
        o.started_at
        for o in index.latest_first(journey, location)
        if o.status is Status.PASSED and index.first(o) in (Class.GOOD, Class.BAD)
    )
    return next(passed, datetime.min.replace(tzinfo=UTC))


def _last(outcomes: list[Outcome]) -> Outcome:
    return max(outcomes, key=lambda o: o.finished_at)


def _since(outcomes: list[Outcome], index: HistoryIndex, length_s: float) -> list[Outcome]:
    return [o for o in outcomes if o.finished_at > index.now - timedelta(seconds=length_s)]


def needs(rule: Burn) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the first attempts of its window, and the runs of a quiet time."""
    return (RunsNeed(window_s=max(rule.s("window"), rule.s("quiet")) + rule.s("settle")),)


def traits(_rule: Burn, _subject: str | None) -> Traits:
    """Return what its verdicts are about: a journey, of which a failure that is told already is no news."""
    return Traits(family=Family.JOURNEY, from_runs=True, follows_failure=True)


def feasible(name: str, rule: Burn, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each number of a journey that its schedule cannot reach."""
    for journey, schedule in schedules.items():
        if journey in rule.bad and not rule.can_fire(journey, schedule):
            hint = "a longer window, a smaller number, or more runs"
            limit, runs = rule.bad[journey], rule.runs_in_window(schedule)
            yield too_few_runs(f"{name}.bad.{journey}", limit, runs, rule.s("window"), hint)
        if journey not in rule.recent_by_journey:
            continue
        recent = seconds(rule.recent_by_journey[journey])
        if recent < schedule.period_s / max(1, len(schedule.grids)):
            what = f"looks back {words(recent)}, and a run comes every {words(schedule.period_s / len(schedule.grids))} only"
            yield complaint(f"{name}.recent_by_journey.{journey}", what, "look back further")
    yield from too_many_locations(name, rule.locations, schedules)


def idle(rule: Burn, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire for a journey."""
    for journey, schedule in deployment.schedules.items():
        if not rule.can_fire(journey, schedule):
            runs, limit = rule.runs_in_window(schedule), rule.limit(journey, schedule)
            yield f"{journey} makes {plural(runs, 'run')} in {words(rule.s('window'))}, and {limit} would have to be bad"


def why_closed(about: About, rule: Burn, index: HistoryIndex) -> str | None:
    """Return why a journey is not judged any more."""
    if about.journey is None or rule.can_fire(about.journey, index.history.schedules[about.journey]):
        return None
    return f"journey {about.journey} does not run often enough any more for rule {about.rule} to fire (locations.yaml)"


KIND = Kind(
    settings=Burn,
    judge=judge,
    needs=needs,
    traits=traits,
    feasible=feasible,
    idle=idle,
    why_closed=why_closed,
)
