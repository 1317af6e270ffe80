"""A healthy destination gets its messages whatever the others do: on one hub and on two, on both databases."""

from __future__ import annotations

import ipaddress
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import Channel, Receipt, Webhook, guarded_client
from alerts.message import Message
from config import Secret
from facts import Notification, NotificationKind, NotificationState, Severity, to_wire
from hub.deliver import Deliverer
from hub.health import Health
from hub.serve import Loop
from process.connecting import Names
from store import Store, destinations, outbox
from tests.receivers import BEHAVIOURS, Call, Rig, answers, no_thread

LOOPBACK = ("127.0.0.0/8",)
HANGING = ("silent after accept", "silent after the request", "silent after headers", "drips headers", "drips content")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as opened:
        yield opened


def a_webhook(url: str, *, try_s: float, names: Names | None = None) -> Channel:
    allow = [ipaddress.ip_network(network) for network in LOOPBACK]
    client = guarded_client(allow, try_s=try_s, names=names, environment={})
    return Webhook(url=Secret(url), client=client)


def a_notification(name: str, destination: str, **facts: Any) -> Notification:
    now = datetime.now(UTC)
    kind = facts.get("kind", NotificationKind.FIRING)
    message = Message(incident=name, kind=kind, severity=Severity.CRITICAL, headline=name, summary="it fails")
    return Notification(
        **{
            "id": f"{name}.{kind}.{destination}",
            "thread": name,
            "alert_id": f"F0.{name}",
            "destination": destination,
            "kind": kind,
            "severity": Severity.CRITICAL,
            "order": 1,
            "created_at": now,
            "due_at": now,
            "message": to_wire(message),
            **facts,
        }
    )


def owe(store: Store, *owed: Notification) -> None:
    with store.write() as connection:
        outbox.owe(connection, owed)


def states(store: Store, *threads: str) -> dict[str, NotificationState]:
    with store.read() as connection:
        return {n.id: n.state for n in outbox.of_threads(connection, threads)}


def claimed(store: Store, *threads: str) -> Counter[str]:
    """How many messages to each destination are being sent."""
    return Counter(n.rpartition(".")[2] for n, state in states(store, *threads).items() if state == "claimed")


def a_deliverer(store: Store, channels: dict[str, Channel], holder: str = "hub-1") -> Deliverer:
    return Deliverer(store=store, channels=channels, holder=holder, clock=lambda: datetime.now(UTC))


@contextmanager
def running(deliverers: Sequence[Deliverer]) -> Iterator[None]:
    """Each looks at the outbox again and again, as a hub's does."""
    loops = [Loop(f"deliverer {d.holder}", 0.05, d.begin) for d in deliverers]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for deliverer, loop in zip(deliverers, loops, strict=True):
            deliverer.end()
            loop.end()
        for loop in loops:
            assert loop.has_ended(30)


def until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.02)


@pytest.mark.parametrize("hubs", [1, 2])
def test_a_healthy_destination_gets_its_messages_whatever_the_others_do(store: Store, rig: Rig, hubs: int) -> None:
    urls = {name: rig.url(name) for name in BEHAVIOURS} | {"resolves slowly": "http://slow.test/hook"}
    names = rig.names()
    # A try is longer than this test waits: whoever waits for one that hangs waits too long.
    channels = {name: a_webhook(url, try_s=120.0, names=names) for name, url in urls.items()}
    threads = [f"inc-{n}" for n in range(4)]
    deliverers = [a_deliverer(store, channels, f"hub-{n}") for n in range(hubs)]
    # More is owed to each that hangs than all workers could claim, and it was owed before.
    owe(store, *(a_notification(thread, name) for name in urls if name != "well" for thread in threads))
    with running(deliverers):
        until(lambda: all(len(rig.calls(name)) >= hubs for name in HANGING), "each that hangs has been called by each")
        owe(store, *(a_notification(thread, "well") for thread in threads))
        wanted = [f"{thread}.firing.well" for thread in threads]
        until(lambda: set(map(states(store, *threads).get, wanted)) == {NotificationState.DELIVERED}, "it has all")
        until(
            lambda: claimed(store, *threads)["resolves slowly"] == hubs, "each waits for the name that resolves slowly"
        )
        held = claimed(store, *threads)
        for deliverer in deliverers:
            deliverer.end()
        rig.__exit__(None, None, None)
        for deliverer in deliverers:
            assert deliverer.has_ended(30)
    assert {name: held[name] for name in HANGING[:2]} == dict.fromkeys(HANGING[:2], hubs)
    sent = Counter(json.loads(call.asked.partition(b"\r\n\r\n")[2])["id"] for call in rig.calls("well"))
    assert sent == Counter(wanted), "each once"


