"""The hub as a program: its doors, and the threads that evaluate, deliver and run the jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from alerts.channels import Channel
from alerts.policy import Policy
from alerts.report_mail import ReportMail
from alerts.weekly_trial import WeeklyTrial
from config import Secret
from facts import Failpoint, go_on, to_wire
from hub.access import Access
from hub.app import create_app
from hub.artifacts import Artifacts
from hub.clock_witness import ClockWitness
from hub.context import HubContext
from hub.cycle import Cycle, Tick, new_holder
from hub.deliver import Deliverer
from hub.guard import Guard
from hub.health import Health
from hub.ingest import Ingest
from hub.jobs import JobScheduler, JobServices, configured_jobs
from hub.kept_verdicts import read_verdicts
from hub.otlp_settings import OtlpSettings
from hub.pagerduty_webhook import PagerDutyWebhook
from hub.receipts import CONFIRM_WITHIN, Receipts
from hub.server_key import KEY_FILE, ServerKey, server_key
from hub.stripe_webhook import StripeWebhook
from hub.twilio_webhook import TwilioWebhook
from hub.watched import Watched
from journeys.browser import our_version
from process.connections import Connections, limited_server
from process.descriptors import most_connections
from process.listeners import listen
from process.logs import get_logger
from process.private_files import tighten
from reports.live.additions import PageAddition
from sla.targets import Targets
from sources import Source
from sources.events import EVENTS
from store import Store, StoreError, StoreUnavailableError, cursors, destinations, feeds, lease, meta

_log = get_logger("sixfb.hub")
_TICK_S = 10.0
_DELIVER_S = 1.0
_RECEIPTS_S = 5.0
_JOBS_S = 1.0
_FIRST_WATCHED = "first_watched"
_MOST_CONNECTIONS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Holds the hub's settings.

    `evidence_bytes` is how much evidence is kept. `sources` are read on their schedules, and closed by the hub.
    `lease_s` and `claim_s` are how long a hub that dies keeps others from judging, and from sending what it was about to send.
    `secret_key` signs tokens and forms; without one the hub makes its own in `folder`. Each
    of `stripe_webhook`, `pagerduty_webhook` and `twilio_webhook` takes that service's webhooks; None where its secret is not set.
    `report_mail` sends the scheduled reports; without it they are only written. `trial` is the weekly test of the
    destinations; None where there is none. `otlp` is how runs are exported; None where they are not.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8600
    scale: float = 1.0
    sources: Sequence[Source] = ()
    evidence_bytes: int = 20 * 1024**3
    lease_s: float = lease.LIFE_S
    claim_s: float = 60.0
    notices: tuple[str, ...] = ()
    additions: Sequence[PageAddition] = ()
    access: Access = field(default_factory=Access)
    secret_key: Secret | None = None
    stripe_webhook: StripeWebhook | None = None
    pagerduty_webhook: PagerDutyWebhook | None = None
    twilio_webhook: TwilioWebhook | None = None
    report_mail: ReportMail | None = None
    trial: WeeklyTrial | None = None
    otlp: OtlpSettings | None = None


class Loop:
    """A thread that calls one function repeatedly; an error is logged and does not stop it."""

    def __init__(self, name: str, every_s: float, do: Callable[[], object]) -> None:
        self._name, self._every_s, self._do = name, every_s, do
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; the first call is immediate."""
        self._thread.start()

    def wake(self) -> None:
        """Start the next round immediately."""
        self._wake.set()

    def end(self) -> None:
        """Start no more rounds."""
        self._ended.set()
        self._wake.set()

    def has_ended(self, within_s: float) -> bool:
        """Wait up to `within_s` seconds for the current round, and return whether it has ended."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, within_s))
        return not self._thread.is_alive()

    def _go(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self._wake.clear()
            try:
                self._do()
            except Exception:  # noqa: BLE001 - any error here would end the thread
                _log.exception("loop_failed", loop=self._name, again_in_s=self._every_s)
            self._wake.wait(max(0.05, self._every_s - (time.monotonic() - began)))


@dataclass(kw_only=True)
class Hub:
    """Runs the hub. Call `start`, and later `stop`."""

    store: Store
    watched: Watched
    targets: Targets
    policy: Policy
    channels: Mapping[str, Channel]
    settings: HubSettings
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    at: Failpoint = go_on
    holder: str = field(default_factory=new_holder)

    def __post_init__(self) -> None:
        self.store.migrate()
        self.store.pin()
        now = self.clock()
        self._first_watched = self._since(now)
        self._evaluates = False
        self._witness = ClockWitness(limit_s=self.targets.reject_skew_s)
        key = server_key(self.settings.folder, self.settings.secret_key)
        self._guard = Guard(self.store, key, self.settings.access, clock=self.clock)
        if self.policy.base_url:
            self.policy = replace(self.policy, action_link=self._guard.action_links.maker(self.policy.base_url))
        self._cycle = Cycle(
            store=self.store,
            watched=self.watched,
            targets=self.targets,
            policy=self.policy,
            watching_since=now,
            holder=self.holder,
            lease_s=self.settings.lease_s,
            at=self.at,
            hub_clock=self._witness.judged,
        )
        self._deliverer = Deliverer(
            store=self.store,
            channels=self.channels,
            holder=self.holder,
            clock=self.clock,
            routes=self.policy.routes,
            called_by_name=self.policy.called_by_name,
            ways=self.policy.directory.ways,
            scale=self.settings.scale,
            at=self.at,
            claim_s=self.settings.claim_s,
        )
        self._receipts = Receipts(
            store=self.store,
            channels=self.channels,
            clock=self.clock,
            give_up=self._deliverer.tell_another,
            unreached=self.wake,
            within=CONFIRM_WITHIN / self.settings.scale,
        )
        self._health = Health(self._deliverer.trouble)
        # A key file that others can read is not silently made private, because it may have been read already.
        tighten(self.settings.folder, spare=KEY_FILE)
        self._artifacts = Artifacts(self.store, self.settings.folder / "evidence", at=self.at)
        with self.store.write() as connection:
            destinations.forget_changed(connection, _digests(self.channels, key))
        self._scheduler = self._make_scheduler()
        self._loops = self._make_loops()
        self._server = limited_server(
            create_app(self._context()),
            Connections(most_connections(at_most=_MOST_CONNECTIONS)),
            # `hub.access` reads the client's address from forwarding headers, because it knows the trusted proxies.
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
        self._serving = threading.Thread(target=self._server.run, name="doors", daemon=True)

    def _since(self, now: datetime) -> datetime:
        """Return when a hub first watched."""
        with self.store.write() as connection:
            # Events are sent, not read: their feed is there from the first one on.
            feeds.keep_only(connection, [EVENTS, *(source.name for source in self.settings.sources)])
            cursors.forget_permanent_failures(connection)
            first = meta.get(connection, _FIRST_WATCHED)
            # A date in the future comes from a clock that was ahead at the very first start.
            if first is None or datetime.fromisoformat(first) > now:
                meta.put(connection, _FIRST_WATCHED, to_wire(now))
                return now
        return datetime.fromisoformat(first)

    def _make_scheduler(self) -> JobScheduler:
        services = JobServices(
            store=self.store,
            watched=self.watched,
            policy=self.policy,
            artifacts=self._artifacts,
            first_watched=self._first_watched,
            evidence_bytes=self.settings.evidence_bytes,
            sources=self.settings.sources,
            scale=self.settings.scale,
            clock=self.clock,
            hub_clock=self._witness.judged,
            targets=self.targets,
            folder=self.settings.folder,
            report_mail=self.settings.report_mail,
            trial=self.settings.trial,
            otlp=self.settings.otlp,
        )
        return JobScheduler(
            store=self.store,
            jobs=configured_jobs(services, scale=self.settings.scale),
            services=services,
            holder=self.holder,
            lease_s=self.settings.lease_s,
            clock=self.clock,
            at=self.at,
            unavailable=self._health.failed,
        )

    def _make_loops(self) -> dict[str, Loop]:
        return {
            "evaluator": Loop("evaluator", _TICK_S / self.settings.scale, self._with_health(self._tick)),
            "deliverer": Loop("deliverer", _DELIVER_S, self._with_health(self._deliverer.begin, writes=False)),
            "receipts": Loop("receipts", _RECEIPTS_S, self._with_health(self._receipts.look, writes=False)),
            "jobs": Loop("jobs", _JOBS_S, self._with_health(self._scheduler.look, writes=False)),
        }

    def _with_health(self, do: Callable[[], object], *, writes: bool = True) -> Callable[[], None]:
        """Return a loop's round that records in memory whether the database could be used.

        A round that only reads can show that the database is unusable, but not that it is usable: a full, locked or
        read-only database can still be read.
        """

        def a_round() -> None:
            try:
                do()
            except StoreUnavailableError as error:
                self._health.failed(error)
            else:
                (self._health.wrote if writes else self._health.answered)()

        return a_round

    def _tick(self) -> Tick:
        # SQLite's cache can hide that the file was overwritten, so each tick checks the disk.
        self.store.check()
        tick = self._cycle.tick(self.clock())
        self._health.ticked(tick.at if tick.wrote else self._last_tick())
        if tick.wrote != self._evaluates:
            _log.info("evaluator_is_another" if self._evaluates else "evaluator_is_this", holder=self.holder)
            self._evaluates = tick.wrote
        if tick.owed:
            self._loops["deliverer"].wake()
        return tick

    def _last_tick(self) -> datetime | None:
        """Return when another hub last judged."""
        with self.store.read() as connection:
            return read_verdicts(connection).at

    def _context(self) -> HubContext:
        return HubContext(
            store=self.store,
            watched=self.watched,
            targets=self.targets,
            policy=self.policy,
            ingest=Ingest(
                self.store,
                locations=self.watched.locations.locations,
                periods={name: schedule.period_s for name, schedule in self.watched.schedules().items()},
                taken=self.wake,
                reject_skew_s=self.targets.reject_skew_s,
                witness=self._witness,
                at=self.at,
            ),
            artifacts=self._artifacts,
            guard=self._guard,
            health=self._health,
            jobs=self._scheduler.jobs,
            wake=self.wake,
            wake_jobs=lambda: self._loops["jobs"].wake(),
            notices=self.settings.notices,
            additions=self.settings.additions,
            scale=self.settings.scale,
            stripe_webhook=self.settings.stripe_webhook,
            pagerduty_webhook=self.settings.pagerduty_webhook,
            twilio_webhook=self.settings.twilio_webhook,
            clock=self.clock,
        )

    def wake(self) -> None:
        """Evaluate now, because something new arrived."""
        self._loops["evaluator"].wake()

    def start(self) -> str:
        """Start everything, and return the hub's address. Raises OSError if the port is in use."""
        where = f"{self.settings.host}:{self.settings.port}"
        try:
            listeners = listen(self.settings.host, self.settings.port)
        except OSError as error:
            raise OSError(f"the hub cannot serve at {where}: {error.strerror}; is the port taken?") from None
        self._serving = threading.Thread(
            target=self._server.run, kwargs={"sockets": listeners}, name="doors", daemon=True
        )
        self._serving.start()
        while not self._server.started:
            if not self._serving.is_alive():
                raise OSError(f"the hub cannot serve at {where}: see its log")
            time.sleep(0.01)
        for loop in self._loops.values():
            loop.start()
        port = listeners[0].getsockname()[1]
        _log.info("hub_started", version=our_version(), host=self.settings.host, port=port, holder=self.holder)
        return address_of(self.settings.host, port)

    def open_access_notices(self) -> tuple[str, ...]:
        """Return the notices about endpoints that require no authentication."""
        return self._guard.notices()

    def stop(self, *, within_s: float = 8.0) -> bool:
        """Stop: accept no more requests, finish current work, release the evaluator's lease, and close.

        Returns False if some work is not finished after `within_s` seconds. The process may then be ended without loss:
        uncommitted work is sent or claimed again.
        """
        ends = time.monotonic() + within_s
        self._server.should_exit = True
        self._deliverer.end()
        self._receipts.end()
        self._scheduler.end()
        for loop in self._loops.values():
            loop.end()
        if self._serving.is_alive():
            self._serving.join(within_s)
        under_way = [name for name, loop in self._loops.items() if not loop.has_ended(ends - time.monotonic())]
        if not self._deliverer.has_ended(ends - time.monotonic()):
            under_way.append("messages")
        if "jobs" not in under_way and not self._jobs_have_ended(ends - time.monotonic()):
            under_way.append("jobs")
        if self._serving.is_alive():
            under_way.append("doors")
        # A tick that is still running needs the lease to save its result.
        if "evaluator" not in under_way:
            self._let_go()
        _log.info("hub_stopped", under_way=under_way)
        if under_way:
            return False
        for source in self.settings.sources:
            source.close()
        self.store.close()
        return True

    def _jobs_have_ended(self, within_s: float) -> bool:
        """Wait for the jobs under way; where all are over, another hub may run them at once."""
        try:
            if not self._scheduler.has_ended(within_s):
                return False
            self._scheduler.give_up()
        except StoreError as error:
            _log.warning("lease_not_released", error=str(error))
        return True

    def _let_go(self) -> None:
        """Release the evaluator's lease, so that no other hub must wait for its expiry."""
        try:
            self._cycle.give_up()
        except StoreError as error:
            _log.warning("lease_not_released", error=str(error))


def _digests(channels: Mapping[str, Channel], key: ServerKey) -> dict[str, str]:
    """Return a digest of what each destination is reached by, which is a secret itself."""
    urls = {name: getattr(channel, "identity", getattr(channel, "url", None)) for name, channel in channels.items()}
    return {
        name: key.sign("destination", url.reveal() if isinstance(url, Secret) else "") for name, url in urls.items()
    }


def address_of(host: str, port: int) -> str:
    """Return the http URL of a host and port."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
