"""A hub that is killed with -9 in the middle of a job: the next one records that it was cut off, and goes on with the next slot."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from facts import JobOutcome, JobRun
from store import Store, open_store
from store import jobs as rows
from tests.forked import Forked
from tests.hub.test_killed_hub import a_port

pytestmark = pytest.mark.slow


def a_hub(folder: Path, database_url: str | None, *failing: str) -> Forked:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if database_url:
        environment["DATABASE_URL"] = database_url
    # Thirty times as fast: the intervals of ten minutes are twenty seconds.
    arguments = (str(folder), str(a_port()), "http://127.0.0.1:9/hook", *failing)
    return Forked("tests.drills.hub", *arguments, env={**environment, "DRILL_SCALE": "30"})


def until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.1)


def all_runs(store: Store) -> list[JobRun]:
    with store.read() as connection:
        return [run for name in rows.states(connection) for run in rows.recent(connection, name, limit=100)]


@pytest.mark.parametrize("failpoint", ["jobs.claimed", "jobs.done"])
def test_what_a_killed_hub_was_at_is_cut_off_and_never_run_again(
    tmp_path: Path, database_url: str | None, failpoint: str
) -> None:
    killed = a_hub(tmp_path, database_url, failpoint, "1")
    assert killed.wait(60) == -signal.SIGKILL
    with closing(open_store(database_url, folder=tmp_path)) as store:
        lost = [run for run in all_runs(store) if run.outcome is JobOutcome.RUNNING]
        assert lost, "the claim was committed before the work"
        after = a_hub(tmp_path, database_url)
        try:
            name = lost[0].job

            def went_on() -> bool:
                mine = [run for run in all_runs(store) if run.job == name]
                return any(run.outcome is JobOutcome.SUCCEEDED for run in mine)

            until(went_on, "it goes on with the next slot")
        finally:
            after.send_signal(signal.SIGTERM)
            assert after.wait(40) == 0
        found = {(run.job, run.key): run for run in all_runs(store)}
        for run in lost:
            now = found[run.job, run.key]
            assert (now.outcome, now.tries) == (JobOutcome.CUT_OFF, 1)
            assert "it was cut off" in now.result
        assert not [run for run in found.values() if run.outcome is JobOutcome.RUNNING], "a stopped hub leaves none"
