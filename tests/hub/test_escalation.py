"""The escalation as the hub stores it: over restarts, beside an acknowledgement, and with the digest in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from alerts.flapping import Flapping
from alerts.hours import BusinessHours
from alerts.machine import advance
from alerts.policy import Digest, Policy, RollUp, SalesRate
from facts import LadderRow, LadderStatus, Notification, NotificationKind, NotificationState, Severity, Verdict
from hub.acknowledge import take_on
from hub.cycle import save_step, standing_alerts, with_firings
from hub.jobs import JobServices
from hub.jobs.escalation_audit import JOB
from hub.jobs.job import JobContext
from reports.live.alerts import alert_row
from store import Store, destinations, incidents, ladder, outbox
from store import alerts as alert_rows
from store.tables import ladder as ladder_table
from tests.alerts.builders import GA, breach, clear
from tests.drills.hub import the_watched
from tests.hub.conftest import Bench
from tests.store.test_outbox import a_notification

CRITICAL, HIGH = Severity.CRITICAL, Severity.HIGH
MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 30, 16, 50, tzinfo=UTC)
"""A Monday, ten minutes before closing."""
OPENING = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
POLICY = Policy(
    routes={CRITICAL: ("slack",), HIGH: ("ops",)},
    escalation=Escalation(
        tiers=(
            Tier(after=timedelta(0), recipients={CRITICAL: ("ann",), HIGH: ("ann",)}),
            Tier(after=5 * MINUTE, recipients={CRITICAL: ("bob",), HIGH: ("bob",)}),
            Tier(after=15 * MINUTE, recipients={CRITICAL: ("cto",), HIGH: ("cto",)}),
        ),
        emergency=("slack",),
    ),
    directory=Directory(
        destinations=frozenset({"slack", "ops"}),
        ways={name: (f"{name}/sms",) for name in ("ann", "bob", "cto")},
    ),
    hours=BusinessHours(zone=ZoneInfo("UTC")),
    digest=Digest(to=("mail",)),
)


def tick(store: Store, now: datetime, *verdicts: Verdict, policy: Policy = POLICY) -> None:
    """One tick of an evaluator that remembers nothing but what is stored."""
    with store.write() as connection:
        standing = with_firings(connection, standing_alerts(connection), policy, now)
        save_step(connection, advance(standing, verdicts, policy, now, previous=now - timedelta(seconds=10)), now)


def quorum(severity: Severity = CRITICAL) -> Verdict:
    return breach(counted=("us-east", "us-west"), severity=severity)


def sent(store: Store) -> list[str]:
    with store.read() as connection:
        return sorted(n.destination for n in outbox.latest(connection) if n.kind is NotificationKind.FIRING)


def rows(store: Store) -> list[LadderRow]:
    with store.read() as connection:
        return ladder.of_incidents(connection, ["inc-1"])


def test_a_ladder_goes_on_at_opening_after_a_restart_in_between(store: Store) -> None:
    tick(store, START, quorum(HIGH))
    tick(store, START + 6 * MINUTE, quorum(HIGH))
    assert sent(store) == ["ann/sms", "bob/sms", "ops"]
    tick(store, START + 60 * MINUTE, quorum(HIGH))
    assert sent(store) == ["ann/sms", "bob/sms", "ops"], "closed"
    # Everything that a hub knows after a restart is in the database.
    tick(store, OPENING + 4 * MINUTE, quorum(HIGH))
    assert "cto/sms" not in sent(store)
    tick(store, OPENING + 5 * MINUTE, quorum(HIGH))
    assert "cto/sms" in sent(store)


def test_an_acknowledgement_and_the_calls_that_it_cancels_are_one_transaction(store: Store) -> None:
    tick(store, START, quorum())
    take_on(store, POLICY, f"F0.{GA}.1", by="ann", now=START + MINUTE)
    assert [(row.tier, row.status) for row in rows(store)] == [
        (1, LadderStatus.DONE),
        (2, LadderStatus.CANCELLED),
        (3, LadderStatus.CANCELLED),
    ]
    tick(store, START + 20 * MINUTE, quorum())
    assert sent(store) == ["ann/sms", "slack"]
    take_on(store, POLICY, f"F0.{GA}.1", by="ann", now=START + 21 * MINUTE, take=False)
    assert [row.tier for row in rows(store) if row.status is LadderStatus.PENDING] == [1, 2, 3]


def test_what_is_resolved_has_no_calls_to_come(store: Store) -> None:
    tick(store, START, quorum())
    tick(store, START + MINUTE, clear())
    assert {row.status for row in rows(store)} == {LadderStatus.DONE, LadderStatus.CANCELLED}


def test_why_a_message_waits_and_its_tier_are_stored(store: Store) -> None:
    tick(store, START + 60 * MINUTE, quorum(HIGH))
    tick(store, START + 61 * MINUTE, quorum())
    with store.read() as connection:
        found = {(n.destination, n.hold and n.hold.value, n.tier) for n in outbox.latest(connection)}
    assert found == {("ops", "business_hours", None), ("ops", None, None), ("slack", None, None), ("ann/sms", None, 1)}


def test_a_role_without_a_contact_is_an_alert_of_our_own_until_it_has_one(sqlite_store: Store) -> None:
    alone = replace(POLICY, reachable=frozenset({"slack"}))
    tick(sqlite_store, START, quorum(), policy=alone)
    with sqlite_store.read() as connection:
        assert destinations.marked(connection).keys() == {"role ann", "role bob", "role cto"}
    tick(sqlite_store, START + MINUTE, clear())
    tick(sqlite_store, START + 2 * MINUTE, quorum())
    with sqlite_store.read() as connection:
        assert destinations.marked(connection).keys() == {"role bob", "role cto"}


def test_the_alerts_page_shows_who_was_called_who_is_to_be_and_what_came_of_it(sqlite_store: Store) -> None:
    tick(sqlite_store, START, quorum(), policy=replace(POLICY, reachable=frozenset({"slack", "bob/sms"})))
    with sqlite_store.read() as connection:
        (alert,) = alert_rows.standing(connection)
    shown = alert_row(alert, START, calls=rows(sqlite_store)).calls
    assert [(one.tier, one.roles, one.state, one.at, one.note) for one in shown] == [
        ("Tier 1", "ann", "unreached", "2026-11-30 16:50:00 UTC", "reached nobody: ann has no contact"),
        ("Tier 2", "bob", "done", "2026-11-30 16:50:00 UTC", ""),
        ("Tier 3", "cto", "pending", "2026-11-30 17:05:00 UTC", ""),
    ]


def services(store: Store, now: datetime) -> JobServices:
    unused: object = None
    return JobServices(
        store=store,
        watched=the_watched(),
        artifacts=unused,  # type: ignore[arg-type]
        first_watched=now,
        evidence_bytes=0,
        policy=POLICY,
        clock=lambda: now,
    )


def test_the_auditor_finds_an_escalation_that_stopped(store: Store) -> None:
    tick(store, START, quorum())
    now = START + MINUTE
    context = JobContext(services=services(store, now), slot=now)
    assert JOB.do(context) == "every alert that fires is acknowledged or has somebody to be called"
    with store.write() as connection:
        connection.execute(ladder_table.delete())
    assert JOB.do(context) == "the escalation of inc-1 had stopped and goes on"
    assert [row.tier for row in rows(store) if row.status is LadderStatus.PENDING] == [1, 2, 3]
    with store.read() as connection:
        told = [n for n in outbox.latest(connection) if "had stopped" in str(n.message.get("headline"))]
    assert [n.message["at_risk"] for n in told] == ["unknown"], "no sales are known here"
    assert JOB.is_configured(context.services)
    assert not JOB.is_configured(replace(context.services, policy=Policy()))


def claimed(store: Store, now: datetime, destination: str) -> Notification:
    with store.write() as connection:
        (one,) = outbox.claim(connection, holder="hub", now=now, lease_s=60, limit=1, destination=destination)
    return one


@pytest.mark.parametrize("kind", [NotificationKind.FIRING, NotificationKind.UPDATE, NotificationKind.RESOLVED])
def test_a_flood_of_300_alerts_does_not_delay_a_new_incidents_first_message(
    store: Store, kind: NotificationKind
) -> None:
    flood = [
        a_notification(
            f"flood-{n}", thread=f"inc-{n}", order=2, kind=kind, severity=HIGH, due_at=START, created_at=START
        )
        for n in range(300)
    ]
    repeats = [
        a_notification(f"first-{n}", thread=f"inc-{n}", order=1, severity=HIGH, due_at=START, created_at=START)
        for n in range(300)
    ]
    now = START + MINUTE
    first = a_notification("new", thread="inc-999", severity=CRITICAL, due_at=now, created_at=now)
    with store.write() as connection:
        outbox.owe(connection, [*repeats, *flood, first])
    assert claimed(store, now, first.destination).id == "new"


def test_a_tiers_repetition_waits_behind_the_first_word_of_another_incident(sqlite_store: Store) -> None:
    told = a_notification("told", thread="inc-1", order=1, severity=CRITICAL, due_at=START, created_at=START)
    again = a_notification("again", thread="inc-1", order=2, severity=CRITICAL, due_at=START, created_at=START)
    new = a_notification("new", thread="inc-2", severity=HIGH, due_at=START + MINUTE, created_at=START)
    now = START + MINUTE
    with sqlite_store.write() as connection:
        outbox.owe(connection, [told])
    assert claimed(sqlite_store, now, told.destination).id == "told"
    with sqlite_store.write() as connection:
        outbox.delivered(connection, "told", holder="hub", at=now, detail=None)
        outbox.owe(connection, [again, new])
    assert [claimed(sqlite_store, now, told.destination).id for _ in range(2)] == ["new", "again"]


def test_alerts_of_an_earlier_version_have_no_ladder_and_the_auditor_begins_one(sqlite_store: Store) -> None:
    tick(sqlite_store, START, quorum(), policy=replace(POLICY, escalation=None))
    assert rows(sqlite_store) == []
    JOB.do(JobContext(services=services(sqlite_store, START), slot=START))
    assert [row.tier for row in rows(sqlite_store)] == [1, 2, 3]
    with sqlite_store.read() as connection:
        assert [alert.acked_by for alert in alert_rows.standing(connection)] == [None]


def test_a_flapping_alert_is_known_over_restarts_and_is_one_incident(store: Store) -> None:
    policy = replace(POLICY, flapping=Flapping())
    for number in range(4):
        tick(store, START + 4 * number * MINUTE, quorum(), policy=policy)
        with store.read() as connection:
            fires = alert_row(alert_rows.standing(connection)[0], START)
        tick(store, START + (4 * number + 1) * MINUTE, clear(), policy=policy)
    with store.read() as connection:
        (alert,) = [a for a in alert_rows.listed(connection) if a.episode == 4]
        (flapping,) = incidents.open_ones(connection)
    assert (alert.flapping, alert.incident) == (True, "inc-3")
    assert flapping.flapping_since == START + 8 * MINUTE
    assert (fires.is_flapping, alert_row(alert, START).is_flapping) == (True, False), "it is over for now"
    tick(store, START + 40 * MINUTE, clear(), policy=policy)
    with store.read() as connection:
        assert incidents.open_ones(connection) == []
        assert alert_rows.fired_lately(connection, START + 5 * MINUTE, least=3) == {}


def test_a_burst_is_known_over_restarts_and_its_roll_ups_are_owed_with_what_they_list(light: Bench) -> None:
    policy = replace(POLICY, hours=None, escalation=None, roll_up=RollUp(above=1))
    verdicts = [breach("H4", None, subject=f"city-{n}", severity=HIGH) for n in range(4)]
    for count, listed in ((3, 2), (4, 1)):
        now = START + count * 10 * MINUTE
        # A cycle of its own each time, as after a restart; it was not interrupted for the alerts.
        cycle = replace(light.cycle, policy=policy)
        with light.store.write() as connection:
            standing = standing_alerts(connection)
            step = advance(standing, verdicts[:count], policy, now, previous=now - timedelta(seconds=10))
            save_step(connection, cycle._roll_up(connection, standing, step, policy, now), now)
        with light.store.read() as connection:
            owed = [n for n in outbox.latest(connection) if n.thread.startswith("rollup-") and n.created_at == now]
        assert [len(n.message["lines"]) for n in owed] == [listed] if count == 3 else owed == []
    with light.store.read() as connection:
        assert len([n for n in outbox.latest(connection) if n.state is NotificationState.SUPERSEDED]) == 2


def test_the_auditor_says_how_much_money_is_at_risk(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tick(sqlite_store, START, quorum())
    with sqlite_store.write() as connection:
        connection.execute(ladder_table.delete())
    rate = SalesRate(minor_per_minute=1250, currency="usd")
    monkeypatch.setattr(JobServices, "sales_rate", lambda _self, _connection, _now: rate)
    JOB.do(JobContext(services=services(sqlite_store, START + MINUTE), slot=START))
    with sqlite_store.read() as connection:
        told = [n for n in outbox.latest(connection) if "had stopped" in str(n.message.get("headline"))]
    assert all(n.message["at_risk"].startswith("about $12.50 a minute") for n in told)
    assert told
