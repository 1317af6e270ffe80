"""The cycle: load → judge → advance → save. What is decided and what is owed for it are one transaction."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.machine import Advance, Standing, advance
from alerts.message import duration
from alerts.policy import Policy
from facts import Alert, Failpoint, HubClock, Verdict, WatchState, go_on, to_wire
from hub.kept_runs import KeptRuns
from hub.loading import WATCH, load_history, load_watch, watch_now
from hub.watched import Watched
from process.logs import get_logger
from sla.index import HistoryIndex
from sla.judge import judge
from sla.kind import About
from sla.listening import is_break
from sla.scope import why_closed
from sla.targets import Targets
from store import Store, incidents, lease, ledgers, meta, outbox
from store import alerts as alert_rows
from store import verdicts as verdict_rows

_log = get_logger("sixfb.hub")
EVALUATOR = "evaluator"
VERDICTS = "verdicts"
_HISTORY_REACH = timedelta(days=35)
"""How far back a new evaluator looks for targets that were judged: one that vanished before is not noted as gone."""
SET_S = 5.0
"""By less than this a clock is kept right; by more it was set."""


def new_holder() -> str:
    """A name for this process among the hubs: no two are alike, and a person can find it."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one tick came to. `wrote` is false for a hub that is not the evaluator: it judged nothing and saved nothing."""

    at: datetime
    wrote: bool
    verdicts: tuple[Verdict, ...] = ()
    owed: int = 0


TICK_IS_LATE = timedelta(seconds=60)


def tick_trouble(last: datetime | None, now: datetime) -> str | None:
    """What is wrong with the moment of the last tick, whichever hub's: there was none within a minute, or it is in the future; None
    where the hub is judged."""
    if last is None or now - last > TICK_IS_LATE:
        return "no tick within a minute"
    ahead = last - now
    # Hubs that share a database have clocks of their own.
    return f"the last tick is {duration(ahead.total_seconds())} in the future" if ahead > TICK_IS_LATE / 2 else None


@dataclass(kw_only=True)
class Cycle:
    """Ticks. `lease_s` is how long this hub stays the evaluator without a word; `watching_since` is when it began, which counts
    where no hub has ever judged. `steady` is a clock that nobody sets, `hub_clock` what the
    runners' clocks say of this hub's."""

    store: Store
    watched: Watched
    targets: Targets
    policy: Policy
    watching_since: datetime
    holder: str = field(default_factory=new_holder)
    lease_s: float = lease.LIFE_S
    at: Failpoint = go_on
    steady: Callable[[], float] = time.monotonic
    hub_clock: Callable[[], HubClock] = HubClock
    _last: tuple[datetime, float] | None = field(default=None, init=False)
    _runs_kept: KeptRuns = field(default_factory=KeptRuns, init=False)
    _epoch: int | None = field(default=None, init=False)
    _newest: dict[str, verdict_rows.PastVerdict] | None = field(default=None, init=False)
    """The newest row of each target's history; None where it is to be read first."""

    def tick(self, now: datetime) -> Tick:
        """Judge everything as of `now`, advance the alerts, and save both with the messages they owe."""
        with self.store.write() as connection:
            epoch = lease.take(connection, name=EVALUATOR, holder=self.holder, ttl_s=self.lease_s)
        if epoch is None:
            self._last = self._epoch = None
            return Tick(at=now, wrote=False)
        if epoch != self._epoch:
            # Another hub may have judged in between, and written the history on.
            self._epoch, self._newest = epoch, None
        self.at("cycle.leased")
        with self.store.read() as connection:
            before = load_watch(connection)
            what = self._what_broke(before, now)
            began_at = self.watching_since
            watch = watch_now(connection, before, watched=self.watched, now=now, began_at=began_at, what=what)
            history = load_history(
                connection,
                watched=self.watched,
                targets=self.targets,
                now=now,
                watch=watch,
                hub_clock=self.hub_clock(),
                runs_kept=self._runs_kept,
            )
        self.at("cycle.loaded")
        self._last = now, self.steady()
        verdicts = judge(self.targets, history, now)
        index = HistoryIndex(history, now)
        self.at("cycle.judged")
        owed = self._save(verdicts, epoch, index, before, watch)
        if owed is None:
            self.at("cycle.refused")
            return Tick(at=now, wrote=False)
        self.at("cycle.saved")
        return Tick(at=now, wrote=True, verdicts=tuple(verdicts), owed=owed)

    def give_up(self) -> None:
        """Be the evaluator no longer: another hub need not wait for the lease to run out."""
        with self.store.write() as connection:
            lease.release(connection, name=EVALUATOR, holder=self.holder)

    def _what_broke(self, before: WatchState | None, now: datetime) -> str:
        """What happened between the last tick and this one, as a sentence; empty where the watch went on."""
        if before is None or not is_break(before.tick_at, now, longest=self.policy.clock_step):
            return ""
        gap_s = (now - before.tick_at).total_seconds()
        what = _what_happened(gap_s, self.steady() - self._last[1] if self._last else None)
        _log.warning("watch_broken", what=what, gap_s=round(gap_s, 1), last_tick=to_wire(before.tick_at))
        return what

    def _save(
        self, verdicts: list[Verdict], epoch: int, index: HistoryIndex, before: WatchState | None, watch: WatchState
    ) -> int | None:
        """How many messages are owed now; None where another hub became the evaluator meanwhile."""
        now = index.now
        with self.store.write() as connection:
            if not lease.holds(connection, name=EVALUATOR, holder=self.holder, epoch=epoch):
                return None
            standing = _with_traits(standing_alerts(connection), self.targets)
            about: list[About] = [*standing.alerts, *(verdict for verdict in verdicts if verdict.breached)]
            told = {one.key: why_closed(one, self.targets, index) for one in about}
            gone = {key: f"closed: {why}" for key, why in told.items() if why is not None}
            previous = before.tick_at if before is not None else None
            step = advance(standing, verdicts, self.policy, now, previous=previous, gone=gone)
            save_step(connection, step, now)
            if previous is not None and now < previous:
                ledgers.forget_future(connection, now)
            meta.put(connection, WATCH, to_wire(watch))
            meta.put(connection, VERDICTS, {"at": to_wire(now), "verdicts": to_wire(verdicts)})
            rows = self._save_history(connection, verdicts, now)
            self.at("cycle.saving")
        # Not before it is committed: a tick that fails is tried again, with its history.
        self._newest = {**(self._newest or {}), **{row.key: row for row in rows}}
        _tell(standing, step)
        return len(step.notifications)

    def _save_history(
        self, connection: Connection, verdicts: list[Verdict], now: datetime
    ) -> list[verdict_rows.PastVerdict]:
        """Save what is due of the verdicts' history, and return it."""
        if self._newest is None:
            self._newest = verdict_rows.newest(connection, since=now - _HISTORY_REACH)
        rows = verdict_rows.due(verdicts, self._newest, now)
        verdict_rows.save(connection, rows)
        return rows


