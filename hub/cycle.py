"""Runs the evaluation cycle: load → judge → advance → save. A decision and the messages owed for it are one transaction."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.digest import digests, is_due
from alerts.machine import Advance, Standing, advance
from alerts.maintenance import UnderWay, announcements, ended_early, under_way
from alerts.message import duration
from alerts.policy import Policy, SalesRate
from alerts.roll_up import Burst, rolled_up
from facts import DEPLOY_REACH, Alert, Failpoint, HubClock, Verdict, WatchState, from_wire, go_on, to_wire
from hub.kept_runs import KeptRuns
from hub.kept_series import KeptSeries
from hub.kept_tallies import KeptTallies
from hub.loading import WATCH, load_history, load_watch, watch_now
from hub.money_at_risk import site_sales_rate
from hub.ping_checks import excuse
from hub.watched import Watched
from process.logs import get_logger
from sla.index import HistoryIndex
from sla.judge import judge_by
from sla.kind import About
from sla.listening import is_break
from sla.scope import why_closed
from sla.targets import Targets
from store import Store, deploys, destinations, incidents, ladder, lease, ledgers, meta, outbox, silences
from store import alerts as alert_rows
from store import verdicts as verdict_rows

_log = get_logger("sixfb.hub")
EVALUATOR = "evaluator"
VERDICTS = "verdicts"
DIGEST = "digest_until"
MAINTENANCE = "maintenance_under_way"
BURSTS = "bursts"
_A_TICK = timedelta(seconds=1)
_MOST_IN_A_DIGEST = 1000
_HISTORY_REACH = timedelta(days=35)
"""How far back a new evaluator looks for judged targets; a target that vanished earlier is not recorded as gone."""
SET_S = 5.0
"""The smallest clock jump in seconds that counts as a clock that was set; smaller ones are normal corrections."""


def new_holder() -> str:
    """Return a unique, readable name for this hub process."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Holds the result of one tick. `wrote` is false for a hub that is not the evaluator: it judged and saved nothing."""

    at: datetime
    wrote: bool
    verdicts: tuple[Verdict, ...] = ()
    owed: int = 0


TICK_IS_LATE = timedelta(seconds=60)


def tick_trouble(last: datetime | None, now: datetime) -> str | None:
    """Return what is wrong with the time of the last tick of any hub; None if it is recent.

    It is wrong if it is missing, older than a minute, or more than half a minute in the future.
    """
    if last is None or now - last > TICK_IS_LATE:
        return "no tick within a minute"
    ahead = last - now
    # Hubs that share a database have clocks of their own, so a small lead is normal.
    return f"the last tick is {duration(ahead.total_seconds())} in the future" if ahead > TICK_IS_LATE / 2 else None


