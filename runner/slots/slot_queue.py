"""Holds the due, queued and running slots of one runner; a journey never runs twice at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from facts import Claim, PlannedJourney, RunRequest, free_time_s, to_wire
from process.logs import get_logger
from runner.clock import ClockSteps
from runner.ledger.ledger import Ledger
from runner.settings import RunnerSettings
from runner.slots.due import LEFT, due
from runner.slots.missed_slots import MissedSlots
from runner.slots.slot_runner import SlotRunner
from runner.spool.results import Results
from runner.spool.spool import Spool

_log = get_logger("sixfb.runner")
# Sessions opened by a current run must not be undone while it uses them.
_UNDER_WAY = timedelta(minutes=5)


class Slots:
    """Checks journeys, and queues due slots for the threads that run them; queues nothing once `stopping` is set."""

    def __init__(
        self,
        settings: RunnerSettings,
        *,
        spool: Spool,
        ledger: Ledger,
        maker: SlotRunner,
        results: Results,
        missed_slots: MissedSlots,
        steps: ClockSteps,
        clock: Callable[[], datetime],
        stopping: threading.Event,
    ) -> None:
        self._settings, self._spool, self._ledger, self._maker = settings, spool, ledger, maker
        self._results, self._missed_slots = results, missed_slots
        self._steps, self._clock, self._stopping = steps, clock, stopping
        self._pool = ThreadPoolExecutor(max_workers=settings.max_parallel, thread_name_prefix="run")
        self._lock = threading.Lock()
        self._under_way: dict[str, datetime] = {}
        self._queued: dict[str, datetime] = {}
        self._looked_at: dict[str, datetime] = {}
        self._began_at = clock()

    def start(self, began_at: datetime) -> None:
        """Set the start of this runner: slots before `began_at` are recorded as missed because it was not running."""
        self._began_at = began_at

    def close(self) -> None:
        """Take no more slots out of the queue."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait until no run is under way."""
        self._pool.shutdown(wait=True)

    def queued(self) -> list[tuple[str, datetime]]:
        """Return the queued slots, as pairs of journey and slot."""
        with self._lock:
            return list(self._queued.items())

    def look(self, planned: PlannedJourney) -> None:
        """Check a journey: queue its due slot, and record the missed ones."""
        if self._stopping.is_set():
            return
        self._results.keep_what_waits()
        now = self._clock()
        self._mind_the_clock(planned.journey, now)
        handled = min(self._spool.handled(planned.journey) or self._began_at, now)
        with self._lock:
            under_way = self._under_way.get(planned.journey)
            handled = max(handled, min(self._looked_at.get(planned.journey, handled), now))
        found = due(
            planned.grid,
            handled=handled,
            now=now,
            under_way_since=under_way,
            began_at=self._began_at,
            late_s=self._settings.late_s(planned),
            jumped_s=self._steps.since_s(planned.journey),
        )
        for missed in found.missed:
            # After the clock was set back, the grid yields slots that already have a record.
            if self._spool.has_slot(planned.journey, missed.slot):
                continue
            record = self._missed_slots.skipped(planned.journey, missed.slot)
            self._results.keep(record or self._missed_slots.missed(planned.journey, missed.slot, missed.reason))
        if found.run is not None and (skipped := self._missed_slots.skipped(planned.journey, found.run)) is not None:
            if not self._spool.has_slot(planned.journey, found.run):
                self._results.keep(skipped)
        elif found.run is not None:
            self._begin(planned, found.run)

    def _mind_the_clock(self, journey: str, now: datetime) -> None:
        """Undo the effects of a clock that was ahead.

        Forgets slots of the future, and releases results that the hub refused because of the clock.
        """
        handled = self._spool.handled(journey)
        if handled is not None and handled > now:
            forgotten = self._spool.set_back(now)
            self._ledger.set_back(now, hold=_UNDER_WAY)
            ahead_s = round((handled - now).total_seconds(), 1)
            _log.warning(
                "clock_was_set_back", handled_until=to_wire(handled), ahead_s=ahead_s, slots_forgotten=forgotten
            )
            with self._lock:
                self._looked_at = {name: min(slot, now) for name, slot in self._looked_at.items()}
        released = self._spool.release_refused(now)
        if released:
            _log.warning("results_of_the_future_released", results=released)

    def freed(self, planned: PlannedJourney, slot: datetime, claim: Claim) -> bool:
        """Take over a slot that another runner had claimed: run it, or record it as missed if it is too late.

        Returns False if there is nothing left to do for it.
        """
        if self._stopping.is_set():
            return False
        if not self._maker.is_late(planned, slot) and self._begin(planned, slot, is_ours=True):
            return True
        if claim.record is None:
            self._results.keep(self._missed_slots.missed(planned.journey, slot, LEFT))
        return False

    def _begin(self, planned: PlannedJourney, slot: datetime, *, is_ours: bool = False) -> bool:
        """Queue a slot; return False if the journey is already running. `is_ours` means that the slot is claimed already."""
        with self._lock:
            if self._stopping.is_set() or planned.journey in self._under_way:
                return False
            self._under_way[planned.journey] = self._queued[planned.journey] = slot
            self._looked_at[planned.journey] = max(slot, self._looked_at.get(planned.journey, slot))
            # Submitted while holding the lock, so that nothing is queued after `stopping` is set, which no one would record.
            self._pool.submit(self._run, planned, slot, is_ours)
        return True

    def begin_requested(self, planned: PlannedJourney, request: RunRequest, *, take: Callable[[], bool]) -> bool:
        """Queue a run beside the schedule; return False if there is no time for it before the journey's next slot.

        `take` is called before it starts, in its thread, and returns whether this runner has to make it.
        """
        now = self._clock()
        last, left_s = planned.grid.at_or_before(now), (planned.grid.after(now) - now).total_seconds()
        handled = self._spool.handled(planned.journey) or self._began_at
        with self._lock:
            is_due = max(handled, self._looked_at.get(planned.journey, handled)) < last
            is_taken = self._stopping.is_set() or planned.journey in self._under_way
            if is_due or is_taken or left_s < free_time_s(planned.period_s):
                return False
            self._under_way[planned.journey] = now
            self._pool.submit(self._run_requested, planned, request, take)
        return True

    def _run_requested(self, planned: PlannedJourney, request: RunRequest, take: Callable[[], bool]) -> None:
        try:
            if not self._stopping.is_set() and take():
                self._maker.run_requested(planned, request)
        except Exception:  # noqa: BLE001 - the thread pool would swallow the error
            _log.exception("requested_run_not_kept", journey=planned.journey, run_id=request.id)
        finally:
            with self._lock:
                self._under_way.pop(planned.journey, None)

    def _run(self, planned: PlannedJourney, slot: datetime, is_ours: bool) -> None:
        try:
            self._maker.run_or_leave(planned, slot, is_ours=is_ours, begun=lambda: self._begun(planned))
        except Exception:  # noqa: BLE001 - the thread pool would swallow the error
            _log.exception("run_not_kept", journey=planned.journey, slot=to_wire(slot))
            with self._lock:
                # The slot was not started on disk, so the next check finds it due again.
                self._looked_at.pop(planned.journey, None)
        finally:
            with self._lock:
                self._under_way.pop(planned.journey, None)
                self._queued.pop(planned.journey, None)

    def _begun(self, planned: PlannedJourney) -> None:
        with self._lock:
            self._queued.pop(planned.journey, None)
