"""Makes records for slots without a run: missed ones, those of a killed runner, and those still queued at shutdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from config.bounds import without_login
from facts import Blame, Run, Status, why_skipped
from runner.attempt.evidence import enlisted
from runner.attempt.job import new_run_id
from runner.settings import RunnerSettings
from runner.slots.due import STOPPED
from runner.slots.plan_cache import PlanCache
from runner.spool.results import Results
from runner.spool.spool import Spool

_KILLED = "the runner was killed while this run was under way"
_LEFT_BEHIND = timedelta(hours=1)
"""The age at which files in the evidence folder that belong to no result are deleted."""


class MissedSlots:
    """Makes and stores the records of slots that were not measured."""

    def __init__(
        self,
        settings: RunnerSettings,
        *,
        spool: Spool,
        plans: PlanCache,
        results: Results,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings, self._spool, self._plans, self._results = settings, spool, plans, results
        self._clock = clock

    def missed(self, journey: str, slot: datetime | None, reason: str, *, run_id: str | None = None) -> Run:
        """Return the record of a slot that was not run, or of a requested run (`slot` is None) that was not made."""
        return self._record(journey, slot, Status.MISSED, reason, run_id=run_id)

    def skipped(self, journey: str, slot: datetime) -> Run | None:
        """Return the record of a slot that maintenance skips; None for one that has to be run."""
        plan = self._plans.plan
        why = why_skipped(plan.maintenance if plan is not None else (), journey, slot)
        return self._record(journey, slot, Status.SKIPPED, why) if why is not None else None

    def errored(
        self,
        journey: str,
        slot: datetime | None,
        error: str,
        *,
        run_id: str | None = None,
        began: datetime | None = None,
    ) -> Run:
        """Return the record of a slot whose run failed because of the runner itself."""
        return self._record(journey, slot, Status.ERRORED, error, run_id=run_id, began=began)

    def for_the_killed(self, now: datetime) -> None:
        """Record the runs that the previous process left unfinished as errored, and delete their leftover files."""
        store = self._settings.evidence
        for lost in self._spool.unfinished():
            record = self.errored(lost.journey, lost.slot, _KILLED, run_id=lost.run_id, began=lost.begun_at)
            self._results.keep(replace(record, evidence=enlisted(lost.run_id, store=store)))
        self._spool.prune(now)
        self._spool.sweep(store, older_than=now - _LEFT_BEHIND)

    def for_the_queued(self, queued: Iterable[tuple[str, datetime]]) -> None:
        """Record as missed, at shutdown, the slots that are queued and those that were started and have no record."""
        for journey, slot in queued:
            self._results.keep(self.missed(journey, slot, STOPPED))
        for begun in self._spool.unfinished():
            self._results.keep(self.missed(begun.journey, begun.slot, STOPPED, run_id=begun.run_id))

    def _record(
        self,
        journey: str,
        slot: datetime | None,
        status: Status,
        error: str,
        *,
        run_id: str | None = None,
        began: datetime | None = None,
    ) -> Run:
        now, plan = self._clock(), self._plans.plan
        return Run(
            id=run_id or new_run_id(journey, self._settings.location, now),
            journey=journey,
            location=self._settings.location,
            slot=slot,
            status=status,
            blame=Blame.RUNNER if status is Status.ERRORED else None,
            error=error,
            started_at=min(began or now, now),
            finished_at=now,
            site=without_login(self._settings.base_url or str(plan.site.get("base_url", "") if plan else "")),
            browser="none",
            plan=plan.hash if plan else "",
        )
