"""Silence is what was listened in vain: restarts, sleep and clocks that are set neither make it nor end it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from facts import VerdictStatus, WatchState
from sla.listening import listened
from tests.sla.builders import GA, NOW, PLACES, a_history, failures, judged, passes

LIMIT_S = 690  # two periods of five minutes, and 90 s


class Hub:
    """Ticks, and the clock of a hub. `results` is what has come so far."""

    def __init__(self) -> None:
        self.now, self.results, self.heard = NOW, dict.fromkeys(PLACES, 5), dict.fromkeys(PLACES, NOW)
        self.state: WatchState | None = None
        self.tick()

    def tick(self, after_s: float = 0) -> None:
        self.now += timedelta(seconds=after_s)
        results, heard = dict(self.results), self.heard
        self.state = listened(
            self.state, self.now, places=PLACES, results=results, heard=heard, began_at=self.now, what="x"
        )

    def ticks(self, for_s: float, every_s: float = 10) -> None:
        for _ in range(round(for_s / every_s)):
            self.tick(every_s)

    def silent_s(self, place: str = "us-east") -> float:
        assert self.state is not None
        return self.state.silences[place].silent_s


def test_a_hub_that_goes_on_counts_every_second() -> None:
    hub = Hub()
    hub.ticks(LIMIT_S)
    assert hub.silent_s() == LIMIT_S


def test_a_result_ends_the_silence_of_its_location_alone() -> None:
    hub = Hub()
    hub.ticks(300)
    hub.results["us-east"] += 1
    hub.tick(10)
    assert (hub.silent_s("us-east"), hub.silent_s("us-west")) == (0, 310)


@pytest.mark.parametrize("gap_s", [61, 120, 3600, 30 * 86_400, -61, -3600, -365 * 86_400])
def test_a_break_gives_the_full_time_once_more(gap_s: float) -> None:
    hub = Hub()
    hub.ticks(680)
    hub.tick(gap_s)
    assert hub.silent_s() == 0
    assert hub.state is not None
    assert (hub.state.since, hub.state.last_break and hub.state.last_break.at) == (hub.now, hub.now)
    hub.ticks(LIMIT_S)
    assert hub.silent_s() == LIMIT_S, "and then it is as silent as before"


@pytest.mark.parametrize(("up_s", "down_s"), [(0, 5), (10, 30), (10, 59), (10, 300), (20, 3600), (0, 7200)])
def test_a_hub_that_is_restarted_again_and_again_says_that_it_is_blind_all_the_same(up_s: float, down_s: float) -> None:
    hub = Hub()
    restarts = 0
    while hub.silent_s() <= LIMIT_S:
        hub.tick(down_s)
        hub.ticks(up_s)
        restarts += 1
        assert restarts < 200
    assert restarts * min(up_s + down_s, 60) <= LIMIT_S + 5 * 60


def test_a_result_lets_the_next_break_give_the_full_time_again() -> None:
    hub = Hub()
    hub.tick(3600)
    hub.results["us-east"] += 1
    hub.ticks(300)
    hub.tick(3600)
    assert hub.silent_s() == 0


def test_a_location_that_joined_the_plan_is_waited_for() -> None:
    hub = Hub()
    hub.ticks(300)
    assert hub.state is not None
    state = listened(hub.state, hub.now, places=["new"], results={}, heard={}, began_at=NOW)
    assert (state.silences["new"].silent_s, list(state.silences)) == (0, ["new"])


def test_silence_that_was_told_is_not_taken_back_by_a_break() -> None:
    old = dict.fromkeys(PLACES, NOW - timedelta(hours=5))
    after = a_history(last_received=old, silent_s=dict.fromkeys(PLACES, 0.0))
    for subject in ("all", "us-east"):
        verdict = judged(after, f"W1/{subject}")
        assert (verdict.verdict, verdict.breached, verdict.clear) == (VerdictStatus.NO_DATA, False, False)


def test_what_runs_empty_recovers_nothing() -> None:
    long_ago = a_history(passes("us-east", *range(100, 300, 5)), failures("us-west", 200))
    assert judged(long_ago, f"F2b/{GA}").clear is False
    assert judged(a_history(passes("us-east", *range(1, 300, 5))), f"F2b/{GA}").clear is True
