"""One location's program: follows the plan, makes each run on time, keeps every result until the hub has it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx

from config import ConfigError, Secret
from config.logs import bound_contextvars, get_logger
from config.network import tls_context
from facts import (
    Blame,
    Claim,
    Failpoint,
    LedgerState,
    Plan,
    PlannedJourney,
    Run,
    Status,
    WireError,
    from_wire,
    go_on,
    late_limit_s,
    to_wire,
)
from journeys.browser import our_version
from journeys.site import Site
from journeys.site_secrets import site_secrets
from runner.allowance import per_hour, state_of
from runner.budget import Budget
from runner.canaries import configured
from runner.caps import MEMORY_MB
from runner.claims import Claims
from runner.clock import ClockSteps, utc_now
from runner.due import LEFT, STOPPED, due
from runner.evidence import delist, enlisted
from runner.hub_client import HubClient
from runner.identity import runner_id
from runner.job import Job, new_run_id
from runner.keeper import CleanerKeeper
from runner.ledger import Ledger
from runner.metrics import Measures
from runner.planning import PlanKeeper
from runner.remains import scratch_of, sweep
from runner.schedule import LOOKS_EVERY_S, Schedule
from runner.sender import Sender
from runner.spool import Spool
from runner.start import StartedRun
from runner.troubles import Troubles

_log = get_logger("sixfb.runner")
_PLAN_EVERY_S = 60.0
_PLAN_RETRY_S = 1.0
_LOOK_S = 0.1
LEDGER = "ledger.db"
_LEFT_BEHIND = timedelta(hours=1)
HEARTBEAT = "heartbeat"
"""The file in the runner's folder that its schedule touches every few seconds; whoever looks after containers looks at its age."""


class Making(Protocol):
    """A run under way."""

    def wait(self) -> Run:
        """Its record, once there is one."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How a runner runs. `base_url` is where it buys instead of at the plan's site. `max_parallel` is how many runs at once:
    one a core, or timings are the machine's own. `memory_mb` is what one run may hold of memory, `evidence_bytes` how much
    evidence may wait for the hub. The secrets and proxies are those of `runner.job.Job`; files that the plan names are
    read from `secrets_in` alone."""

    location: str
    hub_url: str
    folder: Path
    token: Secret | None = None
    base_url: str | None = None
    journeys_dir: str | None = None
    chromium: str | None = None
    sandbox: bool = True
    other_secrets: tuple[str, ...] = field(default=(), repr=False)
    headed: bool = False
    stripe_key: str | None = field(default=None, repr=False)
    stripe_api_base: str | None = None
    proxies: dict[str, str] = field(default_factory=dict, repr=False)
    secrets_in: tuple[Path, ...] = ()
    confirm_after_s: float = 5.0
    late_after_s: float | None = None
    memory_mb: int = MEMORY_MB
    look_every_s: float = LOOKS_EVERY_S
    evidence_bytes: int = 2 * 1024**3
    max_parallel: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))


