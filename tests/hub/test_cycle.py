"""From runs to verdicts to alerts to messages, in one transaction, by one evaluator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from alerts.channels import Receipt
from alerts.message import Message
from alerts.windows import Maintenance
from cli.alerts import _print as print_alerts
from facts import (
    Alert,
    Blame,
    HoldReason,
    NotificationState,
    Severity,
    Status,
    VerdictStatus,
    from_wire,
    withheld_thread,
)
from hub.collect import collect_once
from hub.cycle import Cycle
from hub.deliver import Deliverer
from hub.unknown_slots import write_missed
from sources import SourceError
from store import alerts as alert_rows
from store import feeds, incidents, outbox, runs
from store.tables import leases
from tests.builders import a_request, an_attempt
from tests.hub.conftest import Bench
from tests.sla.builders import changed
from tests.source_doubles import a_source, some_samples


def broken(bench: Bench, *places: str) -> None:
    """The payment fails at some places, now."""
    bench.send(
        *(
            bench.slot_run(
                place,
                status=Status.FAILED,
                blame=Blame.SITE,
                failed_step="proceed_to_stripe",
                error="proceed_to_stripe: 500",
            )
            for place in places
        )
    )


def well(bench: Bench, *places: str) -> None:
    """Two passes at some places."""
    bench.send(*(bench.slot_run(place, minutes_ago=m) for place in places for m in (2, 0.5)))


def firing(bench: Bench) -> list[str]:
    alerts = bench.client.get("/api/alerts").json()["alerts"]
    return [a["id"] for a in alerts if a["state"] == "firing" and a["inhibited_by"] is None]


def test_an_outage_fires_at_the_second_location_and_resolves_after_passes(bench: Bench) -> None:
    broken(bench, "us-east")
    bench.tick()
    assert firing(bench) == []
    broken(bench, "us-west")
    assert bench.tick().owed > 0
    assert firing(bench) == ["A1s.ga_purchase.1"]
    a_deliverer(bench, Receiver()).deliver()
    bench.now += timedelta(minutes=4)
    bench.tick(after_s=0)
    well(bench, "us-east", "us-west", "eu-west")
    bench.tick()
    assert firing(bench) == []
    verdicts = {v["rule"]: v["verdict"] for v in bench.client.get("/api/sla").json()["verdicts"]}
    assert verdicts["A1s"] == "met"


def test_a_resolved_message_tells_the_outage_as_a_buyer_saw_it(light: Bench) -> None:
    broken(light, "us-east")
    light.now += timedelta(seconds=40)
    broken(light, "us-west")
    light.tick()
    first_bad = light.now - timedelta(seconds=10 + 40 + 60 + 25)
    light.now += timedelta(minutes=4)
    light.tick(after_s=0)
    well(light, "us-east", "us-west", "eu-west")
    first_good = light.now - timedelta(seconds=120 + 25)
    light.tick()
    with light.store.read() as connection:
        message = max(outbox.of_threads(connection, ["inc-1"]), key=lambda n: n.order).message
    assert message["kind"] == "resolved"
    assert message["lasted_s"] == (first_good - first_bad).total_seconds()
    assert f"({first_bad:%H:%M:%S} to {first_good:%H:%M:%S} UTC)" in message["headline"]
    assert "payment failed at 2 of 2 locations (us-east, us-west)" in message["summary"]
    assert "passes at all 3 locations" in message["summary"]
    page = " ".join(light.client.get("/alerts").text.split())
    assert "GA purchase: payment failed" in page
    assert "GA purchase: payment fails" not in page


def test_results_that_come_too_late_start_no_page(bench: Bench) -> None:
    late = [
        bench.slot_run(p, minutes_ago=8, status=Status.FAILED, blame=Blame.SITE, failed_step="choose_city")
        for p in ("us-east", "us-west")
    ]
    bench.send(*late)
    bench.tick()
    assert firing(bench) == []


def test_a_persons_word_ends_a_page_that_a_stale_script_began(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    assert firing(bench) == ["A1s.ga_purchase.1"]
    with bench.store.write() as connection:
        for found in runs.latest(connection, status=Status.FAILED):
            runs.reclassify(connection, found.run_id, blame=Blame.RUNNER, by="ann", reason="our proxy", at=bench.now)
    well(bench, "us-east", "us-west", "eu-west")
    bench.tick()
    assert firing(bench) == []


def test_a_second_hub_judges_nothing_while_the_first_holds_the_lease(bench: Bench) -> None:
    assert bench.tick().wrote
    other = replace(bench.cycle, holder="other")
    assert not other.tick(bench.now).wrote


def test_a_hub_that_is_stopped_lets_the_other_one_judge_at_once(bench: Bench) -> None:
    assert bench.tick().wrote
    other = replace(bench.cycle, holder="other")
    other.give_up()
    assert not other.tick(bench.now).wrote
    bench.cycle.give_up()
    assert other.tick(bench.now).wrote


def test_a_hub_that_lost_its_lease_while_it_judged_writes_nothing(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    thief = replace(bench.cycle, holder="thief")

    def steal(name: str) -> None:
        if name == "cycle.judged":
            with bench.store.write() as connection:
                connection.execute(update(leases).values(holder="thief", epoch=leases.c.epoch + 1))

    slow = replace(bench.cycle, holder="slow", at=steal)
    assert not slow.tick(bench.now).wrote
    assert firing(bench) == []
    assert thief.tick(bench.now).wrote
    assert firing(bench) == ["A1s.ga_purchase.1"]


def test_the_state_and_what_it_owes_are_saved_together_or_not_at_all(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")

    def fail(name: str) -> None:
        if name == "cycle.saving":
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        replace(bench.cycle, at=fail).tick(bench.now)
    assert firing(bench) == []
    with bench.store.read() as connection:
        assert outbox.counts(connection) == {}


class Receiver:
    """A channel that answers what it is told to."""

    def __init__(self, *answers: Receipt) -> None:
        self.answers, self.got = list(answers), list[tuple[str, str]]()

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        self.got.append((dedup_key, message.kind.value))
        return self.answers.pop(0) if self.answers else Receipt(ok=True)


def a_deliverer(bench: Bench, receiver: Receiver | None, **facts: Any) -> Deliverer:
    channels = {"hook": receiver} if receiver else {}
    how = {"channels": channels, "holder": "hub-1", "clock": lambda: bench.now, "jitter": lambda: 1.0, **facts}
    return Deliverer(store=bench.store, **how)


def states(bench: Bench) -> list[NotificationState]:
    with bench.store.read() as connection:
        return [n.state for n in outbox.latest(connection) if n.state is not NotificationState.SUPPRESSED]


def test_a_message_is_tried_again_until_it_is_taken(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    receiver = Receiver(Receipt(ok=False, status=503), Receipt(ok=False, retry_after_s=30))
    deliverer = a_deliverer(bench, receiver)
    assert deliverer.deliver() == 1
    assert deliverer.deliver() == 0
    bench.now += timedelta(seconds=2)
    assert deliverer.deliver() == 1
    bench.now += timedelta(seconds=29)
    assert deliverer.deliver() == 0
    bench.now += timedelta(seconds=1)
    assert deliverer.deliver() == 1
    assert states(bench) == [NotificationState.DELIVERED]
    assert len({key for key, _ in receiver.got}) == 1


def test_a_message_that_can_never_be_delivered_is_dead_and_says_why(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    a_deliverer(bench, Receiver(Receipt(ok=False, permanent=True, detail="answered 404"))).deliver()
    assert states(bench) == [NotificationState.DEAD]


def test_a_dead_letter_is_an_alert_and_the_next_destination_is_told_in_its_place(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    refusing, other = Receiver(*[Receipt(ok=False, permanent=True, detail="answered 404")] * 9), Receiver()
    deliverer = a_deliverer(bench, refusing, channels={"hook": refusing, "other": other})
    deliverer.deliver()
    deliverer.deliver()
    assert [kind for _, kind in other.got] == ["firing"]
    bench.tick()
    assert "W4.1" in firing(bench)
    with bench.store.read() as connection:
        assert "hook: answered 404" in next(a for a in alert_rows.standing(connection) if a.rule == "W4").summary

    # Whoever was told in another's place hears the end of it too; a delivery there ends the alert about the destination.
    refusing.answers = []
    bench.now += timedelta(minutes=4)
    bench.tick(after_s=0)
    well(bench, "us-east", "us-west", "eu-west")
    bench.tick()
    deliverer.deliver()
    assert [kind for _, kind in other.got][-1] == "resolved"
    bench.tick()
    assert "W4.1" not in firing(bench)


def test_a_receiver_that_hangs_keeps_nobody_else_waiting(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    told = Event()

    class Hanging(Receiver):
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            return Receipt(ok=told.wait(20))

    class Telling(Receiver):
        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            told.set()
            return Receipt(ok=True)

    with bench.store.write() as connection:
        first = next(n for n in outbox.latest(connection) if n.state is NotificationState.OWED)
        outbox.owe(connection, [replace(first, id="another", destination="other", due_at=first.due_at)])
    channels = {"hook": Hanging(), "other": Telling()}
    assert a_deliverer(bench, None, channels=channels).deliver() == 2
    assert states(bench) == [NotificationState.DELIVERED] * 2


def w4(bench: Bench) -> str | None:
    """What W4 says while it fires."""
    with bench.store.read() as connection:
        return next((a.summary for a in alert_rows.standing(connection) if a.rule == "W4"), None)


def test_a_destination_that_fails_for_long_is_told_though_it_may_yet_take_messages(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    failing = Receiver(*[Receipt(ok=False, detail="no answer: ReadTimeout")] * 99)
    deliverer = a_deliverer(bench, failing)
    for _ in range(12):
        deliverer.deliver()
        bench.tick()
    assert w4(bench) is None, "it fails, but not for long yet"
    for _ in range(2):
        deliverer.deliver()
        bench.tick()
    assert str(w4(bench)).startswith("1 destination does not take messages: hook: ")
    assert str(w4(bench)).endswith("tried in vain for 2.33 min (no answer: ReadTimeout)")

    # What is owed anew is young, and it fails all the same: only a message that arrives ends the alert.
    bench.tick()
    assert w4(bench) is not None
    failing.answers = []
    # Two minutes, and no gap in them: after one nothing is judged at first.
    for _ in range(12):
        deliverer.deliver()
        bench.tick()
    assert w4(bench) is None


def test_a_message_that_nobody_tries_or_that_hangs_is_told_after_a_minute(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    with bench.store.write() as connection:
        assert outbox.claim(connection, holder="stuck", now=bench.now, lease_s=3600, limit=1)
    for _ in range(6):
        bench.tick()
    assert w4(bench) is None
    bench.tick()
    assert w4(bench) == "1 destination does not take messages: hook: 1 message waiting for 1.17 min without an answer"


ROUTES = {
    Severity.CRITICAL: ("emergency", "pager"),
    Severity.HIGH: ("ops",),
    Severity.MEDIUM: ("ops", "digest"),
}


@pytest.mark.parametrize(
    ("severity", "gone", "reachable", "told"),
    [
        (Severity.MEDIUM, "ops", ("emergency", "ops"), []),
        (Severity.MEDIUM, "ops", ("emergency", "ops", "digest"), ["digest"]),
        (Severity.HIGH, "ops", ("emergency", "pager", "ops"), []),
        (Severity.HIGH, "ops", ("emergency", "ops", "digest"), ["digest"]),
        (Severity.CRITICAL, "emergency", ("ops", "pager", "emergency"), ["pager"]),
        # Nobody of its own severity is left: rather to a lower one than to nobody.
        (Severity.CRITICAL, "emergency", ("emergency", "ops"), ["ops"]),
        (Severity.MEDIUM, "ops", ("emergency", "ops", "spare"), ["spare"]),
    ],
)
def test_a_message_is_passed_on_within_its_own_severity_and_never_up(
    light: Bench, severity: Severity, gone: str, reachable: tuple[str, ...], told: list[str]
) -> None:
    got: list[str] = []

    class Noting(Receiver):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def send(self, message: Message, *, dedup_key: str) -> Receipt:
            got.append(self.name)
            return Receipt(ok=self.name != gone, permanent=True, detail="answered 404")

    broken(light, "us-east", "us-west")
    light.tick()
    with light.store.write() as connection:
        (owed,) = [n for n in outbox.latest(connection) if n.state is NotificationState.OWED]
        outbox.update_owed(connection, replace(owed, state=NotificationState.SUPPRESSED))
        outbox.owe(connection, [replace(owed, id="n", thread="inc-9", destination=gone, severity=severity)])
    deliverer = a_deliverer(light, None, channels={name: Noting(name) for name in reachable}, routes=ROUTES)
    for _ in range(3):
        deliverer.deliver()
    assert got == [gone, *told]


def test_who_has_a_message_already_needs_no_lower_one_told_in_anothers_place(light: Bench) -> None:
    broken(light, "us-east", "us-west")
    light.tick()
    refusing, pager, ops = Receiver(Receipt(ok=False, permanent=True, detail="answered 404")), Receiver(), Receiver()
    with light.store.write() as connection:
        (owed,) = [n for n in outbox.latest(connection) if n.state is NotificationState.OWED]
        outbox.owe(connection, [replace(owed, id="other", destination="pager")])
    channels = {"hook": refusing, "pager": pager, "ops": ops}
    routes = {Severity.CRITICAL: ("hook", "pager"), Severity.HIGH: ("ops",)}
    deliverer = a_deliverer(light, None, channels=channels, routes=routes)
    for _ in range(3):
        deliverer.deliver()
    assert (len(refusing.got), len(pager.got), len(ops.got)) == (1, 1, 0)


def test_a_message_that_is_due_late_is_tried_for_a_day_from_its_first_try(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    with bench.store.write() as connection:
        (owed,) = [n for n in outbox.latest(connection) if n.state is NotificationState.OWED]
        outbox.update_owed(connection, replace(owed, due_at=bench.now + timedelta(hours=60)))
    receiver = Receiver(*[Receipt(ok=False, detail="answered 503")] * 99)
    deliverer = a_deliverer(bench, receiver)
    bench.now += timedelta(hours=60)
    began = bench.now
    deliverer.deliver()
    assert states(bench) == [NotificationState.OWED]
    bench.now = began + timedelta(hours=23, minutes=59, seconds=30)
    deliverer.deliver()
    assert states(bench) == [NotificationState.OWED]
    bench.now = began + timedelta(hours=24)
    deliverer.deliver()
    assert states(bench) == [NotificationState.DEAD]
    assert len(receiver.got) == 3


def test_a_wish_that_makes_no_sense_does_not_keep_a_message_beyond_its_day(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    deliverer = a_deliverer(bench, Receiver(Receipt(ok=False, retry_after_s=1e9)))
    deliverer.deliver()
    with bench.store.read() as connection:
        assert outbox.latest(connection)[0].due_at == bench.now + timedelta(hours=24)
    bench.now += timedelta(hours=24)
    deliverer.deliver()
    assert states(bench) == [NotificationState.DELIVERED]


def test_a_destination_without_an_address_is_told_apart(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    a_deliverer(bench, None).deliver()
    with bench.store.read() as connection:
        dead = next(n for n in outbox.latest(connection) if n.state is NotificationState.DEAD)
    assert "no destination 'hook'" in (dead.last_error or "")


def test_a_site_that_never_had_an_inventory_is_off_and_one_that_lost_it_is_told(bench: Bench) -> None:
    gone = SourceError("GET /api/inventory: 404", absent=True)
    source = a_source(gone, some_samples(), gone)
    collect_once(bench.store, source, bench.now)
    bench.now += timedelta(minutes=30)
    assert {v.verdict for v in bench.tick().verdicts if v.rule in ("A2", "H4")} == {VerdictStatus.OFF}
    collect_once(bench.store, source, bench.now)
    bench.now += timedelta(minutes=1)
    collect_once(bench.store, source, bench.now)
    with bench.store.read() as connection:
        assert feeds.states(connection)["inventory"].last_error == "GET /api/inventory: 404"


def test_the_rules_judge_the_samples_of_the_inventory(bench: Bench) -> None:
    source = a_source(some_samples(remaining=-1), some_samples(remaining=-1))
    collect_once(bench.store, source, bench.now)
    bench.now += timedelta(minutes=1)
    collect_once(bench.store, source, bench.now)
    verdicts = {v.key: v for v in bench.tick().verdicts}
    assert verdicts["A2"].verdict is VerdictStatus.CRITICAL
    assert "dallas ga -1" in verdicts["A2"].summary
    assert "-1 left of 35" in verdicts["H4/dallas/ga"].summary


def test_a_slot_that_nobody_told_of_for_a_day_is_written_down_as_missed(bench: Bench) -> None:
    began = bench.now
    bench.now += timedelta(hours=25)
    first = write_missed(bench.store, bench.context.watched, since=began, now=bench.now)
    assert first == 3 * (12 + 4)
    assert write_missed(bench.store, bench.context.watched, since=began, now=bench.now) == 0
    with bench.store.read() as connection:
        found = runs.outcomes(connection, since=began)
    assert {o.status for o in found} == {Status.MISSED}
    assert {o.error for o in found} == {"no word of this slot came within 24 h"}


def a_maintenance(bench: Bench, **facts: Any) -> Maintenance:
    """Two hours from now on, in UTC."""
    return Maintenance(
        **{
            "name": "deploy",
            "start": bench.now.replace(tzinfo=None),
            "duration": timedelta(hours=2),
            "reason": "a new version",
            "zone": ZoneInfo("UTC"),
            **facts,
        }
    )


def test_a_slot_of_maintenance_that_nobody_told_of_for_a_day_is_skipped(bench: Bench) -> None:
    began, window = bench.now, a_maintenance(bench, duration=timedelta(minutes=30), locations=("us-east",))
    bench.now += timedelta(hours=25)
    write_missed(bench.store, bench.context.watched, since=began, now=bench.now, maintenance=[window])
    with bench.store.read() as connection:
        found = runs.outcomes(connection, since=began)
    skipped = {(o.location, o.error) for o in found if o.status is Status.SKIPPED}
    assert skipped == {
        ("us-east", f"maintenance until {began + timedelta(minutes=30):%Y-%m-%d %H:%M} UTC: a new version")
    }
    assert sum(o.status is Status.SKIPPED for o in found) == 5 + 2


def test_maintenance_is_announced_once_at_its_beginning_and_once_at_its_end(bench: Bench) -> None:
    bench.cycle.policy = replace(bench.cycle.policy, maintenance=(a_maintenance(bench, announce=("ops",)),))
    for _ in range(3):
        bench.now += timedelta(seconds=10)
        bench.tick()
    bench.now += timedelta(hours=2)
    bench.tick()
    bench.tick()
    with bench.store.read() as connection:
        told = [one for one in outbox.latest(connection) if one.destination == "ops"]
    assert sorted(one.message["headline"].partition(" ")[2].partition(" ")[0] for one in told) == ["is", "until"]


def test_a_failure_in_maintenance_is_told_when_it_still_fires_afterwards(bench: Bench) -> None:
    bench.cycle.policy = replace(bench.cycle.policy, maintenance=(a_maintenance(bench),))
    broken(bench, "us-east", "us-west")
    bench.tick()
    with bench.store.read() as connection:
        held = outbox.of_threads(connection, [withheld_thread("A1s.ga_purchase.1")])
    assert {(one.hold, one.state) for one in held} == {(HoldReason.MAINTENANCE, NotificationState.SUPPRESSED)}
    shown = bench.client.get("/api/alerts/A1s.ga_purchase.1").json()["notifications"]
    assert [one["hold"] for one in shown] == ["maintenance"]
    assert "maintenance deploy until" in bench.client.get("/alerts").text
    bench.cycle.policy = replace(bench.cycle.policy, maintenance=())
    bench.now += timedelta(seconds=10)
    bench.tick()
    with bench.store.read() as connection:
        assert [one.kind.value for one in outbox.of_threads(connection, ["inc-1"])] == ["firing"]


def test_an_alert_of_a_journey_that_left_the_plan_is_closed(bench: Bench) -> None:
    broken(bench, "us-east", "us-west")
    bench.tick()
    watched = bench.context.watched
    fewer = replace(
        watched.locations, journeys={"vip_member_discount": watched.locations.journeys["vip_member_discount"]}
    )
    after = Cycle(
        store=bench.store,
        watched=replace(watched, locations=fewer),
        targets=bench.context.targets,
        policy=bench.context.policy,
        watching_since=bench.now,
        holder=bench.cycle.holder,
    )
    after.tick(bench.now + timedelta(seconds=10))
    ended = [a for a in bench.client.get("/api/alerts").json()["alerts"] if a["journey"] == "ga_purchase"]
    assert {a["closed"] for a in ended} == {"closed: journey ga_purchase is not on the plan in locations.yaml any more"}


def test_an_alert_of_a_rule_that_is_switched_off_is_closed_after_a_restart_and_everybody_is_told_why(
    light: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(light, "us-east", "us-west")
    light.tick()
    targets = light.context.targets
    off = changed(targets, A1s={"enabled": False}, F0={"enabled": False})
    light.now += timedelta(minutes=5)
    light.cycle = replace(light.cycle, targets=off, watching_since=light.now)
    light.tick()
    light.tick()
    why = "closed: rule A1s is switched off in sla.yaml"
    shown = light.client.get("/api/alerts/A1s.ga_purchase.1").json()
    assert (shown["state"], shown["closed"], shown["changes"][-1]["note"]) == ("resolved", why, why)
    last = max(shown["notifications"], key=lambda n: n["order"])
    assert last["message"]["headline"].startswith("Closed: ")
    assert last["message"]["summary"].startswith(f"{why}. It did not recover")
    assert f"{why}; it did not recover" in light.client.get("/alerts").text
    print_alerts([from_wire(Alert, {k: v for k, v in shown.items() if k not in ("changes", "notifications")})])
    assert f"{why}; it did not recover" in capsys.readouterr().out


def test_the_overview_is_led_by_the_alert_that_leads_the_message(light: Bench) -> None:
    refused = (a_request("/api/events", status=500),) * 3
    attempt = an_attempt(status=Status.FAILED, failed_step="choose_city", requests=refused)
    facts: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE, "failed_step": "choose_city"}
    light.send(*(light.slot_run(place, attempts=(attempt,), **facts) for place in ("us-east", "us-west", "eu-west")))
    light.tick()
    with light.store.read() as connection:
        firing = [alert for alert in alert_rows.standing(connection) if alert.fired_at]
        (incident,) = incidents.open_ones(connection)
    assert [(a.key, a.severity, a.fired_at) for a in firing] == [
        (key, Severity.CRITICAL, light.now) for key in ("A3s", "F0/ga_purchase")
    ], "both at once"
    assert incident.lead == "F0.ga_purchase.1"
    page = light.client.get("/").text
    assert '<h1 id="h-outage">Nobody can finish the GA purchase since ' in page
    assert "<dt>Why</dt><dd>proceed_to_stripe: POST /api/create-checkout-session answered 403" in page


def test_the_history_of_verdicts_is_written_with_the_cycle_and_read_by_period(bench: Bench) -> None:
    began = bench.now
    bench.tick()
    broken(bench, "us-east", "us-west")
    bench.tick()
    listed = bench.client.get(
        "/api/sla/history",
        params={"from": began.isoformat(), "to": (bench.now + timedelta(minutes=1)).isoformat(), "rule": "F0"},
    ).json()
    told = [row["verdict"] for row in listed["rows"] if row["key"] == "F0/ga_purchase"]
    assert told == ["no_data", "critical"]
    assert (
        bench.client.get(
            "/api/sla/history", params={"to": began.isoformat(), "from": bench.now.isoformat()}
        ).status_code
        == 422
    )


def test_the_end_of_maintenance_that_was_taken_out_is_announced_by_the_next_hub(light: Bench) -> None:
    window = a_maintenance(light, announce=("hook",))
    light.cycle.policy = replace(light.cycle.policy, maintenance=(window,))
    light.tick()
    light.cycle.policy = replace(light.cycle.policy, maintenance=())
    light.tick()
    light.tick()
    with light.store.read() as connection:
        told = [one.message["headline"] for one in outbox.latest(connection) if one.thread.startswith("maintenance")]
    assert sorted(told)[-1] == "Maintenance was ended early: a new version"
    assert len(told) == 2