def _with_traits(standing: Standing, targets: Targets) -> Standing:
    """Return what stands, with the traits of the rule in force on alerts that an earlier version stored without any."""
    if all(alert.traits for alert in (*standing.alerts, *standing.past)):
        return standing
    return replace(
        standing,
        alerts=[_traited(alert, targets) for alert in standing.alerts],
        past=[_traited(alert, targets) for alert in standing.past],
    )


def _traited(alert: Alert, targets: Targets) -> Alert:
    return alert if alert.traits else replace(alert, traits=targets.traits_of(alert.rule, alert.subject))


def _what_happened(gap_s: float, steady_s: float | None) -> str:
    """`steady_s` is how long it was by the clock that nobody sets; None where the last tick was another process's."""
    length = duration(abs(gap_s))
    if gap_s < 0:
        return f"the hub's clock was set back by {length}"
    if steady_s is None:
        return f"no hub judged for {length}, or the hub's clock was set forward"
    if gap_s - steady_s > SET_S:
        return f"the hub's clock was set forward by {duration(gap_s - steady_s)}, or the machine slept"
    return f"the hub did not judge for {length}: it was stopped, or had too much to do"


def _tell(standing: Standing, step: Advance) -> None:
    before = {alert.id: alert.state for alert in standing.alerts}
    for alert in step.alerts:
        if before.get(alert.id) is not alert.state:
            _log.info(f"alert_{alert.state}", alert=alert.id, severity=alert.severity, summary=alert.summary)


def standing_alerts(connection: Connection) -> Standing:
    """What stands, inside the transaction that will change it."""
    open_incidents = incidents.open_ones(connection)
    return Standing(
        alerts=alert_rows.standing(connection),
        past=alert_rows.past_of(connection, [incident.id for incident in open_incidents]),
        incidents=open_incidents,
        notifications=outbox.of_threads(connection, [incident.id for incident in open_incidents]),
        episodes=alert_rows.last_episode(connection),
        last_incident=incidents.last_number(connection),
    )


def save_step(connection: Connection, step: Advance, now: datetime) -> None:
    """Save what one step changed and what it owes."""
    alert_rows.save(connection, step.alerts, at=now)
    incidents.save(connection, step.incidents)
    for changed in step.changed:
        outbox.update_owed(connection, changed)
    outbox.owe(connection, step.notifications)
