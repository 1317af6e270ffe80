"""Keeps the judged runs between cycles: only hours with changes are read from the store again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from facts import Answer, Outcome
from metrics.counting import is_static
from sla.hours import LENGTH, Hour, hour_of, slot_of
from sla.targets import LoadPlan
from store import rollups, runs

_Key = tuple[datetime, str, str]
"""The start of an hour, a journey and a location."""


@dataclass(frozen=True, slots=True)
class _Version:
    """Holds the numbers that show whether an hour's runs have changed.

    A new run increases `runs`. A measured run that replaces a missed one decreases `missed`. `blames` are the blames
    that people assigned, by run.
    """

    runs: int
    missed: int
    blames: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    version: _Version
    hour: Hour
    blames: Mapping[str, str | None]
    """The blame that a person assigned to each run, by run id; None for most."""
    is_brief: bool


class _Counts:
    """Counts each hour's runs and missed slots. Only days whose counts changed are read again.

    A day's counts show every change in it: either its runs increase, or its missed ones decrease.
    """

    def __init__(self) -> None:
        self._days: dict[_Key, tuple[int, int]] = {}
        self._hours: dict[_Key, tuple[int, int]] = {}
        self._since: datetime | None = None

    def since(self, connection: Connection, since: datetime) -> dict[_Key, tuple[int, int]]:
        """Return the counts of the hours from `since`, by key."""
        if self._since is None or since < self._since:
            self._days, self._hours = {}, {}  # the clock was set back: dropped hours are needed again
        days = rollups.days_counted(connection, since=since)
        changed = [day for day, *_ in {key for key, counts in days.items() if self._days.get(key) != counts}]
        self._hours = {key: counts for key, counts in self._hours.items() if key[0] >= since}
        if changed:
            self._hours |= rollups.hours_counted(connection, since=max(since, min(changed)))
        self._days, self._since = days, since
        return self._hours


class KeptRuns:
    """Reads the runs that rules evaluate, and keeps them by hour. Not thread-safe.

    It returns the same as a new instance would, whatever other processes write to the store: the counts of all days are
    read each time, in the same transaction as the runs.
    """

    def __init__(self) -> None:
        self._kept: dict[_Key, _Kept] = {}
        self._counts = _Counts()
        self._plan: LoadPlan | None = None
        self._detailed_since: datetime | None = None

    def hours(self, connection: Connection, *, plan: LoadPlan, now: datetime) -> list[Hour]:
        """Return the hours that a plan asks for, oldest first; only runs of hours in its window of details have their details.

        Hours are returned whole, also those in which a window begins: rules know their own windows, and an hour that stays the same
        object keeps what was derived from it.
        """
        if plan != self._plan:
            self._kept.clear()  # other details are wanted of the same runs
        self._plan = plan
        since, detailed_since = now - plan.runs, now - plan.details
        if self._detailed_since is not None and detailed_since < self._detailed_since:
            self._kept.clear()  # the clock was set back: dropped details are needed again
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
        hours = (self._kept[key].hour for key in sorted(self._kept))
        return [hour for hour in hours if hour.outcomes]

    def _versions(self, connection: Connection, since: datetime) -> dict[_Key, _Version]:
        """Return the version of each hour from `since`."""
        counted = self._counts.since(connection, since)
        if sum(n for n, _ in counted.values()) != runs.count_slots(connection, since=since):
            # Runs were deleted, which the rollups do not show.
            counted = runs.hours_counted(connection, since=since)
        blames: dict[_Key, list[tuple[str, str]]] = defaultdict(list)
        for one in runs.reclassifications(connection, since=since):
            blames[hour_of(one.slot), one.journey, one.location].append((one.run_id, one.blame))
        return {key: _Version(n, missed, tuple(blames.get(key, ()))) for key, (n, missed) in counted.items()}


def _ends(key: _Key) -> datetime:
    return key[0] + LENGTH


def _read(
    connection: Connection, key: _Key, version: _Version, kept: _Kept | None, plan: LoadPlan, *, is_brief: bool
) -> _Kept:
    """Read an hour; a run that is kept unchanged is not read again."""
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
    if plan.calls and not is_static(answer.endpoint):
        return True
    return (plan.server_errors and (answer.status or 0) >= 500) or (answer.endpoint, answer.method) in plan.endpoints


def _short(outcome: Outcome) -> Outcome:
    return replace(outcome, steps={}, requests=(), vitals=(), skipped=())


def _brief(hour: Hour) -> Hour:
    return hour.mapped(_short)
