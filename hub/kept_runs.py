"""The runs that are judged, kept from cycle to cycle: only what changed since is read from the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from facts import Answer, Outcome
from sla.hours import LENGTH, Hour, hour_of, slot_of
from sla.targets import LoadPlan
from store import rollups, runs

_Key = tuple[datetime, str, str]
"""The beginning of an hour, a journey and a location."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What tells whether an hour's runs changed. A run that comes makes `runs` more; a measured one that takes the place of a
    missed one makes `missed` less; `blames` are those that persons gave, by run."""

    runs: int
    missed: int
    blames: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    version: _Version
    hour: Hour
    blames: Mapping[str, str | None]
    """Every run by id, with the blame that a person gave it."""
    is_brief: bool


class _Counts:
    """How many runs each hour has, and how many of them are missed slots. Read again are the days whose counts changed.

    A day's counts tell of every change in it: the runs become ever more, and where they do not, the missed ones become fewer.
    """

    def __init__(self) -> None:
        self._days: dict[_Key, tuple[int, int]] = {}
        self._hours: dict[_Key, tuple[int, int]] = {}
        self._since: datetime | None = None

    def since(self, connection: Connection, since: datetime) -> dict[_Key, tuple[int, int]]:
        """Return the counts of the hours since the beginning of one, by key."""
        if self._since is None or since < self._since:
            self._days, self._hours = {}, {}  # the clock was set back: hours that were let go are wanted again
        days = rollups.days_counted(connection, since=since)
        changed = [day for day, *_ in {key for key, counts in days.items() if self._days.get(key) != counts}]
        self._hours = {key: counts for key, counts in self._hours.items() if key[0] >= since}
        if changed:
            self._hours |= rollups.hours_counted(connection, since=max(since, min(changed)))
        self._days, self._since = days, since
        return self._hours


class KeptRuns:
    """Reads the runs that rules look at, and keeps them by hours. For one thread.

    It returns what a new one would return, whoever wrote to the store meanwhile: which days changed is read each time, the hours of
    those that did, and all of it from the same moment of the database as the runs.
    """

    def __init__(self) -> None:
        self._kept: dict[_Key, _Kept] = {}
        self._counts = _Counts()
        self._plan: LoadPlan | None = None
        self._detailed_since: datetime | None = None

    def hours(self, connection: Connection, *, plan: LoadPlan, now: datetime) -> list[Hour]:
        """Return the hours that a plan asks for, oldest first; only runs of its window of details have their details."""
        if plan != self._plan:
            self._kept.clear()  # other details are wanted of the same runs
        self._plan = plan
        since, detailed_since = now - plan.runs, now - plan.details
        if self._detailed_since is not None and detailed_since < self._detailed_since:
            self._kept.clear()  # the clock was set back: details that were let go are wanted again
        self._detailed_since = detailed_since
        versions = self._versions(connection, hour_of(since))
        for key in self._kept.keys() - versions.keys():
            del self._kept[key]
        for key, version in versions.items():
            kept = self._kept.get(key)
            if kept is None or kept.version != version:
                self._kept[key] = _read(connection, key, version, kept, plan, is_brief=_ends(key) <= detailed_since)
            elif not kept.is_brief and _ends(key) <= detailed_since:
                self._kept[key] = replace(kept, hour=_brief(kept.hour), is_brief=True)
        return list(self._within(since, detailed_since))

    def _versions(self, connection: Connection, since: datetime) -> dict[_Key, _Version]:
        """Return the version of each hour since a moment."""
        counted = self._counts.since(connection, since)
        if sum(n for n, _ in counted.values()) != runs.count_slots(connection, since=since):
            # Runs were deleted, which rollups outlive.
            counted = runs.hours_counted(connection, since=since)
        blames: dict[_Key, list[tuple[str, str]]] = defaultdict(list)
        for one in runs.reclassifications(connection, since=since):
            blames[hour_of(one.slot), one.journey, one.location].append((one.run_id, one.blame))
        return {key: _Version(n, missed, tuple(blames.get(key, ()))) for key, (n, missed) in counted.items()}

    def _within(self, since: datetime, detailed_since: datetime) -> Iterator[Hour]:
        """Yield the hours as of now: of those in which a window begins, only the part that lies in it."""
        for key in sorted(self._kept):
            hour = self._kept[key].hour
            if key[0] < since:
                hour = hour.where(lambda o: slot_of(o) >= since)
            if key[0] < detailed_since < _ends(key):
                hour = hour.mapped(lambda o: o if slot_of(o) >= detailed_since else _short(o))
            if hour.outcomes:
                yield hour


def _ends(key: _Key) -> datetime:
    return key[0] + LENGTH


def _read(
    connection: Connection, key: _Key, version: _Version, kept: _Kept | None, plan: LoadPlan, *, is_brief: bool
) -> _Kept:
    """Read an hour; a run that is kept as it is now is not read again."""
    start, journey, location = key
    blames = runs.of_slots(connection, journey=journey, location=location, since=start, before=start + LENGTH)
    outcomes = {}
    if kept is not None:
        same = {run_id for run_id, blame in blames.items() if kept.blames.get(run_id, "") == blame}
        outcomes = {o.run_id: o for o in kept.hour.outcomes if o.run_id in same}
    new = sorted(blames.keys() - outcomes.keys())
    for outcome in runs.outcomes_of(connection, new, brief=is_brief):
        outcomes[outcome.run_id] = _judged_part(outcome, plan)
    hour = Hour(journey, location, tuple(sorted(outcomes.values(), key=slot_of)))
    return _Kept(version, _brief(hour) if is_brief else hour, blames, is_brief)


def _judged_part(outcome: Outcome, plan: LoadPlan) -> Outcome:
    """Return an outcome without the requests that no rule looks at: nearly all of sixty."""
    return replace(outcome, requests=tuple(a for a in outcome.requests if _is_judged(a, plan)))


def _is_judged(answer: Answer, plan: LoadPlan) -> bool:
    if answer.party != "first":
        return plan.third_parties
    return (plan.server_errors and (answer.status or 0) >= 500) or (answer.endpoint, answer.method) in plan.endpoints


def _short(outcome: Outcome) -> Outcome:
    return replace(outcome, steps={}, requests=(), vitals=(), skipped=())


def _brief(hour: Hour) -> Hour:
    return hour.mapped(_short)
