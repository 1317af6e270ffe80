"""What is owed is claimed once, sent in order, and never forgotten."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

from facts import Backlog, Notification, NotificationKind, NotificationState, Severity
from store import Store, outbox
from tests.builders import A_MOMENT

NOW = A_MOMENT


def a_notification(name: str = "n1", **facts: Any) -> Notification:
    return Notification(
        **{
            "id": name,
            "thread": "inc-1",
            "alert_id": "F0.ga_purchase.1",
            "destination": "slack",
            "kind": NotificationKind.FIRING,
            "severity": Severity.CRITICAL,
            "order": 1,
            "created_at": NOW,
            "due_at": NOW,
            "message": {"title": "x"},
            **facts,
        }
    )


def owe(store: Store, *notifications: Notification) -> None:
    with store.write() as connection:
        outbox.owe(connection, notifications)


def claim(store: Store, holder: str = "hub-1", *, at: Any = NOW, limit: int = 10) -> list[str]:
    with store.write() as connection:
        return [n.id for n in outbox.claim(connection, holder=holder, now=at, lease_s=60, limit=limit)]


def states(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return {n.id: n.state.value for n in outbox.of_threads(connection, ["inc-1", "inc-2"])}


def test_a_message_comes_back_as_it_went_in(store: Store) -> None:
    owe(store, a_notification())
    with store.read() as connection:
        assert outbox.of_threads(connection, ["inc-1"]) == [a_notification()]


def test_owing_the_same_message_twice_is_owing_it_once(store: Store) -> None:
    owe(store, a_notification())
    claim(store)
    owe(store, a_notification())
    assert states(store) == {"n1": "claimed"}


def test_what_is_claimed_is_nobody_elses_until_the_claim_runs_out(store: Store) -> None:
    owe(store, a_notification())
    assert claim(store, "hub-1") == ["n1"]
    assert claim(store, "hub-2") == []
    assert claim(store, "hub-2", at=NOW + timedelta(seconds=61)) == ["n1"]


def test_what_is_not_due_waits(store: Store) -> None:
    owe(store, a_notification(due_at=NOW + timedelta(seconds=5)))
    assert claim(store) == []
    assert claim(store, at=NOW + timedelta(seconds=5)) == ["n1"]


def test_a_later_message_of_a_thread_waits_for_the_earlier_one(store: Store) -> None:
    owe(store, a_notification("n1"), a_notification("n2", order=2, kind=NotificationKind.RESOLVED))
    assert claim(store) == ["n1"]
    assert claim(store) == []
    with store.write() as connection:
        assert outbox.delivered(connection, "n1", holder="hub-1", at=NOW, detail="ok")
    assert claim(store) == ["n2"]


def test_destinations_and_threads_do_not_wait_for_one_another(store: Store) -> None:
    owe(
        store,
        a_notification("n1"),
        a_notification("n2", order=2, destination="hook"),
        a_notification("n3", thread="inc-2"),
    )
    assert sorted(claim(store)) == ["n1", "n2", "n3"]


def test_a_dead_message_lets_the_next_one_go(store: Store) -> None:
    owe(store, a_notification("n1"), a_notification("n2", order=2))
    claim(store)
    with store.write() as connection:
        assert outbox.dead(connection, "n1", holder="hub-1", at=NOW, error="404")
    assert claim(store) == ["n2"]


def test_only_the_holder_of_a_claim_records_what_became_of_it(store: Store) -> None:
    owe(store, a_notification())
    claim(store, "hub-1")
    claim(store, "hub-2", at=NOW + timedelta(seconds=61))
    with store.write() as connection:
        assert not outbox.delivered(connection, "n1", holder="hub-1", at=NOW, detail="ok")
        assert outbox.delivered(connection, "n1", holder="hub-2", at=NOW, detail="ok")


def test_each_try_is_kept(store: Store) -> None:
    owe(store, a_notification())
    claim(store)
    later = NOW + timedelta(seconds=9)
    with store.write() as connection:
        outbox.try_again(connection, "n1", holder="hub-1", at=NOW, next_at=later, error="503")
    assert claim(store, at=NOW + timedelta(seconds=8)) == []
    assert claim(store, at=later) == ["n1"]
    with store.write() as connection:
        outbox.delivered(connection, "n1", holder="hub-1", at=later, detail="ok")
        assert [(t.ok, t.detail) for t in outbox.tries_of(connection, "n1")] == [(False, "503"), (True, "ok")]
        assert outbox.of_threads(connection, ["inc-1"])[0].tries == 2


def test_a_message_that_is_being_sent_cannot_be_taken_back(store: Store) -> None:
    owe(store, a_notification("n1"), a_notification("n2", destination="hook"))
    superseded = {"state": NotificationState.SUPERSEDED, "reason": "resolved before it was sent"}
    claim(store, limit=1)
    with store.write() as connection:
        taken_back = [
            outbox.update_owed(connection, a_notification("n1", **superseded)),
            outbox.update_owed(connection, a_notification("n2", destination="hook", **superseded)),
        ]
    assert sorted(taken_back) == [False, True]
    assert Counter(states(store).values()) == {"claimed": 1, "superseded": 1}


def test_many_hubs_claim_each_message_once(store: Store) -> None:
    owe(store, *(a_notification(f"n{i}", thread=f"inc-{i}") for i in range(40)))
    start, got = threading.Barrier(4), []

    def work(holder: str) -> None:
        start.wait()
        for _ in range(12):
            got.extend(claim(store, holder, limit=4))

    threads = [threading.Thread(target=work, args=(f"hub-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"n{i}" for i in range(40))


def test_a_claim_for_one_destination_takes_nothing_of_another(store: Store) -> None:
    owe(store, a_notification("n1"), a_notification("n2", destination="hook"), a_notification("n3", thread="inc-2"))
    with store.write() as connection:
        claimed = outbox.claim(connection, holder="hub-1", now=NOW, lease_s=60, limit=1, destination="hook")
        assert [n.id for n in claimed] == ["n2"]
        assert outbox.destinations_due(connection, NOW) == ["slack"]


def test_the_first_word_of_an_outage_is_claimed_before_all_that_waits(store: Store) -> None:
    early = NOW - timedelta(hours=1)
    owe(
        store,
        a_notification("resolved", thread="a", kind=NotificationKind.RESOLVED, due_at=early),
        a_notification("again", thread="b", tries=4, due_at=early),
        a_notification("medium", thread="c", severity=Severity.MEDIUM, due_at=early),
        a_notification("new", thread="d"),
    )
    assert [claim(store, limit=1)[0] for _ in range(4)] == ["new", "medium", "again", "resolved"]


def test_a_backlog_counts_from_the_first_try_or_from_when_it_was_due(store: Store) -> None:
    minute = timedelta(minutes=1)
    owe(
        store,
        a_notification("tried", destination="failing"),
        a_notification("behind it", destination="failing", order=2),
        a_notification("sent now", destination="hanging", due_at=NOW + minute),
        a_notification("later", destination="hanging", thread="inc-2", due_at=NOW + 9 * minute),
        a_notification("delivered", destination="well"),
    )
    with store.write() as connection:
        outbox.claim(connection, holder="hub-1", now=NOW, lease_s=60, limit=1, destination="failing")
        outbox.try_again(connection, "tried", holder="hub-1", at=NOW + minute, next_at=NOW + 5 * minute, error="503")
        outbox.claim(connection, holder="hub-1", now=NOW + minute, lease_s=60, limit=1, destination="hanging")
        outbox.claim(connection, holder="hub-1", now=NOW, lease_s=60, limit=1, destination="well")
        outbox.delivered(connection, "delivered", holder="hub-1", at=NOW, detail=None)
        assert outbox.first_tried_at(connection, "tried") == NOW + minute
        assert outbox.first_tried_at(connection, "sent now") is None
        assert outbox.backlogs(connection, NOW + 2 * minute) == [
            Backlog(destination="failing", since=NOW + minute, messages=1, tried=True, error="503"),
            Backlog(destination="hanging", since=NOW + minute, messages=1, tried=False),
        ]


def test_the_oldest_due_message_tells_how_far_behind_delivery_is(store: Store) -> None:
    owe(store, a_notification("n1"), a_notification("n2", order=2, due_at=NOW - timedelta(minutes=9)))
    with store.read() as connection:
        assert outbox.oldest_due(connection, NOW) == NOW
        assert outbox.oldest_due(connection, NOW - timedelta(seconds=1)) is None
