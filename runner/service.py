"""Runs one location: follows the plan, starts each run on time, and keeps every result until the hub has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx

from facts import Claim, Failpoint, LedgerState, PlannedJourney, go_on, to_wire
from journeys.browser import our_version
from process.logs import get_logger
from process.private_files import tighten
from runner.attempt.job import Job
from runner.attempt.orphans import scratch_of, sweep
from runner.attempt.start import StartedRun
from runner.clock import ClockSteps, utc_now
from runner.health import RunnerHealth
from runner.identity import runner_id
from runner.ledger.allowance import state_of
from runner.ledger.cleaner_process import CleanerProcess
from runner.ledger.ledger import Ledger
from runner.metrics import Measures
from runner.settings import HEARTBEAT, LEDGER, RunnerSettings
from runner.slots.claims import Claims
from runner.slots.missed_slots import MissedSlots
from runner.slots.plan_cache import PlanCache
from runner.slots.plan_poller import PlanPoller
from runner.slots.requested_runs import RequestedRuns
from runner.slots.schedule import Schedule
from runner.slots.slot_queue import Slots
from runner.slots.slot_runner import RunHandle, SlotRunner
from runner.spool.hub_client import HubClient, hub_http_client
from runner.spool.results import Results
from runner.spool.sender import Sender
from runner.spool.spool import Spool

__all__ = ["HEARTBEAT", "LEDGER", "RunHandle", "Runner", "RunnerSettings"]

_log = get_logger("sixfb.runner")
_LOOK_S = 0.1


class Runner:
    """Wires all parts of a runner. Call `start`, and later `stop`."""

    def __init__(
        self,
        settings: RunnerSettings,
        *,
        at: Failpoint = go_on,
        make: Callable[[Job], RunHandle] = StartedRun,
        client: httpx.Client | None = None,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._clock = settings, clock
        self._scratch = scratch_of(settings.folder)
        self._client = client or hub_http_client()
        hub = HubClient(settings.hub_url, location=settings.location, token=settings.token, client=self._client)
        self.id = runner_id(settings.folder)
        self.spool, self.ledger = Spool(settings.folder, at=at), Ledger(settings.ledger)
        tighten(settings.folder)
        self.sender = Sender(self.spool, hub, at=at, about=self._about, clock=clock, monotonic=steady)
        self.measures = Measures(spool=self.spool, sender=self.sender, about=self._state_of_ledger)
        self._cleaner = (
            CleanerProcess(
                self.ledger.file,
                stripe_key=settings.stripe_key,
                stripe_api_base=settings.stripe_api_base,
                journeys_dir=settings.journeys_dir,
                proxies=settings.proxies,
            )
            if settings.stripe_key or settings.journeys_dir
            else None
        )
        self._health, self._stopping = RunnerHealth(), threading.Event()
        self._claims = Claims(hub, self.id, free=self._freed, monotonic=steady)
        plans = PlanCache(hub, settings.folder)
        self._results = Results(
            settings, spool=self.spool, sender=self.sender, measures=self.measures, troubles=self._health
        )
        self._missed_slots = MissedSlots(settings, spool=self.spool, plans=plans, results=self._results, clock=clock)
        self._maker = SlotRunner(
            settings,
            spool=self.spool,
            claims=self._claims,
            plans=plans,
            results=self._results,
            missed_slots=self._missed_slots,
            measures=self.measures,
            troubles=self._health,
            scratch=self._scratch,
            make=make,
            clock=clock,
            at=at,
            stopping=self._stopping,
        )
        self._slots = Slots(
            settings,
            spool=self.spool,
            ledger=self.ledger,
            maker=self._maker,
            results=self._results,
            missed_slots=self._missed_slots,
            steps=ClockSteps(clock, steady),
            clock=clock,
            stopping=self._stopping,
        )
        heart = settings.folder / HEARTBEAT
        self._schedule = Schedule(self._slots.look, clock=clock, every_s=settings.look_every_s, beat=heart.touch)
        self._follower = PlanPoller(
            plans,
            schedule=self._schedule,
            spool=self.spool,
            ledger=self.ledger,
            requested=RequestedRuns(hub, self.id, self._slots),
            troubles=self._health,
            stopping=self._stopping,
        )

    def start(self) -> None:
        """Record the outcome of runs that the previous process left unfinished, then start all threads."""
        began_at = self._clock()
        self._slots.start(began_at)
        sweep(self._scratch, exclusive=True)
        self._forget_the_future(began_at)
        self._missed_slots.for_the_killed(began_at)
        self.spool.try_rejected_again()
        # The runs of the previous process are dead, so the cleaner may undo their purchases.
        self.ledger.release(None, began_at)
        self.ledger.prune(began_at)
        if self._cleaner is not None:
            self._cleaner.start()
        self._schedule.start()
        self.sender.start()
        self._claims.start()
        self._follower.start(began_at)

    def _forget_the_future(self, now: datetime) -> None:
        """Correct slots and dates that lie in the future because the clock was ahead in the previous process."""
        forgotten = self.spool.set_back(now, all_are_dead=True)
        released = self.spool.release_refused(now)
        moved = self.ledger.set_back(now)
        if forgotten or released or moved:
            _log.warning(
                "clock_was_set_back", slots_forgotten=forgotten, results_released=released, purchases_moved=moved
            )

    def stop(self, *, grace_s: float = 0.0, hurry: threading.Event | None = None) -> None:
        """Stop the runner: start no more runs, end the current ones, record them, and send results for a few seconds.

        Runs may finish by themselves within `grace_s` seconds, or until `hurry` is set.
        """
        # The order matters: nothing is queued after `stopping` is set, so every slot is either run or recorded below.
        self._stopping.set()
        self._schedule.stop()
        self._slots.close()
        _log.info("runner_stopping", under_way=self._maker.under_way, grace_s=grace_s, spooled=self.spool.depth())
        self._wait_for_runs(grace_s, hurry or threading.Event())
        self._maker.end()
        self._slots.join()
        self._results.keep_what_waits()
        self._missed_slots.for_the_queued(self._slots.queued())
        self._follower.join(2)
        self._claims.stop()
        self.sender.stop()
        self.sender.send_all()
        if self._cleaner is not None:
            self._cleaner.stop()
        self._client.close()
        _log.info("runner_stopped", spooled=self.spool.depth())
        self.spool.close()
        self.ledger.close()
        with suppress(OSError):  # not empty: a run was killed meanwhile, and the next start cleans up
            self._scratch.rmdir()

    def _wait_for_runs(self, grace_s: float, hurry: threading.Event) -> None:
        ends = time.monotonic() + grace_s
        while self._maker.under_way and time.monotonic() < ends and not hurry.wait(_LOOK_S):
            pass

    def _freed(self, planned: PlannedJourney, slot: datetime, claim: Claim) -> bool:
        return self._slots.freed(planned, slot, claim)

    def _about(self) -> dict[str, Any]:
        """Return the fields about this runner that each batch to the hub carries beside the runs."""
        told = {"id": self.id, "version": our_version(), "trouble": self._health.sentence()}
        return {**told, "sandbox": self._settings.sandbox, "ledger": to_wire(self._state_of_ledger())}

    def _state_of_ledger(self) -> LedgerState:
        settings = self._settings
        return state_of(self.ledger, settings.location, self._clock(), cleans=settings.stripe_key is not None)
