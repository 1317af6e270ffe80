"""The hub as a program: its doors, and the threads that evaluate, deliver, collect and keep house."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from alerts.channels import Channel
from alerts.policy import Policy
from config import Secret
from config.bounded_http import bounded_client
from config.connections import Connections, limited_server
from config.descriptors import most_connections
from config.listening import listen
from config.logs import get_logger
from config.private import tighten
from facts import Failpoint, go_on, to_wire
from hub.access import Access
from hub.app import create_app
from hub.artifacts import Artifacts
from hub.centre import Centre, DemoLinks
from hub.clock_witness import ClockWitness, sentence_of
from hub.collect import INVENTORY, Collector
from hub.cycle import VERDICTS, Cycle, Tick, new_holder
from hub.deliver import Deliverer
from hub.guard import Guard
from hub.health import Health
from hub.ingest import Ingest
from hub.server_key import KEY_FILE, ServerKey, server_key
from hub.unknown_slots import write_missed
from hub.watched import Watched
from journeys.browser import our_version
from sla.targets import Targets
from sources import LARGEST_ANSWER, read_inventory
from store import Store, StoreError, StoreUnavailableError, destinations, feeds, lease, meta, retention

_log = get_logger("sixfb.hub")
_TICK_S = 10.0
_DELIVER_S = 1.0
_COLLECT_S = 60.0
_HOUSEKEEPING_S = 600.0
# It looks at every file of evidence, of which there may be a hundred thousand.
_ORPHANS_S = 3600.0
_TOO_WRONG_S = 3600.0
_FIRST_WATCHED = "first_watched"
_MOST_CONNECTIONS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """How the hub runs. `scale` makes its own clocks that many times faster (the demo: 5). `port` 0 lets the system choose.

    `evidence_bytes` is how much evidence is kept. `inventory_url` is where the inventory is read (None: not configured).
    `lease_s` and `claim_s` are how long a hub that dies keeps others from judging, and from sending what it was about to send.
    `secret_key` signs tokens and forms; without one the hub makes its own in `folder`.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8600
    scale: float = 1.0
    inventory_url: str | None = None
    evidence_bytes: int = 20 * 1024**3
    lease_s: float = lease.LIFE_S
    claim_s: float = 60.0
    notices: tuple[str, ...] = ()
    demo: DemoLinks | None = None
    access: Access = field(default_factory=Access)
    secret_key: Secret | None = None