@dataclass(kw_only=True)
class Cycle:
    """Runs ticks.

    `lease_s` is how long this hub stays the evaluator without renewal, in seconds. `watching_since` is when it started,
    which counts if no hub has ever judged. `steady` is the monotonic clock. `hub_clock` returns the judgement of this
    hub's clock by the runners' clocks.
    """

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
    _series_kept: KeptSeries = field(default_factory=KeptSeries, init=False)
    _tallies_kept: KeptTallies = field(default_factory=KeptTallies, init=False)
    _epoch: int | None = field(default=None, init=False)
    _sales: tuple[datetime, SalesRate | None] | None = field(default=None, init=False)
    _newest: dict[str, verdict_rows.PastVerdict] | None = field(default=None, init=False)
    """The newest row of each target's history; None if it must be read first."""

    def tick(self, now: datetime) -> Tick:
        """Judge everything as of `now`, advance the alerts, and save both together with the messages they owe."""
        with self.store.write() as connection:
            epoch = lease.take(connection, name=EVALUATOR, holder=self.holder, ttl_s=self.lease_s)
        if epoch is None:
            self._last = self._epoch = None
            return Tick(at=now, wrote=False)
        if epoch != self._epoch:
            # Another hub may have judged in between, and extended the history.
            self._epoch, self._newest = epoch, None
        self.at("cycle.leased")
        with self.store.read() as connection:
            before = load_watch(connection)
        what = self._what_broke(before, now)
        if before is not None and what and not self._excuse_pings(epoch, before.tick_at, now):
            return Tick(at=now, wrote=False)
        with self.store.read() as connection:
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
                series_kept=self._series_kept,
                tallies_kept=self._tallies_kept,
            )
        self.at("cycle.loaded")
        self._last = now, self.steady()
        index = HistoryIndex(history, now)
        verdicts = judge_by(self.targets, index)
        self.at("cycle.judged")
        owed = self._save(verdicts, epoch, index, before, watch)
        if owed is None:
            self.at("cycle.refused")
            return Tick(at=now, wrote=False)
        self.at("cycle.saved")
        return Tick(at=now, wrote=True, verdicts=tuple(verdicts), owed=owed)

    def _excuse_pings(self, epoch: int, last_tick: datetime, now: datetime) -> bool:
        """Excuse the jobs whose pings may be lost in a break of the watch; return whether this hub is still the evaluator."""
        with self.store.write() as connection:
            if not lease.holds(connection, name=EVALUATOR, holder=self.holder, epoch=epoch):
                return False
            excuse(connection, self.watched.site, last_tick=last_tick, now=now)
        return True

    def give_up(self) -> None:
        """Release the evaluator's lease, so that another hub need not wait until it expires."""
        with self.store.write() as connection:
            lease.release(connection, name=EVALUATOR, holder=self.holder)

    def _what_broke(self, before: WatchState | None, now: datetime) -> str:
        """Return what happened between the last tick and this one, as a sentence; "" if the evaluation was not interrupted."""
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
            # Checked in the transaction that writes: a stale evaluator must write nothing, however long it was stopped.
            if not lease.holds(connection, name=EVALUATOR, holder=self.holder, epoch=epoch):
                return None
            standing = _with_traits(standing_alerts(connection), self.targets)
            standing = with_firings(connection, standing, self.policy, now)
            about: list[About] = [*standing.alerts, *(verdict for verdict in verdicts if verdict.breached)]
            told = {one.key: why_closed(one, self.targets, index) for one in about}
            gone = {key: f"closed: {why}" for key, why in told.items() if why is not None}
            previous = before.tick_at if before is not None else None
            began = [
                *(alert.began_at for alert in (*standing.alerts, *standing.past)),
                *(v.began_at for v in verdicts if v.breached),
            ]
            policy = with_deploys(connection, with_silences(connection, self.policy, now), began, now)
            policy = replace(policy, sales=self._sales_rate(connection, now))
            step = self._roll_up(
                connection,
                standing,
                advance(standing, verdicts, policy, now, previous=previous, gone=gone),
                policy,
                now,
            )
            save_step(connection, step, now)
            outbox.owe(connection, announcements(policy, now))
            self._end_withdrawn(connection, policy, now)
            digest = self._owe_digest(connection, now)
            self.at("cycle.owed")
            # After the clock was set back, states dated in the future would block newer ones.
            if previous is not None and now < previous:
                ledgers.forget_future(connection, now)
            meta.put(connection, WATCH, to_wire(watch))
            meta.put(connection, VERDICTS, {"at": to_wire(now), "verdicts": to_wire(verdicts)})
            rows = self._save_history(connection, verdicts, now)
            self.at("cycle.saving")
        # Set after the commit: a failed tick is repeated, with its history.
        self._newest = {**(self._newest or {}), **{row.key: row for row in rows}}
        _tell(standing, step)
        return len(step.notifications) + digest

    def _roll_up(
        self, connection: Connection, standing: Standing, step: Advance, policy: Policy, now: datetime
    ) -> Advance:
        """Return the step with the messages of a burst rolled up, and owe the roll-ups."""
        told = meta.get(connection, BURSTS) or []
        found = rolled_up(step, standing, [from_wire(Burst, one) for one in told], policy, now)
        outbox.owe(connection, found.owed)
        if (bursts := to_wire(list(found.bursts))) != told:
            meta.put(connection, BURSTS, bursts)
        return found.step

    def _end_withdrawn(self, connection: Connection, policy: Policy, now: datetime) -> None:
        """Announce the end of maintenance that was taken out of alerts.yaml while it was under way."""
        told = meta.get(connection, MAINTENANCE) or []
        outbox.owe(connection, ended_early([from_wire(UnderWay, one) for one in told], policy, now))
        if (current := to_wire(list(under_way(policy, now)))) != told:
            meta.put(connection, MAINTENANCE, current)

    def _sales_rate(self, connection: Connection, now: datetime) -> SalesRate | None:
        """Return what is usually sold at this hour, which is read once an hour."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._sales is None or self._sales[0] != hour:
            self._sales = hour, site_sales_rate(connection, self.watched.site, now)
        return self._sales[1]

    def _owe_digest(self, connection: Connection, now: datetime) -> int:
        """Owe the digest that is due, and note until when it tells; return how many messages these are."""
        digest = self.policy.digest
        if digest is None:
            return 0
        told = meta.get(connection, DIGEST)
        since = datetime.fromisoformat(told) if told is not None else None
        # A first digest tells of what is to come, and one that a clock in the future made tells of nothing more.
        if since is None or since > now:
            meta.put(connection, DIGEST, to_wire(now))
            return 0
        if not is_due(digest, self.policy.hours, since=since, now=now):
            return 0
        alerts = alert_rows.of_period(connection, since=since, until=now + _A_TICK, limit=_MOST_IN_A_DIGEST)
        owed = digests(alerts, self.policy, since=since, now=now)
        outbox.owe(connection, owed)
        meta.put(connection, DIGEST, to_wire(now))
        return len(owed)

    def _save_history(
        self, connection: Connection, verdicts: list[Verdict], now: datetime
    ) -> list[verdict_rows.PastVerdict]:
        """Save the due rows of the verdicts' history, and return them."""
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
    """Return what happened in a gap between two ticks.

    `steady_s` is its length by the monotonic clock; None if the last tick belonged to another process.
    """
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


