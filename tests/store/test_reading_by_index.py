"""What cycles, pages and metrics ask of the runs is answered from an index: it takes as long after a year as after a day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from facts import Status
from store import Store, rollups, runs
from tests.builders import A_MOMENT, a_run
from tests.databases import BOTH, a_database_with_tables

SINCE = A_MOMENT - timedelta(hours=24)
GA, HERE = "ga_purchase", "us-east"
QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "when each location was heard last": runs.last_received,
    "how many runs each hour has": lambda c: rollups.hours_counted(c, since=SINCE),
    "how many runs each day has": lambda c: rollups.days_counted(c, since=SINCE),
    "how many slots have a record": lambda c: runs.count_slots(c, since=SINCE),
    "how many at a place": lambda c: runs.count_slots(c, since=SINCE, journey=GA, location=HERE),
    "what persons reclassified": lambda c: runs.reclassifications(c, since=SINCE),
    "the runs of an hour": lambda c: runs.of_slots(c, journey=GA, location=HERE, since=SINCE, before=A_MOMENT),
    "runs by their ids": lambda c: runs.outcomes_of(c, ["run-1"]),
    "the last slots of a place": lambda c: runs.last_of_slots(c, journey=GA, location=HERE, since=SINCE, limit=48),
    "how first attempts ended": lambda c: runs.first_attempts(c, [(GA, HERE)], since=SINCE),
    "the runs that charts are drawn from": lambda c: runs.sample_ids(
        c, journey=GA, location=HERE, since=SINCE, period_s=300, most=2
    ),
    "what charts are drawn from": lambda c: runs.samples(c, ["run-1"]),
    "the last good run": lambda c: runs.last_good(c, journey=GA, location=HERE, before=A_MOMENT),
    "how long good runs took": lambda c: runs.good_step_times(c, journey=GA, location=HERE, before=A_MOMENT, limit=100),
    "the last run with a picture of a step": lambda c: runs.last_pictured(
        c, journey=GA, location=HERE, before=A_MOMENT, step="choose_city", limit=90
    ),
    "where the same error happened": lambda c: runs.failure_groups(
        c, status=Status.FAILED, since=(SINCE,), until=A_MOMENT, limit=500
    ),
    "which run failed at a moment": lambda c: runs.id_of_failure(
        c, status=Status.FAILED, location=HERE, started_at=SINCE
    ),
    "what the budget is spent by": lambda c: runs.failed_at_first(c, since=SINCE),
    "the slots that are known": lambda c: runs.known_slots(c, journey=GA, location=HERE, since=SINCE, until=A_MOMENT),
    "one run": lambda c: runs.get(c, "run-1"),
    "the latest runs": runs.latest,
    "… of a journey": lambda c: runs.latest(c, journey=GA),
    "… of a journey that nobody knows": lambda c: runs.latest(c, journey="nothing"),
    "… of a location": lambda c: runs.latest(c, location=HERE),
    "… of a place": lambda c: runs.latest(c, journey=GA, location=HERE),
    "… that failed": lambda c: runs.latest(c, status=Status.FAILED),
    "… of a place that failed": lambda c: runs.latest(c, journey=GA, location=HERE, status=Status.FAILED),
    "… before a moment": lambda c: runs.latest(c, before=A_MOMENT),
    "the runs of a journey, failed first": lambda c: runs.failing_first(
        c, journey=GA, since=SINCE, until=A_MOMENT + timedelta(hours=1)
    ),
    "… of a place, failed first": lambda c: runs.failing_first(
        c, journey=GA, location=HERE, since=SINCE, until=A_MOMENT
    ),
    "… of a place that timed out": lambda c: runs.failing_first(
        c, journey=GA, location=HERE, since=SINCE, until=A_MOMENT, status=Status.TIMED_OUT
    ),
    "… that were missed": lambda c: runs.failing_first(
        c, journey=GA, since=SINCE, until=A_MOMENT, status=Status.MISSED
    ),
    "the worst run of some slots": lambda c: runs.worst_of_slots(
        c, journey=GA, location=HERE, since=SINCE, until=A_MOMENT
    ),
}
CONDITIONS = {"Index Cond", "Recheck Cond"}
"""PostgreSQL's words for the part of an index that is read."""


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """As for all tests, and never used before: plans depend on what was in the tables."""
    if request.param == "sqlite":
        yield None
        return
    with a_database_with_tables(request.getfixturevalue("postgres"), new=True) as url:
        yield url


def a_filled_store(store: Store) -> None:
    with store.write() as connection:
        for n in range(6):
            slot = A_MOMENT - timedelta(minutes=5 * n)
            status = Status.FAILED if n == 3 else Status.PASSED
            runs.save(connection, a_run(id=f"run-{n}", location=HERE, slot=slot, status=status), received_at=A_MOMENT)


def all_whole_reads(connection: Connection, ask: Callable[[Connection], object]) -> list[str]:
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    ask(connection)
    event.remove(connection, "before_cursor_execute", note)
    assert asked
    return [step for statement, values in asked for step in whole_reads(connection, statement, values)]


def whole_reads(connection: Connection, statement: str, values: Any) -> list[str]:
    """What a statement reads from one end to the other, as its database says before it does so."""
    if connection.dialect.name == "sqlite":
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        return [step for step in steps if re.match(r"SCAN (runs|rollups)\b", step)]
    # A table of six rows is read whole as long as that is allowed; what is asked is whether an index would do.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).one()
    read = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") in ("runs", "rollups")]
    assert read
    return [f"{node['Node Type']} of {node['Relation Name']}" for node in read if not node.keys() & CONDITIONS]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_all_runs(store: Store, question: str) -> None:
    a_filled_store(store)
    with store.read() as connection:
        found = all_whole_reads(connection, QUESTIONS[question])
    # The latest of all runs are at the end of an index, where reading begins.
    assert bool(found) == (question == "the latest runs"), found


def test_a_question_that_no_index_answers_is_found_out(store: Store) -> None:
    a_filled_store(store)
    with store.read() as connection:
        found = all_whole_reads(connection, lambda c: c.exec_driver_sql("SELECT count(*) FROM runs WHERE slow").all())
    assert len(found) == 1


def test_runs_and_their_rollups_count_the_same(store: Store) -> None:
    a_filled_store(store)
    with store.read() as connection:
        since = SINCE.replace(minute=0)
        assert runs.hours_counted(connection, since=since) == rollups.hours_counted(connection, since=since)


def test_only_what_was_measured_lately_tells_that_a_location_lives(store: Store) -> None:
    def at(minutes: float, place: str, **facts: Any) -> None:
        slot = A_MOMENT + timedelta(minutes=minutes)
        run = a_run(**{"id": f"{place}-{minutes}", "location": place, "slot": slot, "status": Status.PASSED, **facts})
        with store.write() as connection:
            runs.save(connection, run, received_at=slot)

    at(0, "us-east")
    at(5, "us-east")
    at(10, "us-east", status=Status.MISSED, attempts=())
    at(15, "us-east", slot=None)
    at(20, "eu-west", status=Status.SKIPPED, attempts=())
    at(25, "us-west")
    with store.read() as connection:
        assert runs.last_received(connection) == {
            "us-east": A_MOMENT + timedelta(minutes=5),
            "us-west": A_MOMENT + timedelta(minutes=25),
        }
