"""Wakes the runner at each slot.

Only this file knows APScheduler. It decides when to wake; the slot grid decides which slots are due.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from facts import Plan, PlannedJourney
from process.logs import get_logger
from runner.clock import utc_now

_log = get_logger("sixfb.runner")
# A timer that fires a moment too early would find nothing due.
_PAST_THE_SLOT = timedelta(milliseconds=1)

LOOKS_EVERY_S = 5.0
"""The pause between two checks of all journeys, in seconds.

The scheduler does not notice that the clock was set or that the machine slept, so the grid is also checked this often.
"""


class Schedule:
    """Calls `look` with a journey at each of its slots and every few seconds; never twice at the same time.

    `beat` is called after each check of all journeys. The scheduler waits for times of the wall clock, and would wait
    an hour longer if that is set back by one hour. The regular checks in between use the monotonic clock.
    """

    def __init__(
        self,
        look: Callable[[PlannedJourney], None],
        *,
        clock: Callable[[], datetime] = utc_now,
        every_s: float = LOOKS_EVERY_S,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._look, self._clock, self._every_s, self._beat = look, clock, every_s, beat
        self._plan: Plan | None = None
        self._alarms: set[datetime] = set()
        self._one_at_a_time = threading.Lock()
        self._ended = threading.Event()
        # One thread: a check is quick, and two concurrent checks of one journey could queue a slot twice.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._steady = threading.Thread(target=self._look_every_so_often, name="steady looks", daemon=True)

    def start(self) -> None:
        """Start the scheduler and the regular checks."""
        self._scheduler.start()
        self._steady.start()

    def stop(self) -> None:
        """Stop; no check is running when this returns."""
        self._ended.set()
        with self._one_at_a_time:
            # The scheduler holds its own lock while it waits for a job to end; a thread that sets an alarm at that time
            # would wait for that lock forever. After this point no thread sets an alarm.
            pass
        self._scheduler.shutdown(wait=True)
        self._steady.join()

    def follow(self, plan: Plan) -> None:
        """Follow a plan from now on; a changed period means a new grid."""
        with self._one_at_a_time:
            if self._ended.is_set():
                return
            self._plan = plan
            self._set_alarms()

    def _set_alarms(self) -> None:
        """Set the next alarm of every journey by the current clock; journeys that share a slot share an alarm."""
        now = self._clock()
        wanted = {_after(planned, now) for planned in self._journeys()}
        for at in self._alarms - wanted:
            # Past alarms fire by themselves. An alarm that lies in the future because the clock was set back may have
            # fired already.
            if at > now:
                with suppress(JobLookupError):
                    self._scheduler.remove_job(at.isoformat())
        for at in wanted - self._alarms:
            self._scheduler.add_job(
                self._fire, DateTrigger(at, timezone=UTC), args=[at], id=at.isoformat(), replace_existing=True
            )
        self._alarms = wanted

    def _journeys(self) -> tuple[PlannedJourney, ...]:
        return self._plan.journeys if self._plan else ()

    def _fire(self, at: datetime) -> None:
        with self._one_at_a_time:
            if self._ended.is_set():
                return
            self._alarms.discard(at)
            self._set_alarms()
            for planned in self._journeys():
                if _alarm(planned.grid.at_or_before(at)) == at:
                    self._look_at(planned)

    def _look_every_so_often(self) -> None:
        while not self._ended.wait(self._every_s):
            with self._one_at_a_time:
                if self._ended.is_set():
                    return
                self._set_alarms()
                well = [self._look_at(planned) for planned in self._journeys()]
            with suppress(OSError):  # a full disk must not stop the checks
                if all(well):
                    self._beat()

    def _look_at(self, planned: PlannedJourney) -> bool:
        """Check a journey, and return whether that succeeded."""
        try:
            self._look(planned)
        except Exception:  # noqa: BLE001 - a full disk has space later: the next check finds the slot still due
            _log.exception("journey_not_looked_after", journey=planned.journey)
            return False
        return True


def _alarm(slot: datetime) -> datetime:
    return slot + _PAST_THE_SLOT


def _after(planned: PlannedJourney, now: datetime) -> datetime:
    """Return a journey's next alarm; this is the last slot's alarm if that has not fired yet."""
    return _alarm(planned.grid.after(now - _PAST_THE_SLOT))
