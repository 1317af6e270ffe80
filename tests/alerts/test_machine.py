"""Pending, firing, resolved; one outage one thread; firing before resolved, and never a word too many."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.policy import SalesRate, inhibits
from facts import Alert, AlertState, Deploy, Family, NotificationState, Severity, Traits, Verdict, VerdictStatus
from tests.alerts.builders import GA, NOW, TARGETS, Machine, a_policy, a_verdict, breach, clear, no_data

F0, A1S = f"F0/{GA}", f"A1s/{GA}"


def test_a_breach_that_needs_no_time_fires_at_once_and_tells_its_destinations() -> None:
    machine = Machine()
    machine.tick(breach())
    alert = machine.alert(F0)
    assert (alert.state, alert.id, alert.fired_at) == (AlertState.FIRING, f"F0.{GA}.1", machine.now)
    assert machine.told("slack") == machine.told("hook") == ["firing"]
    assert machine.told("ops") == []


def test_a_breach_fires_only_after_it_held_for_its_time_with_two_samples() -> None:
    machine = Machine()
    machine.tick(breach(for_s=30, samples=("a",)))
    machine.ticks(breach(for_s=30, samples=("a",)), for_s=60)
    assert machine.alert(F0).state is AlertState.PENDING
    machine.tick(breach(for_s=30, samples=("b",)))
    assert machine.alert(F0).state is AlertState.FIRING


def test_a_breach_that_ends_while_pending_is_dropped_and_told_to_nobody() -> None:
    machine = Machine()
    machine.tick(breach(for_s=60))
    machine.tick(a_verdict())
    assert machine.alert(F0).state is AlertState.DROPPED
    assert machine.notifications == {}


def test_a_clear_level_that_held_its_time_resolves_and_a_break_in_it_starts_anew() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.ticks(clear(clear_for_s=60), for_s=50)
    machine.tick(a_verdict())
    machine.ticks(clear(clear_for_s=60), for_s=60)
    assert machine.alert(F0).state is AlertState.FIRING
    machine.tick(clear(clear_for_s=60))
    assert machine.alert(F0).state is AlertState.RESOLVED


@pytest.mark.parametrize(
    "word",
    [VerdictStatus.NO_DATA, VerdictStatus.ERROR, VerdictStatus.INSUFFICIENT, VerdictStatus.OFF, VerdictStatus.UNPROVEN],
)
def test_no_data_never_resolves(word: VerdictStatus) -> None:
    machine = Machine()
    machine.tick(breach())
    machine.ticks(no_data(verdict=word, clear=True), for_s=600)
    alert = machine.alert(F0)
    assert (alert.state, alert.last_known) == (AlertState.FIRING, True)
    assert alert.summary == "No data now; last known: F0 is broken"
    machine.tick(clear())
    assert machine.alert(F0).state is AlertState.RESOLVED
    assert "F0 is broken" in machine.alert(F0).summary


def test_a_rule_that_says_nothing_leaves_its_alert_as_it_is() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.ticks(for_s=600)
    assert machine.alert(F0).state is AlertState.FIRING


def test_a_resolved_alert_that_breaches_again_is_a_new_episode_and_a_new_incident() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver()
    machine.tick(clear())
    machine.deliver()
    machine.tick(breach())
    assert machine.alert(F0).id == f"F0.{GA}.2"
    assert machine.told("slack") == ["firing", "resolved", "firing"]
    assert list(machine.incidents) == ["inc-1", "inc-2"]


def test_the_end_is_told_to_those_who_were_told_of_the_beginning() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver(to="slack")
    machine.deliver(to="hook", state=NotificationState.CLAIMED)
    machine.tick(clear())
    assert machine.told("slack") == machine.told("hook") == ["firing", "resolved"]


def test_a_beginning_that_was_never_delivered_is_told_with_its_end_in_one_message() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver(to="slack")
    machine.tick(clear())
    assert machine.told("slack") == ["firing", "resolved"]
    assert machine.told("hook") == ["resolved"]
    last = max(machine.notifications.values(), key=lambda n: n.order)
    assert last.message["headline"].startswith("Fired and resolved: F0 title")
    superseded = [n for n in machine.notifications.values() if n.state is NotificationState.SUPERSEDED]
    assert [n.destination for n in superseded] == ["hook"]


def test_a_destination_that_cannot_be_reached_is_not_told_of_the_end() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver(to="slack", state=NotificationState.DEAD)
    machine.deliver()
    machine.tick(clear())
    assert machine.told("slack") == []
    assert machine.told("hook") == ["firing", "resolved"]


def test_alerts_of_one_outage_are_one_thread() -> None:
    machine = Machine()
    machine.tick(breach("A3s", None))
    machine.deliver()
    machine.ticks(breach("A3s", None), breach("F0"), breach("A1s"), for_s=60)
    assert machine.told("slack") == ["firing"]
    assert {a.incident for a in machine.alerts.values() if a.inhibited_by is None} == {"inc-1"}
    machine.ticks(breach("A3s", None), breach("F0"), breach("A1s"), for_s=300)
    machine.deliver()
    assert machine.told("slack") == ["firing", "update"]
    machine.tick(clear("A3s", None), breach("F0"), breach("A1s"))
    assert machine.told("slack") == ["firing", "update"]
    machine.tick(clear("A3s", None), clear("F0"), clear("A1s"))
    assert machine.told("slack") == ["firing", "update", "resolved"]
    last = max(machine.notifications.values(), key=lambda n: n.order)
    assert {line["rule"] for line in last.message["lines"]} == {"A3s", "A1s"}


def test_an_outage_long_after_another_is_a_thread_of_its_own() -> None:
    machine = Machine()
    machine.tick(breach("A3s", None))
    machine.ticks(breach("A3s", None), for_s=15 * 60 + 10)
    machine.tick(breach("A3s", None), breach("F0"))
    assert len(machine.incidents) == 2


def test_an_inhibited_alert_is_stored_and_told_to_nobody() -> None:
    machine = Machine()
    machine.tick(breach("A1s"), breach("F0"))
    alert = machine.alert(F0)
    assert (alert.state, alert.inhibited_by) == (AlertState.FIRING, A1S)
    withheld = [n for n in machine.notifications.values() if n.state is NotificationState.SUPPRESSED]
    assert {(n.destination, n.reason) for n in withheld} == {
        ("slack", "A1s/ga_purchase covers it"),
        ("hook", "A1s/ga_purchase covers it"),
    }
    assert machine.told("slack") == ["firing"]


def test_what_only_looks_back_on_the_same_outage_is_not_told_after_it() -> None:
    machine = Machine()
    burn = breach("F2a", samples=("run-1", "run-2"))
    machine.tick(breach("F0"), burn)
    machine.deliver()
    machine.tick(clear("F0"), burn)
    machine.ticks(clear("F0"), burn, for_s=1200)
    assert machine.told("slack") == ["firing", "resolved"]
    machine.tick(clear("F0"), clear("F2a"))
    assert machine.told("slack") == ["firing", "resolved"]


def test_what_breaches_anew_after_its_inhibitor_is_over_is_told() -> None:
    machine = Machine()
    machine.tick(breach("F0"), breach("F2a", samples=("run-1",)))
    machine.deliver()
    machine.tick(clear("F0"), breach("F2a", samples=("run-1",)))
    machine.tick(clear("F0"), breach("F2a", samples=("run-1", "run-9")))
    assert machine.told("slack") == ["firing", "resolved", "firing"]


def test_a_lesser_alert_that_outlasts_its_incident_goes_on_alone_and_is_ended_by_one_message() -> None:
    machine = Machine()
    slow = breach("D1", None, severity=Severity.HIGH)
    machine.tick(breach("A2", None))
    machine.ticks(breach("A2", None), slow, for_s=400)
    machine.deliver()
    assert machine.told("slack") == ["firing", "update"]
    machine.tick(clear("A2", None), slow)
    machine.deliver()
    assert machine.told("slack") == ["firing", "update", "resolved"]
    machine.tick(clear("A2", None), clear("D1", None, severity=Severity.HIGH))
    assert machine.told("ops") == ["resolved"]
    assert [i.resolved_at is not None for i in machine.incidents.values()] == [True, True]


def test_a_severity_rises_and_is_told_at_once_and_never_falls() -> None:
    machine = Machine()
    machine.tick(breach("D1", None, severity=Severity.HIGH))
    machine.deliver()
    machine.tick(breach("D1", None, severity=Severity.CRITICAL))
    machine.deliver()
    assert machine.told("ops") == ["firing", "update"]
    assert machine.told("slack") == ["firing"]
    machine.tick(breach("D1", None, severity=Severity.HIGH))
    assert machine.alert("D1").severity is Severity.CRITICAL
    machine.tick(clear("D1", None))
    assert machine.told("ops") == ["firing", "update", "resolved"]
    assert machine.told("slack") == ["firing", "resolved"]


def test_taking_on_is_told_once_to_those_who_were_told() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver()
    machine.ack(F0)
    machine.ack(F0, by="bob")
    assert machine.alert(F0).acked_by == "ann"
    assert machine.told("slack") == ["firing", "acknowledged"]
    machine.deliver()
    machine.tick(clear())
    assert machine.told("slack") == ["firing", "acknowledged", "resolved"]


def test_oversold_seats_want_a_persons_look_after_they_are_gone() -> None:
    machine = Machine()
    machine.tick(breach("A2", None))
    machine.tick(clear("A2", None))
    assert machine.alert("A2").needs_review
    assert machine.alert("A2").state is AlertState.RESOLVED


def test_a_journey_that_is_no_longer_watched_closes_its_alerts() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver()
    machine.tick(gone={F0: "closed: it is gone"})
    assert (machine.alert(F0).state, machine.alert(F0).closed) == (AlertState.RESOLVED, "closed: it is gone")
    assert machine.told("slack") == ["firing", "resolved"]
    last = max(machine.notifications.values(), key=lambda n: n.order)
    assert last.message["headline"].startswith("Closed: ")
    assert last.message["summary"].startswith("closed: it is gone. It did not recover; last known: ")
    assert last.message["closed"] == "closed: it is gone"
    assert {line["state"] for line in last.message["lines"]} == {"closed"}


@pytest.mark.parametrize("step_s", [61, 4000, -4000])
def test_a_step_of_the_clock_neither_fires_nor_resolves(step_s: float) -> None:
    machine = Machine()
    machine.tick(breach())
    machine.tick(clear(), breach("A3s", None), after_s=step_s)
    assert machine.alert(F0).state is AlertState.FIRING
    assert "A3s" not in {a.rule for a in machine.alerts.values()}
    machine.tick(clear(), breach("A3s", None))
    assert machine.alert(F0).state is AlertState.RESOLVED


def test_a_step_of_the_clock_starts_the_waiting_anew() -> None:
    machine = Machine()
    machine.tick(breach(for_s=120, samples=("a", "b")))
    machine.tick(breach(for_s=120, samples=("a", "b")), after_s=600)
    machine.ticks(breach(for_s=120, samples=("a", "b")), for_s=110)
    assert machine.alert(F0).state is AlertState.PENDING
    machine.tick(breach(for_s=120, samples=("a", "b")))
    assert machine.alert(F0).state is AlertState.FIRING


def an_alert(key: str) -> Alert:
    rule, _, rest = key.partition("/")
    journey = rest if rest.endswith(("purchase", "discount")) else None
    return Alert(
        id=key,
        key=key,
        rule=rule,
        journey=journey,
        subject=None if journey else rest or None,
        severity=Severity.CRITICAL,
        state=AlertState.FIRING,
        episode=1,
        pending_since=NOW,
        summary="",
        traits=TARGETS.traits_of(rule, None if journey else rest or None),
    )


@pytest.mark.parametrize(
    ("by", "other", "expected"),
    [
        (A1S, F0, True),
        (F0, A1S, False),
        (A1S, "F0/vip_member_discount", False),
        (F0, f"F1/{GA}", True),
        (F0, "F1/vip_member_discount", False),
        (F0, f"F2a/{GA}", True),
        (F0, "D1", True),
        (F0, "G1/pricing", True),
        (F0, "H3/https:", True),
        (F0, "A3s", False),
        (F0, "A2", False),
        ("W1/us-east", "F3/us-east", True),
        ("W1/us-east", "F3/us-west", False),
        ("W1/all", "W1/us-east", True),
        ("W1/all", F0, True),
        ("W1/all", "W2", True),
        ("W1/all", "A2", False),
        ("W1/all", "H4/dallas", False),
        ("W1/all", "W1/all", False),
    ],
)
def test_one_alert_makes_another_unnecessary(by: str, other: str, expected: bool) -> None:
    assert inhibits(an_alert(by), an_alert(other)) is expected


def named(alert: Alert, rule: str) -> Alert:
    """The same alert of a rule that somebody gave another name."""
    key = "/".join([rule, *alert.key.split("/")[1:]])
    return replace(alert, id=key, key=key, rule=rule)


@pytest.mark.parametrize(
    ("by", "other", "expected"),
    [
        (A1S, F0, True),
        (F0, f"F2a/{GA}", True),
        (F0, "A2", False),
        ("W1/us-east", "F3/us-east", True),
        ("W1/all", F0, True),
    ],
)
def test_what_covers_what_does_not_depend_on_names(by: str, other: str, expected: bool) -> None:
    assert inhibits(named(an_alert(by), "MINE"), named(an_alert(other), "YOURS")) is expected


def test_an_alert_without_traits_covers_nothing_and_is_not_covered() -> None:
    """An earlier version stored it, and its rule is gone."""
    bare = replace(an_alert(F0), traits=None)
    assert not inhibits(bare, an_alert(f"F1/{GA}"))
    assert not inhibits(an_alert(A1S), bare)


def test_a_rule_of_ones_own_whose_alerts_want_a_review_waits_for_it() -> None:
    machine = Machine()
    traits = Traits(family=Family.BUSINESS, needs_review=True)
    machine.tick(breach("REFUNDS", None, subject="dallas", traits=traits))
    machine.tick(clear("REFUNDS", None, subject="dallas", traits=traits))
    assert machine.alert("REFUNDS/dallas").needs_review


def test_what_is_wrong_with_our_own_messages_joins_no_incident_whatever_its_rule_is_called() -> None:
    machine = Machine()
    machine.tick(breach("F0"), breach("POST", None, traits=Traits(family=Family.MONITOR, own_incident=True)))
    assert machine.alert("POST").incident != machine.alert(F0).incident


@pytest.mark.parametrize(("n", "state"), [(0, "firing"), (5, "resolved")])
def test_what_was_measured_and_proves_too_little_still_ends_an_alert(n: int, state: str) -> None:
    """A rule that is well again may not be able to prove its target; one that measured nothing is not well."""
    for word in (VerdictStatus.UNPROVEN, VerdictStatus.INSUFFICIENT):
        machine = Machine()
        machine.tick(breach())
        machine.tick(a_verdict(verdict=word, clear=True, n=n))
        assert machine.alert(F0).state == state


def _some_verdict(chance: random.Random, rule: str, severity: Severity) -> Verdict:
    kind = chance.choice((breach, clear, a_verdict, no_data))
    return kind(rule, GA if rule != "A3s" else None, severity=severity, samples=(f"run-{chance.random()}",))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_every_destination_hears_beginnings_before_ends_and_every_end(seed: int) -> None:
    chance = random.Random(seed)
    machine = Machine()
    rules = (("F0", Severity.CRITICAL), ("A1s", Severity.CRITICAL), ("A3s", Severity.CRITICAL), ("D1", Severity.HIGH))
    for _ in range(80):
        machine.tick(
            *(_some_verdict(chance, rule, severity) for rule, severity in rules), after_s=chance.choice((10, 50))
        )
        if chance.random() < 0.5:
            machine.deliver(to=chance.choice(("slack", "hook", "ops")))
    for _ in range(3):
        machine.deliver()
        machine.tick(*(clear(rule, GA if rule != "A3s" else None, severity=s) for rule, s in rules))
    assert all(alert.state is not AlertState.FIRING for alert in machine.alerts.values())
    assert all(incident.resolved_at is not None for incident in machine.incidents.values())
    for incident in machine.incidents.values():
        for destination in ("slack", "hook", "ops"):
            alive = (NotificationState.OWED, NotificationState.DELIVERED)
            heard = [
                n.kind.value
                for n in sorted(machine.notifications.values(), key=lambda n: n.order)
                if n.thread == incident.id and n.destination == destination and n.state in alive
            ]
            assert heard.count("resolved") <= 1
            assert heard.count("firing") <= 1
            if "firing" in heard:
                assert (heard[0], heard[-1]) == ("firing", "resolved")


def test_the_message_says_what_broke_where_since_when_and_where_to_look() -> None:
    machine = Machine()
    machine.tick(breach(counted=("us-east", "us-west"), left_out=("eu-west: blocked",), samples=("run-1", "run-2")))
    message = next(iter(machine.notifications.values())).message
    assert message["headline"] == f"Critical: F0 title (since {machine.now:%H:%M:%S} UTC)"
    assert message["summary"] == "F0 is broken"
    assert message["links"][0]["url"] == "https://hub.test/runs/run-2"
    assert message["left_out"] == ["eu-west: blocked"]
    machine.deliver()
    machine.tick(clear(), after_s=40)
    message = max(machine.notifications.values(), key=lambda n: n.order).message
    assert "lasted 40 s" in message["headline"]
    assert timedelta(seconds=message["lasted_s"]) == timedelta(seconds=40)


def test_what_fires_at_the_same_moment_is_one_message_led_by_what_a_buyer_meets() -> None:
    machine = Machine()
    machine.tick(breach("A3s", None), breach("F0"))
    messages = [n.message for n in machine.notifications.values()]
    assert {m["kind"] for m in messages} == {"firing"}
    assert [line["rule"] for line in messages[0]["lines"]] == ["F0", "A3s"]
    assert messages[0]["headline"].startswith("Critical: F0 title")


def test_an_update_names_what_is_new() -> None:
    machine = Machine()
    machine.ticks(breach("F0"), for_s=320)
    machine.tick(breach("F0"), breach("A3s", None))
    update = max(machine.notifications.values(), key=lambda n: n.order).message
    assert update["headline"] == "More of inc-1: A3s title"
    assert update["summary"] == "A3s is broken"


def test_an_alert_tells_the_outage_from_its_first_bad_run_to_its_first_good_one() -> None:
    machine = Machine()
    began, ended = NOW - timedelta(seconds=90), NOW + timedelta(seconds=115)
    machine.tick(breach(began_at=began, title_past="F0 was", summary_past="F0 was broken"))
    # The window of the rule moves on; the first bad run stays the first.
    machine.ticks(breach(began_at=NOW, title_past="F0 was", summary_past="F0 was broken"), for_s=120)
    machine.deliver()
    machine.tick(clear(ended_at=ended), after_s=60)
    alert = machine.alert(F0)
    assert (alert.began_at, alert.over_at, alert.lasted_s) == (began, ended, 205.0)
    assert alert.summary == "F0 was broken. Now: F0 is well"
    first, *_, last = sorted(machine.notifications.values(), key=lambda n: n.order)
    assert f"since {began:%H:%M:%S} UTC" in first.message["headline"]
    assert last.message["headline"] == f"Resolved: F0 was, lasted 3 min 25 s ({began:%H:%M:%S} to {ended:%H:%M:%S} UTC)"
    assert last.message["lasted_s"] == 205.0
    assert last.message["lines"][0]["title"] == "F0 was"


def test_what_is_not_breached_any_more_is_no_news() -> None:
    machine = Machine()
    machine.tick(breach("F0"))
    machine.tick(breach("F0"), breach("A3s", None))
    # Its turn to be told comes when the site is mended already, and it is not resolved yet.
    machine.ticks(breach("F0"), a_verdict("A3s", None), for_s=600)
    assert machine.told("slack") == ["firing"]
    machine.tick(breach("F0"), breach("A3s", None))
    assert machine.told("slack") == ["firing", "update"]


def test_only_what_waits_for_an_acknowledgement_asks_for_one() -> None:
    machine = Machine()
    machine.tick(breach())
    machine.deliver()
    machine.ack(F0)
    machine.deliver()
    machine.tick(clear())
    asked = {
        one.kind.value: [link["name"] for link in one.message["links"] if "/alerts#" in link["url"]]
        for one in machine.notifications.values()
    }
    assert asked == {"firing": ["Acknowledge"], "acknowledged": ["The alert"], "resolved": ["The alert"]}
    told = {one.kind.value: one.message["acknowledge"] for one in machine.notifications.values()}
    assert told == {"firing": "https://hub.test/alerts#F0.ga_purchase.1", "acknowledged": "", "resolved": ""}


def test_a_hub_without_an_address_names_the_command_that_acknowledges() -> None:
    machine = Machine(a_policy(base_url=""))
    machine.tick(breach())
    assert {one.message["acknowledge"] for one in machine.notifications.values()} == {
        "sixfb alerts ack F0.ga_purchase.1"
    }


@pytest.mark.parametrize(
    ("rule", "severity", "at_risk"),
    [
        ("F0", Severity.CRITICAL, "unknown"),
        ("F0", Severity.MEDIUM, "unknown"),
        ("A2", Severity.CRITICAL, "unknown"),
        ("A2", Severity.HIGH, ""),
        ("W1", Severity.CRITICAL, ""),
        ("H4", Severity.HIGH, ""),
    ],
)
def test_money_at_risk_is_said_of_what_stops_sales_and_is_unknown_where_nobody_knows_it(
    rule: str, severity: Severity, at_risk: str
) -> None:
    machine = Machine()
    machine.tick(breach(rule, severity=severity))
    assert {one.message["at_risk"] for one in machine.notifications.values()} == {at_risk}


def test_money_at_risk_grows_with_the_outage_and_is_summed_up_at_its_end() -> None:
    machine = Machine(a_policy(sales=SalesRate(minor_per_minute=1250, currency="usd")))
    began = machine.now + timedelta(seconds=10) - timedelta(minutes=2)
    machine.tick(breach(began_at=began))
    machine.deliver()
    machine.ack("F0/ga_purchase")
    machine.tick(clear(ended_at=began + timedelta(minutes=10)))
    told = {one.kind.value: one.message["at_risk"] for one in machine.notifications.values()}
    assert told == {
        "firing": "about $12.50 a minute, $25 so far",
        "acknowledged": "",
        "resolved": "about $125 ($12.50 a minute)",
    }


@pytest.mark.parametrize(("minutes", "says"), [(2, "2 minutes after deploy 4f2a1 to production"), (31, "")])
def test_every_message_names_the_deploy_that_came_shortly_before_the_first_bad_run(minutes: float, says: str) -> None:
    machine = Machine()
    began = machine.now - timedelta(minutes=1)
    at = began - timedelta(minutes=minutes)
    deploy = Deploy(id="d", at=at, version="4f2a1", received_at=at, environment="production")
    machine.policy = replace(machine.policy, deploys=(deploy,))
    machine.tick(breach(began_at=began))
    machine.deliver()
    machine.ack("F0/ga_purchase")
    machine.tick(clear(ended_at=machine.now))
    told = {one.kind.value: one.message["deploy"] for one in machine.notifications.values()}
    assert told == dict.fromkeys(("firing", "acknowledged", "resolved"), says)


def test_a_message_leads_to_the_page_of_its_incident() -> None:
    machine = Machine(a_policy(base_url="https://hub.test/"))
    machine.tick(breach())
    link = {"name": "The incident", "url": "https://hub.test/incidents/inc-1"}
    assert [link in one.message["links"] for one in machine.notifications.values()] == [True, True]


def test_a_message_carries_the_cause_in_the_words_of_the_run() -> None:
    machine = Machine()
    machine.tick(breach(cause="choose_city: GET / answered 500"))
    machine.deliver()
    machine.tick(clear())
    assert {one.message["cause"] for one in machine.notifications.values()} == {"choose_city: GET / answered 500"}