def test_a_message_that_is_being_sent_is_not_sent_by_another_hub(store: Store, rig: Rig) -> None:
    answer = threading.Event()

    def slow(call: Call) -> None:
        call.take()
        answer.wait(60)
        call.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    rig.serve("slow", slow)
    channels = {"hook": a_webhook(rig.url("slow"), try_s=50.0)}
    first, second = (a_deliverer(store, channels, holder) for holder in ("hub-1", "hub-2"))
    owe(store, a_notification("inc-1", "hook"))
    (worker,) = first.begin()
    until(lambda: bool(rig.calls("slow")), "it is being sent")
    assert (first.begin(), second.begin(), second.deliver()) == ([], [], 0)
    answer.set()
    worker.join(30)
    assert states(store, "inc-1") == {"inc-1.firing.hook": NotificationState.DELIVERED}
    assert len(rig.calls("slow")) == 1


def test_a_try_at_a_receiver_that_hangs_ends_and_is_made_again(sqlite_store: Store, rig: Rig) -> None:
    channels = {name: a_webhook(rig.url(name), try_s=0.3) for name in HANGING}
    owe(sqlite_store, *(a_notification("inc-1", name) for name in HANGING))
    deliverer = a_deliverer(sqlite_store, channels)
    assert deliverer.deliver() == len(HANGING)
    with sqlite_store.read() as connection:
        found = {n.destination: (n.state.value, n.last_error) for n in outbox.of_threads(connection, ["inc-1"])}
    assert found == {
        "silent after accept": ("owed", "no answer: ReadTimeout"),
        "silent after the request": ("owed", "no answer: ReadTimeout"),
        "drips headers": ("owed", "no answer: ReadTimeout"),
        # It said 200 before it fell silent: it has the message.
        "silent after headers": ("delivered", None),
        "drips content": ("delivered", None),
    }


def test_news_of_an_outage_goes_before_whatever_waits_for_a_destination(sqlite_store: Store, rig: Rig) -> None:
    rig.serve("hook", answers(200))
    old = [
        a_notification("inc-1", "hook", kind=NotificationKind.RESOLVED),
        a_notification("inc-2", "hook", kind=NotificationKind.UPDATE),
        a_notification("inc-3", "hook", kind=NotificationKind.ACKNOWLEDGED),
        a_notification("inc-4", "hook", tries=3),
        a_notification("inc-5", "hook", severity=Severity.MEDIUM),
    ]
    owe(sqlite_store, *old, a_notification("inc-6", "hook"))
    assert a_deliverer(sqlite_store, {"hook": a_webhook(rig.url("hook"), try_s=20.0)}).deliver() == 6
    order = [json.loads(call.asked.partition(b"\r\n\r\n")[2])["incident"] for call in rig.calls("hook")]
    assert order == ["inc-6", "inc-5", "inc-4", "inc-1", "inc-2", "inc-3"]


