"""When a job is expected to ping, and what a break of the watch excuses. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import floor
from zoneinfo import ZoneInfo

from facts import PingCheck, PingState

EARLY = timedelta(seconds=30)
"""How much too early a ping may come and still be that of the expected time: the clocks of two machines differ."""


def expected_at(check: PingCheck, state: PingState) -> datetime | None:
    """Return when the next result is expected, in UTC; None before the first one.

    Times are those of cron on Debian, as healthchecks.io has them: a time that a clock change leaves out is expected right after
    it, and one that comes twice is expected once.
    """
    if state.result is None:
        return None
    return _next(check, state.result.at, state.excused_until)


def _next(check: PingCheck, last: datetime, excused_until: datetime | None) -> datetime:
    after = max(last, excused_until or last)
    if check.period_s is not None:
        periods = floor((after - last).total_seconds() / check.period_s) + 1
        return last + timedelta(seconds=periods * check.period_s)
    from cronsim import CronSim  # most hubs watch no job

    assert check.cron is not None
    here = (after + EARLY).astimezone(ZoneInfo(check.timezone))
    return next(CronSim(check.cron, here)).astimezone(UTC)


def after_break(check: PingCheck, state: PingState, *, last_tick: datetime, now: datetime) -> PingState:
    """Return the state after a break of the watch that lasted from the last tick until now.

    A ping of that time may be lost, so what was expected then is excused, and so is the end of a run. What was late before the
    break stays late. Where the clock was set back, moments of the future become now.
    """
    if now < last_tick:
        return _set_back(state, now)
    grace = timedelta(seconds=check.grace_s)
    if state.started_at is not None and state.started_at + grace >= last_tick:
        state = replace(state, started_at=None, started_run_id=None)
    expected = expected_at(check, state)
    if expected is None or expected + grace < last_tick or expected - EARLY > now:
        return state
    return replace(state, excused_until=now + EARLY)


def _set_back(state: PingState, now: datetime) -> PingState:
    result = state.result
    return replace(
        state,
        result=replace(result, at=min(result.at, now)) if result is not None else None,
        last_at=min(state.last_at, now) if state.last_at is not None else None,
        started_at=min(state.started_at, now) if state.started_at is not None else None,
        excused_until=min(state.excused_until, now) if state.excused_until is not None else None,
    )
