"""What passed and failed in many days, counted from daily rollups: the runs themselves would take seconds to read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from facts import Outcome
from metrics.counting import Class
from sla.history import History, LongTally, Schedule
from sla.hours import hours_of
from sla.index import HistoryIndex


def long_tally(
    failed_at_first: Sequence[tuple[Outcome, int]],
    passed: Mapping[str, int],
    *,
    schedules: Mapping[str, Schedule],
    since: datetime,
    now: datetime,
) -> LongTally:
    """Return the tally. `failed_at_first` are runs that did not pass at their first attempt, each with the number of equal ones."""
    outcomes = [outcome for outcome, _ in failed_at_first]
    index = HistoryIndex(History(hours=hours_of(outcomes), schedules=schedules, watching_since=since), now)
    bad: Counter[tuple[str, str | None]] = Counter()
    for outcome, n in failed_at_first:
        if index.first(outcome) is Class.BAD:
            bad[outcome.journey, outcome.first_failed_step] += n
    return LongTally(since=since, passed=dict(passed), bad=bad)
