"""Keeps the counts of many days between cycles: they change by little, and are counted anew every few minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sla.history import LongTally, Schedule
from sla.long_tally import long_tally
from store import rollups, runs

_DAY = timedelta(days=1)
_KEPT_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Kept:
    at: datetime
    schedules: Mapping[str, Schedule]
    tally: LongTally


class KeptTallies:
    """Counts the first attempts of whole days in UTC, today included; each count is kept for five minutes."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def tallies(
        self, connection: Connection, wanted: frozenset[int], *, schedules: Mapping[str, Schedule], now: datetime
    ) -> dict[int, LongTally]:
        """Return the tally of each number of days that is wanted."""
        for days in wanted:
            kept = self._kept.get(days)
            if kept is None or kept.schedules != schedules or not timedelta() <= now - kept.at < _KEPT_FOR:
                self._kept[days] = _Kept(now, schedules, _counted(connection, days, schedules, now))
        return {days: self._kept[days].tally for days in wanted}


def _counted(connection: Connection, days: int, schedules: Mapping[str, Schedule], now: datetime) -> LongTally:
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - (days - 1) * _DAY
    passed: Counter[str] = Counter()
    for day in rollups.read(connection, width_s=int(_DAY.total_seconds()), since=since, brief=True):
        if day.journey in schedules and day.location in schedules[day.journey].grids:
            passed[day.journey] += day.counts.get("first_passed", 0)
    failed_at_first = [
        (one.outcome, one.n)
        for one in runs.failed_at_first(connection, since=since, by_step=True)
        if one.outcome.journey in schedules and one.outcome.location in schedules[one.outcome.journey].grids
    ]
    return long_tally(failed_at_first, passed, schedules=schedules, since=since, now=now)
