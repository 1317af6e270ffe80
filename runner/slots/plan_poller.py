"""Polls the plan once a minute, passes a new one to the schedule, the spool and the ledger, and starts requested runs."""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime

from facts import Plan
from process.logs import get_logger
from runner.health import RunnerHealth
from runner.ledger.allowance import per_hour
from runner.ledger.ledger import Ledger
from runner.slots.plan_cache import PlanCache
from runner.slots.requested_runs import RequestedRuns
from runner.slots.schedule import Schedule
from runner.spool.spool import Spool

_log = get_logger("sixfb.runner")
_EVERY_S = 60.0
# Without any plan the runner measures nothing, so it retries quickly.
_RETRY_S = 1.0


class PlanPoller:
    """Polls in its own thread until `stopping` is set."""

    def __init__(
        self,
        plans: PlanCache,
        *,
        schedule: Schedule,
        spool: Spool,
        ledger: Ledger,
        requested: RequestedRuns,
        troubles: RunnerHealth,
        stopping: threading.Event,
    ) -> None:
        self._plans, self._schedule, self._spool, self._ledger = plans, schedule, spool, ledger
        self._requested, self._health, self._stopping = requested, troubles, stopping
        self._following: Plan | None = None
        self._thread: threading.Thread | None = None

    def start(self, began_at: datetime) -> None:
        """Start polling; slots of a new journey that lie before `began_at` are not recorded as missed."""
        self._thread = threading.Thread(target=self._go, args=[began_at], name="planner", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` seconds for the thread to end after `stopping` was set."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _go(self, began_at: datetime) -> None:
        while not self._stopping.is_set():
            is_known = False
            try:
                is_known = self._plans.refresh()
                self._follow(self._plans.plan, began_at)
                self._requested.look(self._plans.plan)
            except (sqlite3.Error, OSError):
                _log.exception("plan_not_kept")
            self._stopping.wait(_EVERY_S if is_known else _RETRY_S)

    def _follow(self, plan: Plan | None, began_at: datetime) -> None:
        if plan is None:
            self._health.report("plan", self._plans.trouble or "it has no plan")
        elif plan != self._following:
            self._health.clear("plan")
            for planned in plan.journeys:
                self._spool.start_from(planned.journey, began_at)
            self._ledger.set_schedule(per_hour(plan))
            self._schedule.follow(plan)
            self._following = plan