def test_a_channel_that_keeps_no_deadline_is_told_apart_and_holds_up_itself_alone(sqlite_store: Store) -> None:
    begun, over = threading.Event(), threading.Event()

    class Stuck:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            begun.set()
            over.wait(60)
            return Receipt(ok=True)

    class Well:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            return Receipt(ok=True)

    moments = [datetime(2026, 11, 23, 16, tzinfo=UTC)]
    deliverer = Deliverer(
        store=sqlite_store,
        channels={"stuck": Stuck(), "well": Well()},
        holder="hub-1",
        clock=lambda: moments[-1],
        claim_s=60.0,
    )
    due = {"due_at": moments[0], "created_at": moments[0]}
    owe(sqlite_store, a_notification("inc-1", "stuck", **due))
    (worker,) = deliverer.begin()
    assert begun.wait(30)
    assert deliverer.overstayed(moments[0]) == []
    moments.append(moments[0].replace(minute=2))
    assert deliverer.overstayed(moments[-1]) == ["stuck"]
    health = Health(deliverer.trouble)
    health.ticked(moments[-1])
    assert health.complaints(moments[-1]) == ["no look at the messages that are owed within a minute"]
    owe(sqlite_store, a_notification("inc-2", "well", **due))
    assert deliverer.deliver() == 1
    assert deliverer.looked_at == moments[-1]
    assert health.complaints(moments[-1]) == [
        "a message to 1 of the destinations is under way for longer than it may be"
    ]
    over.set()
    worker.join(30)
    assert health.complaints(moments[-1]) == []
    assert deliverer.overstayed(moments[-1]) == []


def test_a_worker_for_which_there_was_no_thread_has_a_successor(
    sqlite_store: Store, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.serve("hook", answers(200))
    owe(sqlite_store, a_notification("inc-1", "hook"))
    deliverer = a_deliverer(sqlite_store, {"hook": a_webhook(rig.url("hook"), try_s=20.0)})
    with monkeypatch.context() as short_of_threads:
        short_of_threads.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="no thread"):
            deliverer.begin()
    assert deliverer.looked_at is None
    assert deliverer.deliver() == 1
    assert deliverer.has_ended(0)


def test_where_all_receivers_refuse_at_one_moment_another_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refuses:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            return Receipt(ok=False, permanent=True, detail="answered 410")

    class Well:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            return Receipt(ok=True)

    both, mark = threading.Barrier(2), destinations.mark

    def mark_together(*args: Any, **facts: Any) -> None:
        # Between the refusal and the look at who else has the message: where neither waits for the other, both are here.
        with suppress(threading.BrokenBarrierError):
            both.wait(2)
        mark(*args, **facts)

    monkeypatch.setattr(destinations, "mark", mark_together)
    channels: dict[str, Channel] = {"one": Refuses(), "two": Refuses(), "other": Well()}
    deliverer = a_deliverer(store, channels)
    deliverer.routes = {Severity.CRITICAL: ["one", "two"], Severity.HIGH: ["other"]}
    owe(store, a_notification("inc-1", "one"), a_notification("inc-1", "two"))
    assert deliverer.deliver() == 2
    assert deliverer.deliver() == 1
    with store.read() as connection:
        found = {n.destination: n.state.value for n in outbox.of_threads(connection, ["inc-1"])}
    assert found == {"one": "dead", "two": "dead", "other": "delivered"}


def test_an_odd_receiver_is_noted_once(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            return Receipt(ok=True, note="it answers oddly")

    owe(sqlite_store, *(a_notification(f"inc-{n}", "hook") for n in range(3)))
    assert a_deliverer(sqlite_store, {"hook": Odd()}).deliver() == 3
    assert sum("receiver_is_odd" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("how", ["raises", "refuses", "fails", "hangs"])
def test_one_broken_receiver_stops_no_other(sqlite_store: Store, how: str) -> None:
    mended = threading.Event()

    class Broken:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            if how == "raises":
                raise RuntimeError("a channel that has a fault of its own")
            if how == "hangs":
                mended.wait(30)
            return Receipt(ok=False, permanent=how == "refuses", status=410 if how == "refuses" else 500, detail="no")

    class Well:
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            return Receipt(ok=True)

    threads = ["inc-1", "inc-2", "inc-3"]
    owe(sqlite_store, *(a_notification(thread, name) for thread in threads for name in ("broken", "well")))
    deliverer = a_deliverer(sqlite_store, {"broken": Broken(), "well": Well()})
    try:
        begun = {worker.destination: worker for worker in deliverer.begin()}
        begun["well"].join(30)
        told = states(sqlite_store, *threads)
        assert {told[f"{thread}.firing.well"] for thread in threads} == {NotificationState.DELIVERED}
        assert NotificationState.DELIVERED not in {told[f"{thread}.firing.broken"] for thread in threads}
    finally:
        mended.set()
        assert deliverer.has_ended(30)
