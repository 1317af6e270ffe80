"""The samples that are kept between cycles are at any time those that would be read anew, and are read when something came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from facts import Series
from hub.collect import CollectResult, collect_once
from hub.kept_series import KeptSeries
from sla.calendar import Calendar
from sla.targets import LoadPlan
from store import Store, feeds, samples
from tests.builders import A_MOMENT
from tests.source_doubles import a_source, some_samples

METRIC = "inventory_remaining_tickets"
HOUR = timedelta(hours=1)


def brings(store: Store, remaining: float, at: datetime) -> None:
    assert collect_once(store, a_source(some_samples(remaining)), at).result is CollectResult.COLLECTED


def a_plan(**wanted: Any) -> LoadPlan:
    """A plan that asks for series alone."""
    nothing: dict[str, Any] = {"runs": timedelta(), "details": timedelta(), "endpoints": frozenset()}
    return LoadPlan(**{**nothing, "server_errors": False, "third_parties": False, "series": {}, **wanted})


def read(
    connection: Connection,
    kept: KeptSeries,
    now: datetime,
    until: datetime,
    window: timedelta = HOUR,
    **wanted: Any,
) -> dict[str, list[Series]]:
    """The series that are kept, after a look at what is new."""
    kept.look(connection, feeds.states(connection))
    plan = a_plan(series={METRIC: window, "of_nobody": window}, **wanted)
    return kept.series(connection, plan, now=now, until=until, calendar=Calendar())


def kept_and_anew(store: Store, kept: KeptSeries, now: datetime, *, window: timedelta = HOUR) -> list[Series]:
    """What is kept, once it is sure that it is what is there."""
    until = now + timedelta(minutes=1)
    with store.read() as connection:
        found = read(connection, kept, now, until, window)
        anew = samples.read(connection, METRIC, since=now - window, until=until)
    assert found.get(METRIC, []) == anew
    return anew


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """The statements that read samples meanwhile."""
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.extend([statement] if "FROM samples" in statement else [])

    event.listen(store._engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(store._engine, "before_cursor_execute", hear)


def test_samples_come_and_leave_the_window_as_if_they_were_read_anew(store: Store) -> None:
    kept = KeptSeries()
    assert kept_and_anew(store, kept, A_MOMENT) == []
    for minutes, remaining in ((0, 5.0), (1, 4.0), (30, 3.0), (62, 2.0)):
        brings(store, remaining, A_MOMENT + timedelta(minutes=minutes))
        assert kept_and_anew(store, kept, A_MOMENT + timedelta(minutes=minutes))
    for minutes in (75, 91, 100):
        assert kept_and_anew(store, kept, A_MOMENT + timedelta(minutes=minutes))
    assert kept_and_anew(store, kept, A_MOMENT + timedelta(minutes=130)) == []


def test_a_sample_of_the_future_is_there_when_its_time_has_come(store: Store) -> None:
    kept = KeptSeries()
    brings(store, 5.0, A_MOMENT + timedelta(minutes=10))
    assert kept_and_anew(store, kept, A_MOMENT) == []
    assert kept_and_anew(store, kept, A_MOMENT + timedelta(minutes=10))


def test_a_longer_window_and_a_clock_that_was_set_back_are_read_for(store: Store) -> None:
    kept = KeptSeries()
    brings(store, 5.0, A_MOMENT - 3 * HOUR)
    assert kept_and_anew(store, kept, A_MOMENT) == []
    assert kept_and_anew(store, kept, A_MOMENT, window=4 * HOUR)
    assert kept_and_anew(store, kept, A_MOMENT - 2 * HOUR, window=4 * HOUR)


@pytest.mark.parametrize(("new", "reads"), [(False, 0), (True, 1)])
def test_they_are_read_again_only_when_their_source_has_brought_something(
    sqlite_store: Store, new: bool, reads: int
) -> None:
    kept = KeptSeries()
    brings(sqlite_store, 5.0, A_MOMENT)
    later = A_MOMENT + timedelta(minutes=1)
    with sqlite_store.read() as connection:
        read(connection, kept, A_MOMENT, later)
    if new:
        brings(sqlite_store, 4.0, later)
    with sqlite_store.read() as connection, counted(sqlite_store) as said:
        read(connection, kept, later, later + HOUR)
    assert len(said) == reads


def test_what_no_configured_source_brings_is_not_read(sqlite_store: Store) -> None:
    brings(sqlite_store, 5.0, A_MOMENT)
    with sqlite_store.write() as connection:
        feeds.keep_only(connection, [])
    with sqlite_store.read() as connection, counted(sqlite_store) as said:
        assert read(connection, KeptSeries(), A_MOMENT, A_MOMENT + HOUR) == {}
    assert said == []


def test_of_earlier_weeks_the_same_window_is_read_once_an_hour_and_nothing_between(sqlite_store: Store) -> None:
    kept, week = KeptSeries(), timedelta(weeks=1)
    weekly = {METRIC: (2, HOUR)}
    for minutes in (0, 30, 90):
        for back in (2, 1, 0):
            brings(sqlite_store, float(minutes), A_MOMENT - back * week + timedelta(minutes=minutes - 45))
    for minutes, reads in ((0, 3), (10, 0), (30, 0), (61, 2)):
        now = A_MOMENT + timedelta(minutes=minutes)
        with sqlite_store.read() as connection, counted(sqlite_store) as said:
            found = read(connection, kept, now, now + timedelta(minutes=1), weekly=weekly)
            anew = [
                point
                for back in (2, 1, 0)
                for one in samples.read(connection, METRIC, since=now - back * week - HOUR)
                for point in one.points
                if point[0] < now - back * week + (timedelta(minutes=1) if back == 0 else timedelta())
            ]
        assert len(said) - 3 == reads
        assert [point for one in found[METRIC] for point in one.points] == anew
        assert anew
