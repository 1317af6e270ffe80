"""Wakes at the slots. APScheduler does it, and nothing else knows; which slots are due the grid says, not the scheduler."""

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
# A timer that is early by a hair would find nothing due.
_PAST_THE_SLOT = timedelta(milliseconds=1)

LOOKS_EVERY_S = 5.0
"""A clock that was set, a sleep of the machine: nobody tells the scheduler, so the grid is looked at this often anyway."""


class Schedule:
    """Calls `look` with a journey at each of its slots, and every few seconds besides; never twice at once. `beat` is called after
    each look at all of them.

    The scheduler waits for moments of the wall's clock, and would wait an hour longer where that is set back by one. The looks
    in between go by a clock that nobody sets.
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
        # One thread: looking is quick, and two looks at one journey at once would be one too many.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._steady = threading.Thread(target=self._look_every_so_often, name="steady looks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()
        self._steady.start()

    def stop(self) -> None:
        """End; no look is under way any more."""
        self._ended.set()
        with self._one_at_a_time:
            # The scheduler holds its own lock while it waits for a look to end: who set an alarm meanwhile would wait for it for
            # ever. From here on nobody does.
            pass
        self._scheduler.shutdown(wait=True)
        self._steady.join()

    def follow(self, plan: Plan) -> None:
        """Follow a plan from now on; a changed period is a new grid."""
        with self._one_at_a_time:
            if self._ended.is_set():
                return
            self._plan = plan
            self._set_alarms()

    def _set_alarms(self) -> None:
        """Be woken next for every journey, as the clock stands now; once for all that share a slot."""
        now = self._clock()
        wanted = {_after(planned, now) for planned in self._journeys()}
        for at in self._alarms - wanted:
            # What is past goes off by itself; what a clock that was set back makes future may have gone off already.
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
            with suppress(OSError):  # a disk that is full is no reason to look no more
                if all(well):
                    self._beat()

    def _look_at(self, planned: PlannedJourney) -> bool:
        """Look; whether it went well."""
        try:
            self._look(planned)
        except Exception:  # noqa: BLE001 - a disk that is full now has room later: the next look finds the slot still due
            _log.exception("journey_not_looked_after", journey=planned.journey)
            return False
        return True


def _alarm(slot: datetime) -> datetime:
    return slot + _PAST_THE_SLOT


def _after(planned: PlannedJourney, now: datetime) -> datetime:
    """A journey's next alarm, which is not the next slot's while the last one's has yet to go off."""
    return _alarm(planned.grid.after(now - _PAST_THE_SLOT))