class Runner:
    """The program. `start`, later `stop`."""

    def __init__(
        self,
        settings: RunnerSettings,
        *,
        at: Failpoint = go_on,
        make: Callable[[Job], Making] = StartedRun,
        client: httpx.Client | None = None,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._at, self._make, self._clock = settings, at, make, clock
        self._scratch = scratch_of(settings.folder)
        self._steps = ClockSteps(clock, steady)
        self._client = client or httpx.Client(timeout=30.0, verify=tls_context())
        hub = HubClient(settings.hub_url, location=settings.location, token=settings.token, client=self._client)
        self.spool = Spool(settings.folder, at=at)
        self.ledger = Ledger(settings.folder / LEDGER)
        self._cleaner = (
            CleanerKeeper(self.ledger.file, stripe_key=settings.stripe_key, stripe_api_base=settings.stripe_api_base)
            if settings.stripe_key
            else None
        )
        self.id = runner_id(settings.folder)
        self._troubles = Troubles()
        self.sender = Sender(self.spool, hub, at=at, about=self._about, clock=clock, monotonic=steady)
        self._claims = Claims(hub, self.id, free=self._freed, monotonic=steady)
        self._plans = PlanKeeper(hub, settings.folder)
        heart = settings.folder / HEARTBEAT
        self._schedule = Schedule(self._look, clock=clock, every_s=settings.look_every_s, beat=heart.touch)
        self._pool = ThreadPoolExecutor(max_workers=settings.max_parallel, thread_name_prefix="run")
        self._lock = threading.Lock()
        self._under_way: dict[str, datetime] = {}
        self._queued: dict[str, datetime] = {}
        self._looked_at: dict[str, datetime] = {}
        self._makings: dict[str, Making] = {}
        self._unkept: dict[tuple[str, datetime | None], Run] = {}
        self._budget = Budget()
        self._stopping, self._ending = threading.Event(), threading.Event()
        self.measures = Measures(spool=self.spool, sender=self.sender, about=self._state_of_ledger)
        self._planner = threading.Thread(target=self._follow_plans, name="planner", daemon=True)
        self._began_at = clock()
        self._store = (settings.folder / "evidence").resolve()

    def start(self) -> None:
        """Say what became of the last life's runs, then go on with this one."""
        self._began_at = self._clock()
        sweep(self._scratch, exclusive=True)
        self._account_for_the_killed()
        self.spool.try_rejected_again()
        # The runs of the last life are dead: what they left may be undone.
        self.ledger.release(None, self._began_at)
        self.ledger.prune(self._began_at)
        if self._cleaner is not None:
            self._cleaner.start()
        self._schedule.start()
        self.sender.start()
        self._claims.start()
        self._planner.start()

    def stop(self, *, grace_s: float = 0.0, hurry: threading.Event | None = None) -> None:
        """Begin no other run, let those under way end within `grace_s` (until `hurry` is set), end the rest, write them down,
        and send what can be sent in a few seconds."""
        self._stopping.set()
        self._schedule.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        _log.info("runner_stopping", under_way=len(self._makings), grace_s=grace_s, spooled=self.spool.depth())
        self._wait_for_runs(grace_s, hurry or threading.Event())
        self._ending.set()
        with self._lock:
            for making in self._makings.values():
                making.stop()
        self._pool.shutdown(wait=True)
        self._keep_what_waits()
        self._account_for_the_queued()
        self._planner.join(2)
        self._claims.stop()
        self.sender.stop()
        self.sender.send_all()
        if self._cleaner is not None:
            self._cleaner.stop()
        self._client.close()
        _log.info("runner_stopped", spooled=self.spool.depth())
        self.spool.close()
        self.ledger.close()
        with suppress(OSError):  # not empty: a run was killed meanwhile, and the next life sweeps it up
            self._scratch.rmdir()

    def _wait_for_runs(self, grace_s: float, hurry: threading.Event) -> None:
        ends = time.monotonic() + grace_s
        while self._makings and time.monotonic() < ends and not hurry.wait(_LOOK_S):
            pass

    def _about(self) -> dict[str, Any]:
        """What goes to the hub with each batch, beside the runs."""
        told = {"id": self.id, "version": our_version(), "trouble": self._troubles.sentence()}
        return {**told, "sandbox": self._settings.sandbox, "ledger": to_wire(self._state_of_ledger())}

    def _state_of_ledger(self) -> LedgerState:
        settings = self._settings
        return state_of(self.ledger, settings.location, self._clock(), cleans=settings.stripe_key is not None)

    def _account_for_the_killed(self) -> None:
        for lost in self.spool.unfinished():
            error = "the runner was killed while this run was under way"
            record = self._record(
                lost.journey, lost.slot, Status.ERRORED, error, run_id=lost.run_id, began=lost.begun_at
            )
            self._keep(replace(record, evidence=enlisted(lost.run_id, store=self._store)))
        self.spool.prune(self._began_at)
        self.spool.sweep(self._store, older_than=self._began_at - _LEFT_BEHIND)

    def _account_for_the_queued(self) -> None:
        with self._lock:
            waiting = list(self._queued.items())
        for journey, slot in waiting:
            self._keep(self._record(journey, slot, Status.MISSED, STOPPED))
        for queued in self.spool.unfinished():
            self._keep(self._record(queued.journey, queued.slot, Status.MISSED, STOPPED, run_id=queued.run_id))

    def _follow_plans(self) -> None:
        following: Plan | None = None
        while not self._stopping.is_set():
            known = False
            try:
                known = self._plans.refresh()
                plan = self._plans.plan
                if plan is None:
                    self._troubles.say("plan", self._plans.trouble or "it has no plan")
                elif plan != following:
                    self._troubles.over("plan")
                    for planned in plan.journeys:
                        self.spool.start_from(planned.journey, self._began_at)
                    self.ledger.set_schedule(per_hour(plan))
                    self._schedule.follow(plan)
                    following = plan
            except (sqlite3.Error, OSError):
                _log.exception("plan_not_kept")
            self._stopping.wait(_PLAN_EVERY_S if known else _PLAN_RETRY_S)

    def _look(self, planned: PlannedJourney) -> None:
        """What is due of a journey now: run it, and write down what was missed."""
        if self._stopping.is_set():
            return
        self._keep_what_waits()
        now = self._clock()
        handled = self.spool.handled(planned.journey) or self._began_at
        with self._lock:
            under_way = self._under_way.get(planned.journey)
            handled = max(handled, self._looked_at.get(planned.journey, handled))
        found = due(
            planned.grid,
            handled=handled,
            now=now,
            under_way_since=under_way,
            began_at=self._began_at,
            late_s=self._late_s(planned),
            jumped_s=self._steps.since_s(planned.journey),
        )
        for missed in found.missed:
            self._keep(self._record(planned.journey, missed.slot, Status.MISSED, missed.reason))
        if found.run is not None:
            self._begin(planned, found.run)

    def _late_s(self, planned: PlannedJourney) -> float:
        return self._settings.late_after_s or late_limit_s(planned.period_s)

    def _begin(self, planned: PlannedJourney, slot: datetime, *, is_ours: bool = False) -> bool:
        """Put a slot into the queue; False where the journey is under way already. `is_ours`: it is claimed."""
        with self._lock:
            if self._stopping.is_set() or planned.journey in self._under_way:
                return False
            self._under_way[planned.journey] = self._queued[planned.journey] = slot
            self._looked_at[planned.journey] = max(slot, self._looked_at.get(planned.journey, slot))
            # Inside the lock: once `stop` has set its flag, nothing is queued that nobody accounts for.
            self._pool.submit(self._run, planned, slot, is_ours)
        return True

    def _run(self, planned: PlannedJourney, slot: datetime, is_ours: bool) -> None:
        try:
            self._run_or_leave(planned, slot, is_ours)
        except Exception:  # noqa: BLE001 - a thread of the pool would keep it to itself
            _log.exception("run_not_kept", journey=planned.journey, slot=to_wire(slot))
            with self._lock:
                # Not begun on disk: the next look finds it due again.
                self._looked_at.pop(planned.journey, None)
        finally:
            with self._lock:
                self._under_way.pop(planned.journey, None)
                self._queued.pop(planned.journey, None)

    def _run_or_leave(self, planned: PlannedJourney, slot: datetime, is_ours: bool) -> None:
        """Run a slot, unless another runner of this location has it: then that one accounts for it."""
        if not is_ours and not self._is_late(planned, slot):
            claim = self._claims.ask(planned, slot)
            if claim is not None and not claim.granted:
                self.spool.pass_over(planned.journey, slot)
                return
        run_id = new_run_id(planned.journey, self._settings.location, self._clock())
        if not self.spool.begin(planned.journey, slot, run_id, self._clock()):
            return
        with self._lock:
            self._queued.pop(planned.journey, None)
        with bound_contextvars(run_id=run_id, journey=planned.journey, slot=to_wire(slot)):
            run = self._made(planned, slot, run_id)
            self._troubles.saw(run)
            self._keep(run)
            if run.status is Status.MISSED:
                self._claims.release(planned, slot)

    def _is_late(self, planned: PlannedJourney, slot: datetime) -> bool:
        return (self._clock() - slot).total_seconds() > self._late_s(planned)

    def _freed(self, planned: PlannedJourney, slot: datetime, claim: Claim) -> bool:
        """A slot that another runner had is ours: run it, or account for it where it is too late; False: it is done with."""
        if self._stopping.is_set():
            return False
        if not self._is_late(planned, slot) and self._begin(planned, slot, is_ours=True):
            return True
        if claim.record is None:
            self._keep(self._record(planned.journey, slot, Status.MISSED, LEFT))
        return False

    def _made(self, planned: PlannedJourney, slot: datetime, run_id: str) -> Run:
        late = (self._clock() - slot).total_seconds()
        if late > self._late_s(planned):
            reason = f"all places of this runner were taken; it could have started {late:.0f} s late only"
            return self._record(planned.journey, slot, Status.MISSED, reason, run_id=run_id)
        self.measures.started(planned.journey, late)
        _log.info("run_started", late_s=round(late, 3))
        try:
            job = self._job(planned, slot, run_id)
        except (ConfigError, WireError, ValueError) as error:
            reason = f"the run could not be made ready: {error}"
            return self._record(planned.journey, slot, Status.ERRORED, reason, run_id=run_id)
        with self._lock:
            if self._stopping.is_set():
                return self._record(planned.journey, slot, Status.MISSED, STOPPED, run_id=run_id)
            # A run that must end in a 429 measures nothing, and prolongs the block at sites that count what they refuse.
            blocked = self._budget.certain_block(planned.journey, self._clock())
            if blocked:
                return self._record(planned.journey, slot, Status.MISSED, blocked, run_id=run_id)
            making = self._makings[run_id] = self._make(job)
        try:
            run = making.wait()
        finally:
            with self._lock:
                self._makings.pop(run_id, None)
        self._at("run.made")
        if self._ending.is_set() and run.status is Status.ERRORED:
            return self._record(planned.journey, slot, Status.MISSED, STOPPED, run_id=run_id)
        return self._accounted(run)

    def _accounted(self, run: Run) -> Run:
        """The run, with a note where what is left of the request budget will not do for the coming slots."""
        plan = self._plans.plan
        allowed = from_wire(Site, plan.site).request_budget if plan else self._budget.allowed
        with self._lock:
            self._budget = replace(self._budget, allowed=allowed).after(run)
            warning = self._budget.warning(plan.journeys if plan else (), self._clock())
        if warning is None:
            return run
        _log.warning("request_budget_short", warning=warning)
        return replace(run, notes=(*run.notes, warning))

    def _job(self, planned: PlannedJourney, slot: datetime, run_id: str) -> Job:
        settings, plan = self._settings, self._plans.plan
        assert plan is not None
        site = from_wire(Site, plan.site)
        basic, headers = site_secrets(site, within=settings.secrets_in)
        site = replace(site, base_url=settings.base_url) if settings.base_url else site
        return Job(
            run_id=run_id,
            journey=planned.journey,
            location=settings.location,
            site=site,
            evidence=str(self._store),
            slot=slot,
            plan=plan.hash,
            confirm_after_s=settings.confirm_after_s,
            scratch=str(self._scratch),
            memory_mb=settings.memory_mb,
            canaries=configured(plan.canaries, site_url=site.base_url, hub_url=settings.hub_url),
            journeys_dir=settings.journeys_dir,
            chromium=settings.chromium,
            sandbox=settings.sandbox,
            other_secrets=[*settings.other_secrets, *([settings.token.reveal()] if settings.token else [])],
            headed=settings.headed,
            stripe_key=settings.stripe_key,
            stripe_api_base=settings.stripe_api_base,
            basic_auth=basic.reveal() if basic else None,
            secret_headers={name: value.reveal() for name, value in headers.items()},
            proxies=settings.proxies,
            ledger=str(self.ledger.file.resolve()),
        )

    def _keep(self, run: Run) -> None:
        """Keep a result on disk; where there is no room for it, in memory until there is."""
        key, store = (run.journey, run.slot), self._store
        try:
            self.spool.keep(run, store)
        except sqlite3.Error as error:
            if key not in self._unkept:
                _log.exception("run_not_written", run_id=run.id, journey=run.journey)
            self._unkept[key] = run
            self._troubles.say("disk", f"its disk takes nothing ({error}); {len(self._unkept)} results wait in memory")
            return
        self._unkept.pop(key, None)
        if not self._unkept:
            self._troubles.over("disk")
        delist(run.id, store=store)
        gone = self.spool.make_room(self._settings.evidence_bytes)
        if gone:
            _log.warning("evidence_let_go", files=gone)
        self.measures.ended(run)
        self._tell(run)
        self.sender.wake()

    def _keep_what_waits(self) -> None:
        with suppress(RuntimeError):  # another thread has added one meanwhile: next time
            for run in list(self._unkept.values()):
                self._keep(run)

    def _tell(self, run: Run) -> None:
        about = {"run_id": run.id, "journey": run.journey, "slot": to_wire(run.slot), "status": run.status}
        if run.status is Status.MISSED:
            _log.warning("slot_missed", **about, reason=run.error)
            return
        said = {"blame": run.blame, "failed_step": run.failed_step, "error": run.error} if run.error else {}
        tell = _log.error if run.status is Status.ERRORED else _log.info
        tell("run_ended", **about, duration_ms=round(run.duration_ms), attempts=len(run.attempts), **said)

    def _record(
        self,
        journey: str,
        slot: datetime,
        status: Status,
        error: str,
        *,
        run_id: str | None = None,
        began: datetime | None = None,
    ) -> Run:
        """The record of a slot that has no run to tell of."""
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
            site=self._settings.base_url or str(plan.site.get("base_url", "") if plan else ""),
            browser="none",
            plan=plan.hash if plan else "",
        )
