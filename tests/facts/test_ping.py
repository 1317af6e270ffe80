"""What pings add up to, as healthchecks.io has it: which result ends which run, and how long the run took."""

from __future__ import annotations

from datetime import timedelta

import pytest

from facts import Ping, PingKind, PingState, from_wire, to_wire
from tests.builders import A_MOMENT

ONE, TWO = "0b3f1fd2-0000-4000-8000-000000000001", "0b3f1fd2-0000-4000-8000-000000000002"


def after(*told: tuple[int, str, str | None]) -> tuple[PingState, Ping]:
    """The state after pings, each with its minute, its kind and its run's id, and the last ping."""
    state, last = PingState(), None
    for minute, kind, run_id in told:
        ping = Ping(at=A_MOMENT + timedelta(minutes=minute), kind=PingKind(kind), run_id=run_id)
        state, last = state.after(ping)
    assert last is not None
    return state, last


@pytest.mark.parametrize(
    ("told", "took_min", "runs"),
    [
        ([(0, "success", None)], None, False),
        ([(0, "start", None)], None, True),
        ([(0, "start", None), (7, "success", None)], 7, False),
        ([(0, "start", None), (7, "fail", None)], 7, False),
        ([(0, "start", None), (3, "log", None), (7, "success", None)], 7, False),
        ([(0, "start", None), (2, "start", None), (7, "success", None)], 5, False),
        ([(0, "start", ONE), (7, "success", ONE)], 7, False),
        ([(0, "start", ONE), (2, "start", TWO), (7, "success", ONE)], None, True),
        ([(0, "start", ONE), (2, "start", TWO), (7, "success", ONE), (8, "success", TWO)], 6, False),
        ([(0, "start", ONE), (7, "success", None)], None, False),
        ([(0, "start", ONE), (7, "fail", TWO)], None, False),
        ([(5, "start", None), (0, "success", None)], 0, False),  # the clock was set back meanwhile
    ],
)
def test_a_result_ends_the_run_that_it_names(
    told: list[tuple[int, str, str | None]], took_min: float | None, runs: bool
) -> None:
    state, last = after(*told)
    assert last.duration_s == (took_min * 60 if took_min is not None else None)
    assert (state.started_at is not None) is runs
    assert state.pings == len(told)


def test_a_log_says_nothing_of_how_the_job_went() -> None:
    state, _ = after((0, "log", None))
    assert (state.is_new, state.last_at) == (True, A_MOMENT)
    state, _ = after((0, "fail", None), (1, "log", None))
    assert state.result is not None
    assert state.result.kind is PingKind.FAIL


def test_the_text_of_a_result_replaces_that_of_the_run_before() -> None:
    state, _ = PingState().after(Ping(at=A_MOMENT, kind=PingKind.FAIL, body="disk full"))
    logged, _ = state.after(Ping(at=A_MOMENT, kind=PingKind.START))
    assert (state.body, logged.body) == ("disk full", "disk full")
    well, _ = logged.after(Ping(at=A_MOMENT, kind=PingKind.SUCCESS))
    assert well.body == ""
    assert from_wire(PingState, to_wire(state)) == state
