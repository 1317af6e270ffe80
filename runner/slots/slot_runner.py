"""Runs one slot, from its claim to its record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from config import ConfigError
from facts import Failpoint, PlannedJourney, Run, RunRequest, Status, WireError, from_wire, to_wire, why_skipped
from journeys.site import Site
from process.logs import bound_contextvars, get_logger
from runner.attempt.job import Job, new_run_id
from runner.budget import REFUSED_WITHOUT_A_LIMIT, Budget, Reserve, was_refused
from runner.health import RunnerHealth
from runner.metrics import Measures
from runner.settings import RunnerSettings
from runner.slots.claims import Claims
from runner.slots.due import STOPPED
from runner.slots.missed_slots import MissedSlots
from runner.slots.plan_cache import PlanCache
from runner.slots.slot_job import job_of_slot
from runner.spare_time import RunTimes, SpareTime, spare_time
from runner.spool.results import Results
from runner.spool.spool import Spool

_log = get_logger("sixfb.runner")


class RunHandle(Protocol):
    """A run that has been started."""

    def wait(self) -> Run:
        """Wait for the run to end, and return its record."""
        ...

    def stop(self) -> None:
        """End the run early."""
        ...


class SlotRunner:
    """Runs slots, several at once, until `stopping` is set; `end` ends those that are still running."""

    def __init__(
        self,
        settings: RunnerSettings,
        *,
        spool: Spool,
        claims: Claims,
        plans: PlanCache,
        results: Results,
        missed_slots: MissedSlots,
        measures: Measures,
        troubles: RunnerHealth,
        scratch: Path,
        make: Callable[[Job], RunHandle],
        clock: Callable[[], datetime],
        at: Failpoint,
        stopping: threading.Event,
    ) -> None:
        self._settings, self._spool, self._claims, self._plans = settings, spool, claims, plans
        self._results, self._missed_slots, self._measures, self._health = results, missed_slots, measures, troubles
        self._scratch, self._make, self._clock, self._at = scratch, make, clock, at
        self._stopping, self._ending = stopping, threading.Event()
        self._lock = threading.Lock()
        self._makings: dict[str, RunHandle] = {}
        self._uncounted: dict[str, str] = {}
        """The journey of each run whose requests are not counted as spent yet, by run id."""
        self._budget, self._times = Budget(), RunTimes()

    @property
    def under_way(self) -> int:
        """The number of current runs."""
        return len(self._makings)

    def end(self) -> None:
        """End every current run; call it with `stopping` set, so that no new one starts."""
        self._ending.set()
        with self._lock:
            for making in self._makings.values():
                making.stop()

    def run_or_leave(
        self, planned: PlannedJourney, slot: datetime, *, is_ours: bool, begun: Callable[[], None]
    ) -> None:
        """Run a slot, unless another runner of this location has claimed it and accounts for it.

        `is_ours` means that the slot is claimed already. `begun` is called once the slot is recorded on disk as
        started.
        """
        # A slot that is too late is only recorded as missed, which needs no claim.
        if not is_ours and not self.is_late(planned, slot):
            claim = self._claims.ask(planned, slot)
            if claim is not None and not claim.granted:
                self._spool.pass_over(planned.journey, slot)
                return
        run_id = new_run_id(planned.journey, self._settings.location, self._clock())
        if not self._spool.begin(planned.journey, slot, run_id, self._clock()):
            return
        begun()
        with bound_contextvars(run_id=run_id, journey=planned.journey, slot=to_wire(slot)):
            run = self._run(planned, slot, run_id)
            self._health.observe_run(run)
            self._results.keep(run)
            if run.status is Status.MISSED:
                self._claims.release(planned, slot)

    def run_requested(self, planned: PlannedJourney, request: RunRequest) -> None:
        """Make a run that a person requested; it has no slot, and counts for no target."""
        with bound_contextvars(run_id=request.id, journey=planned.journey, requested_by=request.by):
            plan = self._plans.plan
            why = why_skipped(plan.maintenance if plan is not None else (), planned.journey, self._clock())
            run = (
                self._missed_slots.missed(planned.journey, None, why, run_id=request.id)
                if why is not None
                else self._made(planned.journey, None, request.id)
            )
            self._results.keep(replace(run, notes=(f"requested by {request.by}, beside the schedule", *run.notes)))

    def is_late(self, planned: PlannedJourney, slot: datetime) -> bool:
        """Return whether a run would start too late to count for its slot."""
        return self._late_s(slot) > self._settings.late_s(planned)

    def _late_s(self, slot: datetime) -> float:
        return (self._clock() - slot).total_seconds()

    def _run(self, planned: PlannedJourney, slot: datetime, run_id: str) -> Run:
        journey, late = planned.journey, self._late_s(slot)
        if late > self._settings.late_s(planned):
            reason = f"all places of this runner were taken; it could have started {late:.0f} s late only"
            return self._missed_slots.missed(journey, slot, reason, run_id=run_id)
        self._measures.started(journey, late)
        _log.info("run_started", late_s=round(late, 3))
        return self._made(journey, slot, run_id)

    def _made(self, journey: str, slot: datetime | None, run_id: str) -> Run:
        """Make the run of a slot, or one beside the schedule, and return its record."""
        plan = self._plans.plan
        assert plan is not None
        try:
            job = job_of_slot(journey, slot, run_id=run_id, settings=self._settings, plan=plan, scratch=self._scratch)
        except (ConfigError, WireError, ValueError) as error:
            return self._missed_slots.errored(journey, slot, f"the run could not be made ready: {error}", run_id=run_id)
        refusal, making = self._start(job)
        if making is None:
            return self._missed_slots.missed(journey, slot, refusal, run_id=run_id)
        try:
            try:
                run = making.wait()
            finally:
                with self._lock:
                    self._makings.pop(run_id, None)
            self._at("run.made")
            if self._ending.is_set() and run.status is Status.ERRORED:
                return self._missed_slots.missed(journey, slot, STOPPED, run_id=run_id)
            return self._accounted(run)
        finally:
            self._uncounted.pop(run_id, None)

    def _start(self, job: Job) -> tuple[str, RunHandle | None]:
        """Start the run, and return ("", handle); or return (reason, None) if it must not be started."""
        # All of this happens under the lock: a run that started after `stopping` was set would never be ended.
        with self._lock:
            if self._stopping.is_set():
                return STOPPED, None
            self._budget = replace(self._budget, allowed=job.site.request_budget)
            # A run that must end in a 429 measures nothing, and prolongs the block at sites that count refused requests.
            blocked = self._budget.certain_block(job.journey, self._clock(), self._uncounted.values())
            if blocked:
                return blocked, None
            reserve = self._reserve(job)
            if job.slot is None and reserve is not None:
                too_expensive = reserve.why_not_beside(self._budget.expected_cost(job.journey))
                if too_expensive is not None:
                    return too_expensive, None
            job = replace(job, reserve=reserve, spare_time=self._spare_time(job))
            making = self._makings[job.run_id] = self._make(job)
            self._uncounted[job.run_id] = job.journey
            return "", making

    def _reserve(self, job: Job) -> Reserve | None:
        plan = self._plans.plan
        if plan is None:
            return None
        now = self._clock()
        return self._budget.reserve(plan.journeys, journey=job.journey, slot=job.slot or now, now=now)

    def _spare_time(self, job: Job) -> SpareTime | None:
        plan = self._plans.plan
        if plan is None:
            return None
        now = self._clock()
        return spare_time(
            plan.journeys,
            journey=job.journey,
            slot=job.slot or now,
            now=now,
            places=self._settings.max_parallel,
            late_s=self._settings.late_s,
            handled=self._spool.handled,
            times=self._times,
        )

    def _accounted(self, run: Run) -> Run:
        """Count the run's requests and time; return the run, with a note if the remaining budget is too small for the coming slots."""
        plan = self._plans.plan
        allowed = from_wire(Site, plan.site).request_budget if plan else self._budget.allowed
        with self._lock:
            self._budget = replace(self._budget, allowed=allowed).after(run)
            self._times = self._times.after(run)
            self._uncounted.pop(run.id, None)  # at once: no new run may count them twice
            now = self._clock()
            warning = self._budget.warning(plan.journeys if plan else (), now)
            if was_refused(run) and not self._budget.windows(now):
                warning = REFUSED_WITHOUT_A_LIMIT
        if warning is None:
            return run
        _log.warning("request_budget_short", warning=warning)
        return replace(run, notes=(*run.notes, warning))
