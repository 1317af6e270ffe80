"""Checks the hub's own clock against the runners' clocks. The samples are kept in memory, dated by the monotonic clock."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from alerts.message import duration
from facts import HubClock, RunnerState

HEARD_WITHIN_S = 150.0
AGREE_WITHIN_S = 30.0
_MOST = 10_000


class ClockWitness:
    """Collects the clock skew of each message of each runner, and judges the hub's clock by recent ones.

    Each location has one vote, the median of its runners. If only one location is heard, each of its runners has one
    vote.
    """

    def __init__(self, *, limit_s: float = 30.0, steady: Callable[[], float] = time.monotonic) -> None:
        self._limit_s, self._steady = limit_s, steady
        self._lock = threading.Lock()
        self._heard: dict[tuple[str, str], tuple[float, float]] = {}

    def note(self, location: str, runner: str, ahead_s: float) -> None:
        """Record a runner's message; `ahead_s` is how many seconds the runner's clock is ahead of the hub's (negative: behind)."""
        with self._lock:
            now = self._steady()
            # Bounded, because clients choose the runner ids.
            if len(self._heard) >= _MOST:
                self._heard = {key: one for key, one in self._heard.items() if now - one[1] <= HEARD_WITHIN_S}
            self._heard[location, runner] = ahead_s, now

    def judged(self) -> HubClock:
        """Return the current judgement of the hub's clock."""
        with self._lock:
            now = self._steady()
            heard = {key: ahead for key, (ahead, at) in self._heard.items() if now - at <= HEARD_WITHIN_S}
        return judged_by(_clock_readings(heard), limit_s=self._limit_s)


def judged_by_runners(runners: Iterable[RunnerState], now: datetime, *, limit_s: float) -> HubClock:
    """Return the judgement by recently heard runners, for a program that reads the hub's database and receives no messages itself."""
    heard = {
        (runner.location, runner.id): runner.skews[-1]
        for runner in runners
        if runner.skews and abs((now - runner.heard_at).total_seconds()) <= HEARD_WITHIN_S
    }
    return judged_by(_clock_readings(heard), limit_s=limit_s)


def _clock_readings(heard: Mapping[tuple[str, str], float]) -> dict[str, float]:
    by_place: dict[str, list[float]] = defaultdict(list)
    for (location, _), ahead_s in heard.items():
        by_place[location].append(ahead_s)
    if len(by_place) == 1:
        return {f"{location}/{runner}": ahead_s for (location, runner), ahead_s in heard.items()}
    return {location: statistics.median(skews) for location, skews in by_place.items()}


def judged_by(readings: Mapping[str, float], *, limit_s: float) -> HubClock:
    """Return the judgement by some votes, each the seconds by which a clock is ahead of the hub's. Pure.

    If more than half of the votes are off by more than `limit_s` in the same direction, the hub's clock is wrong. If
    any vote agrees with the hub, it is right. Otherwise it is undecided: one vote against one.
    """
    off = {name: ahead_s for name, ahead_s in readings.items() if abs(ahead_s) > limit_s}
    if not off:
        return HubClock(readings=len(readings))
    # median_low is always one of the values, so the agreement is measured from a real clock.
    middle = statistics.median_low(off.values())
    agreeing = sorted(name for name, ahead_s in off.items() if abs(ahead_s - middle) <= AGREE_WITHIN_S)
    if len(agreeing) >= 2 and 2 * len(agreeing) > len(readings):
        return HubClock(readings=len(readings), behind_s=middle, by=tuple(agreeing), is_wrong=True)
    undecided = len(off) == len(readings)
    return HubClock(readings=len(readings), behind_s=middle if undecided else None, by=tuple(sorted(off)))


def sentence_of(clock: HubClock) -> str:
    """Return a sentence about the hub's clock if a vote disagrees with it; the same text is used everywhere."""
    off_s = clock.behind_s or 0.0
    length, way = duration(abs(off_s)), "behind" if off_s > 0 else "ahead"
    who = ", ".join(clock.by)
    if clock.is_wrong:
        held = "; no result is taken until it is right" if clock.holds_results else ""
        return (
            f"the hub's clock is {length} {way}, as the clocks of {len(clock.by)} of {clock.readings} say ({who}){held}"
        )
    return (
        f"the hub's clock and that of {who} are {length} apart (the hub's is {way}), and no other runner is heard that "
        "could tell which is wrong"
    )
