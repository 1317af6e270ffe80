"""Wakes at the slots. APScheduler does it, and nothing else knows; which slots are due the grid says, not the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from facts import Plan, PlannedJourney

_LOOKS_EVERY_S = 5
"""A clock that was set, a sleep of the machine: nobody tells the scheduler, so the grid is looked at this often anyway."""


class Schedule:
    """Calls `look` with a journey at each of its slots, and every few seconds besides."""

    def __init__(self, look: Callable[[PlannedJourney], None]) -> None:
        self._look = look
        self._plan: Plan | None = None
        # One thread: looking is quick, and two looks at one journey at once would be one too many.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_job(self._look_at_all, IntervalTrigger(seconds=_LOOKS_EVERY_S, timezone=UTC))

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """End."""
        self._scheduler.shutdown(wait=True)

    def follow(self, plan: Plan) -> None:
        """Follow a plan from now on; a changed period is a new grid."""
        self._plan = plan
        for job in self._scheduler.get_jobs():
            if job.id.startswith("slot:"):
                job.remove()
        for planned in plan.journeys:
            self._arm(planned)

    def _arm(self, planned: PlannedJourney) -> None:
        # A millisecond past the slot: a timer that is early by a hair would find nothing due.
        at = planned.grid.after(datetime.now(UTC)) + timedelta(milliseconds=1)
        self._scheduler.add_job(
            self._fire,
            DateTrigger(at, timezone=UTC),
            args=[planned],
            id=f"slot:{planned.journey}",
            replace_existing=True,
        )

    def _fire(self, planned: PlannedJourney) -> None:
        if self._plan is not None and planned in self._plan.journeys:
            self._arm(planned)
            self._look(planned)

    def _look_at_all(self) -> None:
        for planned in self._plan.journeys if self._plan else ():
            self._look(planned)
