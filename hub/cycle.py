"""The cycle: load → judge → advance → save. What is decided and what is owed for it are one transaction."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from alerts.machine import Advance, Standing, advance
from alerts.policy import Policy
from config.logs import get_logger
from facts import Alert, Failpoint, Verdict, go_on, to_wire
from hub.loading import load_history
from hub.watched import Watched
from sla.judge import judge
from sla.targets import Targets
from store import Store, incidents, lease, meta, outbox
from store import alerts as alert_rows

_log = get_logger("sixfb.hub")
EVALUATOR = "evaluator"
VERDICTS = "verdicts"
_BY_PLACE = ("F3", "P1", "W1", "W3")


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


@dataclass(kw_only=True)
class Cycle:
    """Ticks. `lease_s` is how long this hub stays the evaluator without a word;"""

    store: Store
    watched: Watched
    targets: Targets
    policy: Policy
    watching_since: datetime
    holder: str = field(default_factory=new_holder)
    lease_s: float = lease.LIFE_S
    at: Failpoint = go_on
    _previous: datetime | None = field(default=None, init=False)

    def tick(self, now: datetime) -> Tick:
        """Judge everything as of `now`, advance the alerts, and save both with the messages they owe."""
        with self.store.write() as connection:
            epoch = lease.take(connection, name=EVALUATOR, holder=self.holder, ttl_s=self.lease_s)
        if epoch is None:
            self._previous = None
            return Tick(at=now, wrote=False)
        self.at("cycle.leased")
        with self.store.read() as connection:
            history = load_history(
                connection,
                watched=self.watched,
                targets=self.targets,
                now=now,
                watching_since=self.watching_since,
            )
        self.at("cycle.loaded")
        verdicts = judge(self.targets, history, now)
        self.at("cycle.judged")
        owed = self._save(verdicts, epoch, now)
        if owed is None:
            self.at("cycle.refused")
            return Tick(at=now, wrote=False)
        self._previous = now
        self.at("cycle.saved")
        return Tick(at=now, wrote=True, verdicts=tuple(verdicts), owed=owed)

    def give_up(self) -> None:
        """Be the evaluator no longer: another hub need not wait for the lease to run out."""
        with self.store.write() as connection:
            lease.release(connection, name=EVALUATOR, holder=self.holder)

    def _save(self, verdicts: list[Verdict], epoch: int, now: datetime) -> int | None:
        """How many messages are owed now; None where another hub became the evaluator meanwhile."""
        with self.store.write() as connection:
            if not lease.holds(connection, name=EVALUATOR, holder=self.holder, epoch=epoch):
                return None
            standing = standing_alerts(connection)
            gone = {alert.key for alert in standing.alerts if not self._is_watched(alert)}
            step = advance(standing, verdicts, self.policy, now, previous=self._previous, gone=gone)
            save_step(connection, step, now)
            meta.put(connection, VERDICTS, {"at": to_wire(now), "verdicts": to_wire(verdicts)})
            self.at("cycle.saving")
        _tell(standing, step)
        return len(step.notifications)

    def _is_watched(self, alert: Alert) -> bool:
        """Whether what an alert is about is still on the plan. A rule that cannot be judged now is no reason to end one."""
        schedules, places = self.watched.schedules(), {*self.watched.locations.locations, "all"}
        known = alert.rule in self.targets.rules() and (alert.journey is None or alert.journey in schedules)
        unpaid = alert.rule in self.targets.of_payment and self.watched.site.payment != "test"
        return known and not unpaid and (alert.rule not in _BY_PLACE or alert.subject in places)


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
