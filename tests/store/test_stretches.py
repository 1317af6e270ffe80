"""The results of slots by stretches of time, as the strips of the overview show them."""

from __future__ import annotations

from datetime import timedelta

from facts import Blame, Status
from store import Store, runs
from store.runs import Stretch
from tests.builders import A_MOMENT, a_run

QUARTER_S = 900.0


def test_each_stretch_has_its_results_and_those_that_say_nothing(store: Store) -> None:
    first = A_MOMENT.replace(minute=0, second=0, microsecond=0)
    told = (
        (0, Status.PASSED, None),
        (5, Status.FAILED, Blame.SITE),
        (14, Status.TIMED_OUT, Blame.SITE),
        (15, Status.PASSED, None),
        (20, Status.ERRORED, Blame.RUNNER),
        (45, Status.BLOCKED, Blame.SITE),
    )
    with store.write() as connection:
        for minute, status, blame in told:
            slot = first + timedelta(minutes=minute)
            run = a_run(
                id=f"run-{minute}",
                slot=slot,
                started_at=slot,
                finished_at=slot + timedelta(seconds=9),
                status=status,
                blame=blame,
            )
            runs.save(connection, run, received_at=slot)
    with store.read() as connection:
        found = runs.stretches(connection, since=first, width_s=QUARTER_S)
        later = runs.stretches(connection, since=first + timedelta(minutes=15), width_s=QUARTER_S)
    assert {int((start - first).total_seconds() / 60): one for (start, _, _), one in found.items()} == {
        0: Stretch(3, 2, 0),
        15: Stretch(2, 0, 1),
        45: Stretch(1, 0, 1),
    }
    assert {journey for _, journey, _ in found} == {a_run().journey}
    assert len(later) == 2