def with_silences(connection: Connection, policy: Policy, now: datetime) -> Policy:
    """Return the policy with the silences that hold now."""
    return replace(policy, silences=tuple(silences.active(connection, now)))


def with_deploys(connection: Connection, policy: Policy, began: Iterable[datetime | None], now: datetime) -> Policy:
    """Return the policy with the deploys that may have come shortly before failures that began at some moments."""
    first = min((at for at in began if at is not None), default=None)
    if first is None:
        return policy
    found = deploys.of_period(connection, since=first - DEPLOY_REACH, until=now + _A_TICK)
    return replace(policy, deploys=tuple(found))


def with_firings(connection: Connection, standing: Standing, policy: Policy, now: datetime) -> Standing:
    """Return what stands, with the times at which alerts fired lately that could be flapping."""
    if policy.flapping is None:
        return standing
    since, least = now - policy.flapping.within, policy.flapping.firings - 1
    return replace(standing, fired=alert_rows.fired_lately(connection, since, least=least))


def standing_alerts(connection: Connection) -> Standing:
    """Return the current alerts and incidents, inside the transaction that will change them.

    Such transactions run one after the other: an acknowledgement and a tick that each read the other's past would page whoever
    has just acknowledged.
    """
    alert_rows.lock(connection)
    open_incidents = incidents.open_ones(connection)
    return Standing(
        alerts=alert_rows.standing(connection),
        past=alert_rows.past_of(connection, open_incidents),
        incidents=open_incidents,
        notifications=outbox.of_threads(connection, [incident.id for incident in open_incidents]),
        episodes=alert_rows.last_episode(connection),
        last_incident=incidents.last_number(connection),
        ladder=ladder.of_incidents(connection, [incident.id for incident in open_incidents]),
    )


def save_step(connection: Connection, step: Advance, now: datetime) -> None:
    """Save the changes of one step and the messages it owes."""
    alert_rows.save(connection, step.alerts, at=now)
    incidents.save(connection, step.incidents)
    for changed in step.changed:
        outbox.update_owed(connection, changed)
    outbox.owe(connection, step.notifications)
    ladder.save(connection, step.ladder)
    for role in step.reached:
        destinations.clear(connection, _role(role))
    for role in step.unreached:
        # An alert of our own reports it, until the role has a contact.
        destinations.mark(connection, _role(role), at=now, reason="has no contact in alerts.yaml")


def _role(name: str) -> str:
    return f"role {name}"[:64]