class Loop:
    """A thread that does one thing again and again; an error is logged and the next round comes all the same."""

    def __init__(self, name: str, every_s: float, do: Callable[[], object]) -> None:
        self._name, self._every_s, self._do = name, every_s, do
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._thread.start()

    def wake(self) -> None:
        """Do not wait for the next round."""
        self._wake.set()

    def end(self) -> None:
        """Begin no other round."""
        self._ended.set()
        self._wake.set()

    def has_ended(self, within_s: float) -> bool:
        """Wait for the round that is under way; whether it is over."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, within_s))
        return not self._thread.is_alive()

    def _go(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self._wake.clear()
            try:
                self._do()
            except Exception:  # noqa: BLE001 - the one place where a thread would die of it
                _log.exception("loop_failed", loop=self._name, again_in_s=self._every_s)
            self._wake.wait(max(0.05, self._every_s - (time.monotonic() - began)))


@dataclass(kw_only=True)
class Hub:
    """The centre, running. `start`, then `wait` or do something else, then `stop`."""

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
            at=self.at,
            claim_s=self.settings.claim_s,
        )
        self._health = Health(self._deliverer.trouble)
        # A key that others could read is not closed without a word: who had it is not known.
        tighten(self.settings.folder, spare=KEY_FILE)
        self._artifacts = Artifacts(self.store, self.settings.folder / "evidence", at=self.at)
        key = server_key(self.settings.folder, self.settings.secret_key)
        self._guard = Guard(self.store, key, self.settings.access, clock=self.clock)
        with self.store.write() as connection:
            destinations.forget_changed(connection, _digests(self.channels, key))
        # A site under load answers its inventory in seconds; one that has not in ten is read again a minute later.
        self._client = bounded_client(
            timeout_s=10.0, most_bytes=LARGEST_ANSWER, headers={"User-Agent": f"sixfb/{our_version()} (hub)"}
        )
        self._loops = self._make_loops()
        self._server = limited_server(
            create_app(self._centre()),
            Connections(most_connections(at_most=_MOST_CONNECTIONS)),
            # Who asks is read from forwarding headers by `hub.access`, which knows whom to believe.
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
        self._serving = threading.Thread(target=self._server.run, name="doors", daemon=True)

    def _since(self, now: datetime) -> datetime:
        """When a hub first watched."""
        with self.store.write() as connection:
            feeds.keep_only(connection, [INVENTORY] if self.settings.inventory_url else [])
            first = meta.get(connection, _FIRST_WATCHED)
            # One of the future is of a clock that was ahead at the very first start.
            if first is None or datetime.fromisoformat(first) > now:
                meta.put(connection, _FIRST_WATCHED, to_wire(now))
                return now
        return datetime.fromisoformat(first)

    def _make_loops(self) -> dict[str, Loop]:
        scale, url = self.settings.scale, self.settings.inventory_url
        loops = {
            "evaluator": Loop("evaluator", _TICK_S / scale, self._noting(self._tick)),
            "deliverer": Loop("deliverer", _DELIVER_S, self._noting(self._deliverer.begin, writes=False)),
            "housekeeping": Loop("housekeeping", _HOUSEKEEPING_S, self._noting(self._keep_house)),
            "orphans": Loop("orphans", _ORPHANS_S, self._noting(self._sweep_orphans)),
        }
        if url:
            collector = Collector(store=self.store, read=partial(read_inventory, self._client, url))
            collect = self._noting(lambda: collector.collect(self.clock()))
            loops["inventory"] = Loop("inventory", _COLLECT_S / scale, collect)
        return loops

    def _noting(self, do: Callable[[], object], *, writes: bool = True) -> Callable[[], None]:
        """A loop's round that leaves in memory whether the database could be used. One that only reads can tell that it could
        not: a database that is full, locked or read-only is read as ever."""

        def a_round() -> None:
            try:
                do()
            except StoreUnavailableError as error:
                self._health.failed(error)
            else:
                (self._health.wrote if writes else self._health.answered)()

        return a_round

    def _tick(self) -> Tick:
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
        """When another hub last judged."""
        with self.store.read() as connection:
            told = meta.get(connection, VERDICTS)
        return datetime.fromisoformat(told["at"]) if told else None

    def _keep_house(self) -> None:
        clock = self._witness.judged()
        if abs(clock.behind_s or 0.0) > _TOO_WRONG_S:
            # What a wrong clock lets go of, or writes down as missed, is gone when it is right.
            _log.warning("housekeeping_waits", reason=sentence_of(clock))
            return
        now = self.clock()
        write_missed(self.store, self.watched, since=self._first_watched, now=now)
        swept = retention.sweep(self.store, now=now)
        self._artifacts.remove(swept.evidence)
        gone = self._artifacts.make_room(self.settings.evidence_bytes)
        if gone:
            _log.warning("evidence_let_go", artifacts=gone)

    def _sweep_orphans(self) -> None:
        swept = self._artifacts.sweep(now=self.clock())
        if swept:
            _log.info("orphans_swept", files=swept)

    def _centre(self) -> Centre:
        return Centre(
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
            wake=self.wake,
            notices=self.settings.notices,
            demo=self.settings.demo,
            scale=self.settings.scale,
            clock=self.clock,
        )

    def wake(self) -> None:
        """Evaluate now: something new came."""
        self._loops["evaluator"].wake()

    def start(self) -> str:
        """Start everything; the address the hub answers at. Raises OSError where the port is taken."""
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

    def open_doors(self) -> tuple[str, ...]:
        """What a person must know of doors that ask nobody anything."""
        return self._guard.notices()

    def stop(self, *, within_s: float = 8.0) -> bool:
        """Take nothing more, finish what is under way, let another hub judge at once, close.

        False where something was still under way after `within_s` seconds. Nothing is lost by ending the process then: what was
        not committed is sent or claimed again.
        """
        ends = time.monotonic() + within_s
        self._server.should_exit = True
        self._deliverer.end()
        for loop in self._loops.values():
            loop.end()
        if self._serving.is_alive():
            self._serving.join(within_s)
        under_way = [name for name, loop in self._loops.items() if not loop.has_ended(ends - time.monotonic())]
        if not self._deliverer.has_ended(ends - time.monotonic()):
            under_way.append("messages")
        if self._serving.is_alive():
            under_way.append("doors")
        if "evaluator" not in under_way:
            self._let_go()
        _log.info("hub_stopped", under_way=under_way)
        if under_way:
            return False
        self._client.close()
        self.store.close()
        return True

    def _let_go(self) -> None:
        """Give the lease back, so that no other hub has to wait for its end."""
        try:
            self._cycle.give_up()
        except StoreError as error:
            _log.warning("lease_not_released", error=str(error))


def _digests(channels: Mapping[str, Channel], key: ServerKey) -> dict[str, str]:
    """Return a digest of each destination's address, which is a secret itself."""
    urls = {name: getattr(channel, "url", None) for name, channel in channels.items()}
    return {
        name: key.sign("destination", url.reveal() if isinstance(url, Secret) else "") for name, url in urls.items()
    }


def address_of(host: str, port: int) -> str:
    """The http address of a host and port."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
