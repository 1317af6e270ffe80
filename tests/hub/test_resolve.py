"""An alert that a person resolves: everybody learns its end, the trail says who and why, and it comes back if its rule is breached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.machine import advance
from facts import NotificationKind
from hub.cycle import save_step, standing_alerts
from hub.errors import HubError
from hub.resolve import LONGEST_REASON, read_reason, resolve
from store import Store, incidents, outbox
from store import alerts as alert_rows
from tests.alerts.builders import GA, NOW, Machine, a_policy, breach, clear, no_data
from tests.hub.conftest import a_bench

F0 = f"F0.{GA}.1"
VIP = "vip_member_discount"
SOURCE_OFF = "the source was switched off"


def resolved(machine: Machine, key: str, by: str = "ann") -> Any:
    return machine.resolve(key, by=by, reason=SOURCE_OFF)


def test_what_cannot_end_by_itself_is_ended_for_everybody_who_was_told() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver()
    machine.tick(no_data())
    step = resolved(machine, f"F0/{GA}")
    told = [(n.destination, n.kind, n.message["headline"]) for n in step.notifications]
    assert {(name, kind) for name, kind, _ in told} == {
        ("slack", NotificationKind.RESOLVED),
        ("hook", NotificationKind.RESOLVED),
    }
    assert all(headline.startswith("Closed: F0 title") for _, _, headline in told)
    assert all(n.message["closed"] == f"resolved by ann: {SOURCE_OFF}" for n in step.notifications)
    assert f"resolved by ann: {SOURCE_OFF}. It did not recover" in step.notifications[0].message["summary"]
    machine.tick(no_data())
    assert not machine.standing().alerts, "what has no data does not come back"


def test_it_comes_back_as_a_new_episode_and_is_told_if_its_rule_is_breached() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver()
    resolved(machine, f"F0/{GA}")
    step = machine.tick(breach())
    assert [alert.id for alert in step.alerts] == [f"F0.{GA}.2"]
    assert {n.thread for n in step.notifications if n.kind is NotificationKind.FIRING} == {"inc-2"}


def test_it_waits_again_for_as_long_as_its_rule_has_to_hold() -> None:
    machine = Machine()
    machine.tick(breach(for_s=120, samples=("run-1", "run-2")))
    machine.ticks(breach(for_s=120, samples=("run-1", "run-2")), for_s=120)
    assert machine.alert(f"F0/{GA}").fired_at is not None
    resolved(machine, f"F0/{GA}")
    machine.tick(breach(for_s=120, samples=("run-2", "run-3")))
    assert (machine.alert(f"F0/{GA}").episode, machine.alert(f"F0/{GA}").fired_at) == (2, None)


def test_an_incident_goes_on_for_what_else_fires_in_it() -> None:
    machine = Machine()
    machine.tick(breach(), breach(journey=VIP))
    machine.deliver()
    assert resolved(machine, f"F0/{GA}").notifications == ()
    assert machine.incidents["inc-1"].resolved_at is None
    step = machine.tick(no_data(), clear(journey=VIP))
    assert {n.kind for n in step.notifications} == {NotificationKind.RESOLVED}


def test_calls_that_were_to_come_are_cancelled_in_the_same_step() -> None:
    from tests.alerts.test_ladder import a_machine, minutes, quorum

    machine = a_machine()
    minutes(machine, 1, quorum())
    assert machine.pending()
    machine.resolve(f"F0/{GA}", by="ann", reason=SOURCE_OFF)
    assert machine.pending() == []


def test_on_both_databases_it_is_one_transaction_and_twice_is_refused(store: Store, tmp_path: Path) -> None:
    with a_bench(store, tmp_path) as bench:
        policy, now = a_policy(), NOW + timedelta(seconds=10)
        with store.write() as connection:
            save_step(connection, advance(standing_alerts(connection), [breach()], policy, NOW, previous=None), NOW)
        done = resolve(store, policy, F0, by="ann", reason=SOURCE_OFF, now=now)
        assert (done.resolved_at, done.closed) == (now, f"resolved by ann: {SOURCE_OFF}")
        with store.read() as connection:
            incident = incidents.get(connection, "inc-1")
            assert incident is not None
            assert incident.resolved_at == now
            assert alert_rows.changes(connection, F0)[-1].note == done.closed
            owed = [n for n in outbox.of_threads(connection, ["inc-1"]) if n.kind is NotificationKind.RESOLVED]
            assert [n.message["headline"].partition(":")[0] for n in owed] == ["Closed", "Closed"]
        answer = bench.client.post(f"/api/alerts/{F0}/resolve", json={"reason": "again"})
        assert (answer.status_code, "there is nothing to resolve" in answer.text) == (409, True)
        with pytest.raises(HubError, match="no alert 'none'"):
            resolve(store, policy, "none", by="ann", reason="x", now=now)


@pytest.mark.parametrize("said", [None, "", " \n", 7, ["x"], "x" * (LONGEST_REASON + 1)])
def test_a_reason_is_wanted(said: object) -> None:
    with pytest.raises(ValueError, match="write why it is resolved"):
        read_reason(said)


def test_a_reason_is_one_line_that_every_database_stores() -> None:
    assert read_reason(" the city\n is \0 gone ") == "the city is \ufffd gone"
