"""The history, indexed for the rules, and what counts in it: good, bad, left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile

from facts import Blame, Outcome, RunnerState, Status
from metrics.counting import Class, Rounds, class_of, has_network_failure, network_that_counts
from sla.history import History
from sla.hours import Hour, slot_of

_FAILED = (Status.FAILED, Status.TIMED_OUT)
ANSWERS_WITHIN = timedelta(seconds=150)
"""A runner that was heard so lately is alive: it says something at least once a minute, on every scale."""
CLOCKS_APART = timedelta(seconds=60)
"""Hubs that share a database have clocks of their own; what is dated further into the future is of a clock that was ahead."""
LATELY = 20
"""How many runs of a location are looked through for the end of an outage; it is told when a few have passed."""
LOOK_BACK_SLOTS = 12
"""How many slots back the first good run after an outage is looked for."""
# What was not run, or failed for our own fault, says nothing: neither that the shop is ill nor that it is well again.
_SAYING = (Status.PASSED, Status.FAILED, Status.TIMED_OUT, Status.BLOCKED)
_LONGEST_WORD = 160


class HistoryIndex:
    """Answers what the rules ask of a history: its runs by journey and location, what counts, and who is heard. Built once a cycle."""

    def __init__(self, history: History, now: datetime) -> None:
        self.history = history
        self.now = now
        self._by_place: dict[tuple[str, str], list[Hour]] = defaultdict(list)
        self._windows: dict[tuple[str, float, float], list[Hour]] = {}
        self._recent: dict[tuple[float, float], list[Outcome]] = {}
        for hour in history.hours:
            self._by_place[hour.journey, hour.location].append(hour)
        self._wide_network = frozenset(self._network_that_counts())

    def _network_that_counts(self) -> Iterable[str]:
        for journey, schedule in self.history.schedules.items():
            failed = [o for hour in self.hours(journey) for o in hour.once(_with_network_failure)]
            yield from network_that_counts(failed, Rounds(schedule.period_s, len(schedule.grids)))

    def final(self, outcome: Outcome, *, network_counts: bool = False) -> Class:
        """The class of the final result; pages count these. `network_counts` is for a rule about one location's way there."""
        wide = network_counts or outcome.run_id in self._wide_network
        return class_of(outcome.status, outcome.blame, network_counts=wide)

    def first(self, outcome: Outcome) -> Class:
        """The class of the first attempt; service levels count these."""
        status = outcome.first_status or outcome.status
        return class_of(status, outcome.first_blame, network_counts=outcome.run_id in self._wide_network)

    def journeys(self) -> list[str]:
        """The journeys on the schedule."""
        return list(self.history.schedules)

    def locations(self, journey: str) -> list[str]:
        """The locations a journey is bought from."""
        return list(self.history.schedules[journey].grids)

    def all_locations(self) -> list[str]:
        """Every location on the schedule."""
        return list(dict.fromkeys(place for journey in self.journeys() for place in self.locations(journey)))

    def quorum(self, wanted: int, journey: str | None = None) -> int:
        """The quorum of a rule that asks for `wanted` locations: 1 where only one location is scheduled, else `wanted`.

        Locations are those of `journey`, or of all journeys where it is None.
        """
        return 1 if len(self.all_locations() if journey is None else self.locations(journey)) == 1 else wanted

    def period(self, journey: str) -> timedelta:
        """Between two slots of a journey at one location."""
        return timedelta(seconds=self.history.schedules[journey].period_s)

    def latest_first(self, journey: str, location: str) -> Iterator[Outcome]:
        """The outcomes of a journey at a location, latest slot first; most rules look at a few of them."""
        for hour in reversed(self.hours(journey, location)):
            yield from reversed(hour.outcomes)

    def last(self, journey: str, location: str, n: int) -> list[Outcome]:
        """The last `n` outcomes of a journey at a location, oldest first."""
        return list(islice(self.latest_first(journey, location), n))[::-1]

    def hours(self, journey: str, location: str | None = None) -> list[Hour]:
        """The hours of a journey at a location, or at each that it is bought from; a location's are oldest first."""
        places = self.locations(journey) if location is None else [location]
        return [hour for place in places for hour in self._by_place.get((journey, place), ())]

    def counted(self, journey: str, location: str, *, network_counts: bool = False) -> Iterator[Outcome]:
        """The outcomes that say something of the shop now, latest first: good or bad, and not too late to page."""
        for outcome in self.latest_first(journey, location):
            if not outcome.late and self.final(outcome, network_counts=network_counts) in (Class.GOOD, Class.BAD):
                yield outcome

    def last_slots(self, slots: int) -> dict[str, list[Outcome]]:
        """Return the outcomes of the last slots of every journey that say something, by location; only what is near enough to
        now."""
        found: dict[str, list[Outcome]] = {}
        for journey in self.journeys():
            near = (slots + 0.5) * self.period(journey)
            for place in self.locations(journey):
                recent = [
                    o for o in self.last(journey, place, slots) if not o.late and abs(self.now - o.finished_at) <= near
                ]
                found.setdefault(place, []).extend(o for o in recent if o.status in _SAYING)
        return {place: outcomes for place, outcomes in found.items() if outcomes and self.trouble(place) is None}

    def last_until_passed(self, n: int) -> list[Outcome] | None:
        """Return every run since the last `n` that passed, of each journey at each location; None where one has fewer, or none
        that is fresh: what was not looked at may be there still."""
        found: list[Outcome] = []
        for journey in self.journeys():
            for place in self.locations(journey):
                passed = 0
                for outcome in (o for o in self.latest_first(journey, place) if not o.late):
                    found.append(outcome)
                    if outcome.status is not Status.PASSED:
                        continue
                    if passed == 0 and not self.fresh(outcome):
                        return None
                    passed += 1
                    if passed == n:
                        break
                if passed < n:
                    return None
        return found or None

    def recent(self, length_s: float, *, settle_s: float = 0.0) -> Sequence[Outcome]:
        """Return the outcomes of all journeys that finished in a window and did not come late, oldest first."""
        if (length_s, settle_s) not in self._recent:
            found = [o for journey in self.journeys() for o in self.within(journey, length_s, settle_s=settle_s)]
            self._recent[length_s, settle_s] = sorted((o for o in found if not o.late), key=lambda o: o.finished_at)
        return self._recent[length_s, settle_s]

    def comes_by_nobody(self, recent: Sequence[Outcome]) -> bool:
        """Return whether every journey on the plan has passed lately, so that what none of them has measured is nothing they come
        by."""
        passed = {outcome.journey for outcome in recent if outcome.status is Status.PASSED and not outcome.skipped}
        return bool(passed) and passed.issuperset(self.journeys())

    def passed_last(self, runs: Sequence[Outcome], wanted: int) -> bool:
        """Return whether the last runs of some, which come oldest first, are all good, and as many as are wanted."""
        return len(runs) >= wanted and all(self.final(o) is Class.GOOD for o in runs[-wanted:])

    def slots_expected(self, journey: str, length_s: float, *, settle_s: float = 0.0) -> int:
        """Return how many slots a journey has in a window that ends `settle_s` ago, at all its locations together."""
        schedule = self.history.schedules[journey]
        return int((length_s - settle_s) // schedule.period_s) * len(schedule.grids) if length_s > settle_s else 0

    def superseded(self, outcome: Outcome, *, by: Callable[[Outcome], bool] = lambda _: True) -> bool:
        """Whether a run that did not pass is older than a pass of its journey and location, late or not: it is history, and fires
        nothing. `by` narrows the passes that count."""
        if outcome.status is Status.PASSED:
            return False
        latest = self.latest_first(outcome.journey, outcome.location)
        newer = takewhile(lambda o: slot_of(o) > slot_of(outcome), latest)
        return any(o.status is Status.PASSED and by(o) for o in newer)

    def fresh(self, outcome: Outcome) -> bool:
        """Whether it finished within one and a half periods. What a clock that was ahead has dated into the future is not fresh
        for as long as that."""
        return -CLOCKS_APART <= self.now - outcome.finished_at <= 1.5 * self.period(outcome.journey)

    def answering(self, location: str) -> list[RunnerState]:
        """The runners of a location that were heard lately, the latest first."""
        here = [r for r in self.history.runners if r.location == location]
        return [r for r in here if -CLOCKS_APART <= self.now - r.heard_at <= ANSWERS_WITHIN]

    def trouble(self, location: str) -> str | None:
        """What keeps a location from measuring: the word of its runners, where each of those that answer has one."""
        told = [runner.trouble for runner in self.answering(location)]
        return _cut(told[0]) if told and told[0] and all(told) else None

    def speaks(self, outcome: Outcome) -> bool:
        """Whether its location has a voice now: the outcome is fresh, and the location is well. A sick one is unknown."""
        return self.fresh(outcome) and self.trouble(outcome.location) is None

    def within(self, journey: str, length_s: float, *, settle_s: float = 0.0) -> list[Outcome]:
        """The outcomes that finished in a window that ends `settle_s` ago, oldest first."""
        hours = self.hours_within(journey, length_s, settle_s=settle_s)
        return sorted((o for hour in hours for o in hour.outcomes), key=lambda o: (slot_of(o), o.run_id))

    def hours_within(self, journey: str, length_s: float, *, settle_s: float = 0.0) -> Sequence[Hour]:
        """The same as hours; those at the edges of the window have only what finished in it."""
        window = journey, length_s, settle_s
        if window not in self._windows:
            until = self.now - timedelta(seconds=settle_s)
            since = until - timedelta(seconds=length_s)
            parts = [hour.finished_within(since, until) for hour in self.hours(journey)]
            self._windows[window] = [part for part in parts if part is not None]
        return self._windows[window]

    def left_out(self, journey: str, counted: Iterable[str]) -> tuple[str, ...]:
        """The locations that were not counted, each with the reason."""
        missing = [place for place in self.locations(journey) if place not in set(counted)]
        return tuple(f"{place}: {self.why_unknown(journey, place)}" for place in missing)

    def all_left_out(self, counted: Iterable[str]) -> tuple[str, ...]:
        """The same for a rule over all journeys together: each location speaks by the journey that is run there most often."""
        missing = [place for place in self.all_locations() if place not in set(counted)]
        return tuple(f"{place}: {self.why_unknown(self._busiest(place), place)}" for place in missing)

    def _busiest(self, location: str) -> str:
        here = [name for name in self.journeys() if location in self.locations(name)]
        return min(here, key=self.period)

    def why_unknown(self, journey: str, location: str) -> str:
        """Why a location says nothing of a journey now."""
        last = next(self.latest_first(journey, location), None)
        if last is None or not self.fresh(last):
            return self._why_silent(location, last)
        trouble = self.trouble(location)
        if trouble is not None:
            return f"its runner is in trouble: {trouble}"
        if last.status is Status.MISSED:
            return f"missed ({last.error})"
        if last.status is Status.ERRORED:
            return f"errored ({_cut(last.error or 'our own fault')})"
        if last.status is Status.BLOCKED:
            return "blocked by a bot wall"
        if last.blame is Blame.NETWORK:
            return "its own network failed"
        if last.late:
            return "came too late to page"
        return "its payment steps were skipped" if last.skipped else str(last.status)

    def _why_silent(self, location: str, last: Outcome | None) -> str:
        since = "no result yet" if last is None else f"no result since {last.finished_at:%H:%M:%S}"
        return f"{since}; {self.runners_word(location)}" if self.of(location) else since

    def of(self, location: str) -> list[RunnerState]:
        """Every runner of a location that is known, the latest heard first."""
        return [runner for runner in self.history.runners if runner.location == location]

    def runners_word(self, location: str) -> str:
        """Whether the runners of a silent location live, and what they say; empty where none is known."""
        known, alive = self.of(location), self.answering(location)
        if alive:
            word = self.trouble(location) or next((r.trouble for r in alive if r.trouble), None)
            return (
                f"its runner answers, and measures nothing: {_cut(word)}"
                if word
                else "its runner answers and names no trouble"
            )
        return f"its runner was last heard at {known[0].heard_at:%H:%M:%S}" if known else ""


def first_good(outcomes: Iterable[Outcome], *, bad: Callable[[Outcome], bool]) -> datetime | None:
    """Return when the first run began that was good after the last bad one; None where one of the two is not there."""
    in_order = sorted(outcomes, key=lambda o: o.started_at)
    last = max((i for i, outcome in enumerate(in_order) if bad(outcome)), default=None)
    after = in_order[last + 1 :] if last is not None else []
    return after[0].started_at if after else None


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_WORD else text[: _LONGEST_WORD - 1] + "…"


def _with_network_failure(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [outcome for outcome in outcomes if has_network_failure(outcome)]
