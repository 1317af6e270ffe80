"""A hub that is stopped finishes what is under way, and lets another judge at once."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from alerts.channels import Receipt
from alerts.message import Message
from alerts.policy import Policy
from demo.hub_pages import DemoPages
from demo.inbox import Inbox
from demo.serve import Served, a_socket
from facts import Notification, NotificationKind, NotificationState, Severity, to_wire
from hub.cycle import EVALUATOR
from hub.serve import Hub, HubSettings
from store import Store, lease, open_store, outbox, runs
from tests.builders import a_run
from tests.drills.hub import the_watched
from tests.shipped import shipped_targets


@dataclass
class Slow:
    """A receiver that takes its time."""

    begun: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        self.begun.set()
        self.over.wait(30)
        return Receipt(ok=True, detail="taken")


def a_hub(store: Store, folder: Path, channel: Slow, *, demo: DemoPages | None = None) -> Hub:
    return Hub(
        store=store,
        watched=the_watched(),
        targets=shipped_targets(),
        policy=Policy(routes={Severity.CRITICAL: ("hook",)}, base_url="http://hub.test"),
        channels={"hook": channel},
        settings=HubSettings(folder=folder, port=0, lease_s=3600.0, claim_s=3600.0, additions=(demo,) if demo else ()),
    )


def owe(store: Store) -> None:
    now = datetime.now(UTC)
    message = Message(
        incident="inc-1", kind=NotificationKind.FIRING, severity=Severity.CRITICAL, headline="F0", summary="it fails"
    )
    owed = Notification(
        id="n1",
        thread="inc-1",
        alert_id="F0/ga_purchase",
        destination="hook",
        kind=NotificationKind.FIRING,
        severity=Severity.CRITICAL,
        order=1,
        created_at=now,
        due_at=now,
        message=to_wire(message),
    )
    with store.write() as connection:
        outbox.owe(connection, [owed])


def test_the_message_that_is_being_sent_is_recorded_and_the_lease_given_back(tmp_path: Path) -> None:
    store, slow = open_store(None, folder=tmp_path), Slow()
    hub = a_hub(store, tmp_path, slow)
    hub.start()
    owe(store)
    assert slow.begun.wait(30)
    threading.Timer(0.3, slow.over.set).start()
    assert hub.stop(within_s=60)
    after = open_store(None, folder=tmp_path)
    with after.write() as connection:
        assert [n.state for n in outbox.of_threads(connection, ["inc-1"])] == [NotificationState.DELIVERED]
        assert lease.take(connection, name=EVALUATOR, holder="another", ttl_s=30) is not None
    after.close()


def test_a_receiver_that_hangs_keeps_it_no_longer_than_it_may(tmp_path: Path) -> None:
    store, slow = open_store(None, folder=tmp_path), Slow()
    hub = a_hub(store, tmp_path, slow)
    hub.start()
    owe(store)
    assert slow.begun.wait(30)
    assert not hub.stop(within_s=1)
    slow.over.set()
    assert hub.stop(within_s=60)


def test_what_it_answered_before_is_kept_and_nobody_is_answered_after(tmp_path: Path) -> None:
    store = open_store(None, folder=tmp_path)
    hub = a_hub(store, tmp_path, Slow())
    address = hub.start()
    now = datetime.now(UTC)
    run = a_run(slot=None, started_at=now, finished_at=now)
    answer = httpx.post(f"{address}/api/runs", json={"runs": [to_wire(run)]}, trust_env=False)
    assert answer.json()["results"][0]["result"] == "accepted"
    assert hub.stop(within_s=60)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{address}/healthz", trust_env=False)
    after = open_store(None, folder=tmp_path)
    with after.read() as connection:
        assert runs.count(connection) == 1
    after.close()


def test_it_lets_go_of_the_demos_shop_and_receivers(tmp_path: Path) -> None:
    receivers = Served(Inbox().app(), [a_socket()])
    receivers.start()
    port = int(receivers.urls[0].rpartition(":")[2])
    links = DemoPages(shop=receivers.urls[0], inbox=f"{receivers.urls[0]}/inbox.json")
    hub = a_hub(open_store(None, folder=tmp_path), tmp_path, Slow(), demo=links)
    try:
        assert httpx.get(f"{hub.start()}/inbox.json", trust_env=False).json() == []
        assert ours_to(port), "a connection is kept for the next page"
        assert hub.stop(within_s=60)
        assert ours_to(port) == []
    finally:
        receivers.stop()


def ours_to(port: int) -> list[int]:
    """The sockets of this process that are connected to a port."""
    return [c.fd for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == port]


def test_a_hub_closes_what_others_could_read_and_sweeps_what_belongs_to_nothing_as_it_starts(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    half = folder / "evidence" / ".receiving-x"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    store = open_store(None, folder=folder)
    for path in (folder, half, half.parent, folder / "sixfb.db"):
        path.chmod(0o755)
    hub = a_hub(store, folder, Slow())
    hub.start()
    found = {path.name: path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}
    for _ in range(2000):
        if not half.exists():
            break
        time.sleep(0.01)
    assert hub.stop()
    assert {name for name, mode in found.items() if mode} == set()
    assert {"sixfb.db", "sixfb.db-wal", "secret.key"} <= set(found)
    assert not half.exists()


def test_a_hub_that_can_only_read_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'sixfb.db'}?timeout=0.1", folder=tmp_path)
    hub = a_hub(store, tmp_path / "hub", Slow())
    address = hub.start()
    _until(lambda: httpx.get(f"{address}/readyz").status_code == 200)
    with closing(sqlite3.connect(tmp_path / "sixfb.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout=5000")
        other.execute("BEGIN IMMEDIATE")
        hub.wake()
        _until(lambda: httpx.get(f"{address}/readyz").status_code == 503)
        # Longer than the deliverer's round, which reads what is due.
        ends = time.monotonic() + 2.5
        while time.monotonic() < ends:
            assert "locked by another program" in httpx.get(f"{address}/readyz").json()["status"]
            time.sleep(0.1)
        other.execute("ROLLBACK")
    hub.wake()
    _until(lambda: httpx.get(f"{address}/readyz").status_code == 200)
    assert hub.stop()


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.1)
