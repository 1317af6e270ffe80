"""The escalation of an incident: who is called when, what ends it, and what begins it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from alerts.hours import BusinessHours
from alerts.machine import EscalationRefusedError
from alerts.policy import Policy
from facts import Family, LadderStatus, NotificationState, Severity, Silence, Traits, Verdict
from tests.alerts.builders import GA, Machine, breach, clear

F0 = f"F0/{GA}"
MINUTE = timedelta(minutes=1)
CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
DIRECTORY = Directory(
    destinations=frozenset({"slack", "hook", "ops", "ann/sms", "bob/sms", "cto/sms", "ceo/sms"}),
    ways={"ann": ("ann/sms",), "bob": ("bob/sms",), "cto": ("cto/sms",), "ceo": ("ceo/sms",)},
    members={"lead": ("ann",), "oncall": ("bob",), "team": ("ann", "bob"), "nobody": ()},
)
TIERS = (
    Tier(after=timedelta(0), recipients={CRITICAL: ("lead", "oncall"), HIGH: ("team",), MEDIUM: ("ops",)}),
    Tier(after=5 * MINUTE, recipients={CRITICAL: ("cto",), HIGH: ("lead",), MEDIUM: ("team",)}),
    Tier(after=15 * MINUTE, recipients={CRITICAL: ("ceo",), HIGH: ("cto",), MEDIUM: ("lead",)}),
)
HOURS = BusinessHours(zone=ZoneInfo("UTC"))
EVENING = datetime(2026, 11, 30, 16, 50, tzinfo=UTC)
"""A Monday, ten minutes before closing."""


def a_machine(*, hours: BusinessHours | None = None, at: datetime | None = None, **facts: Any) -> Machine:
    policy = Policy(
        routes={CRITICAL: ("slack",), HIGH: ("ops",), MEDIUM: ("ops",)},
        escalation=Escalation(tiers=TIERS, emergency=("slack",), **facts.pop("escalation", {})),
        directory=DIRECTORY,
        hours=hours,
        **facts,
    )
    machine = Machine(policy)
    machine.now = at or machine.now
    return machine


def quorum(**facts: Any) -> Verdict:
    return breach(counted=("us-east", "us-west"), **facts)


def of_high(**facts: Any) -> Verdict:
    return breach(counted=("us-east", "us-west"), severity=HIGH, **facts)


def minutes(machine: Machine, count: float, *verdicts: Verdict) -> None:
    """So many minutes of ticks; every message that is due is delivered."""
    step_s = 60 if count >= 120 else 10
    for _ in range(round(count * 60 / step_s)):
        machine.tick(*verdicts, after_s=step_s)
        machine.deliver()


def called(machine: Machine, *names: str) -> dict[str, int]:
    return {name: len(machine.sent_to(f"{name}/sms")) for name in names}


def test_each_tier_is_called_at_its_time_for_as_long_as_nobody_acknowledges() -> None:
    machine = a_machine()
    began = machine.now + timedelta(seconds=10)
    minutes(machine, 0.2, quorum())
    assert called(machine, "ann", "bob", "cto", "ceo") == {"ann": 1, "bob": 1, "cto": 0, "ceo": 0}
    assert [row.due_at - began for row in machine.pending()] == [5 * MINUTE, 15 * MINUTE]
    minutes(machine, 5, quorum())
    assert called(machine, "ann", "cto", "ceo") == {"ann": 1, "cto": 1, "ceo": 0}
    minutes(machine, 10, quorum())
    assert called(machine, "ann", "cto", "ceo") == {"ann": 1, "cto": 1, "ceo": 1}
    assert machine.sent_to("cto/sms")[0].startswith("Critical, tier 2, unacknowledged for 5 min: F0 title")


def test_the_rows_are_written_in_the_step_that_fires() -> None:
    machine = a_machine()
    step = machine.tick(quorum())
    assert [(row.tier, row.status) for row in step.ladder] == [
        (1, LadderStatus.DONE),
        (2, LadderStatus.PENDING),
        (3, LadderStatus.PENDING),
    ]


def test_the_last_tier_is_repeated_every_half_hour_and_nine_times_at_most() -> None:
    machine = a_machine()
    minutes(machine, 29, quorum())
    assert called(machine, "ceo", "cto") == {"ceo": 1, "cto": 1}
    minutes(machine, 2, quorum())
    assert called(machine, "ceo", "cto") == {"ceo": 2, "cto": 1}
    minutes(machine, 30, quorum())
    assert called(machine, "ceo") == {"ceo": 3}
    minutes(machine, 12 * 30, quorum())
    assert called(machine, "ceo") == {"ceo": 10}
    assert machine.pending() == []
    assert machine.audit().ladder == (), "a ladder that came to its end has not stopped"


def test_acknowledged_and_never_paged_again() -> None:
    machine = a_machine(escalation={"unack_after": timedelta(hours=20)})
    minutes(machine, 1, quorum())
    step = machine.ack(F0)
    assert {(row.tier, row.status, row.note) for row in step.ladder} == {
        (2, LadderStatus.CANCELLED, "acknowledged by ann"),
        (3, LadderStatus.CANCELLED, "acknowledged by ann"),
    }
    machine.deliver()
    before = len(machine.notifications)
    minutes(machine, 10 * 60, quorum())
    assert len(machine.notifications) == before


def test_what_is_over_calls_nobody_any_more() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    machine.tick(clear())
    assert machine.pending() == []
    minutes(machine, 60, clear())
    assert called(machine, "cto", "ceo") == {"cto": 0, "ceo": 0}


def test_an_acknowledgement_that_was_forgotten_comes_back() -> None:
    machine = a_machine()
    minutes(machine, 2, quorum())
    machine.ack(F0)
    minutes(machine, 29, quorum())
    assert machine.alert(F0).acked_by == "ann"
    minutes(machine, 2, quorum())
    assert machine.alert(F0).acked_by is None
    assert any(one.startswith("Acknowledged by ann 30 min ago and still firing") for one in machine.sent_to("slack"))
    assert [row.round for row in machine.pending()] == [2, 2]
    assert len(machine.sent_to("ann/sms")) >= 2
    minutes(machine, 5, quorum())
    assert called(machine, "cto") == {"cto": 1}


def test_a_re_armed_acknowledgement_has_an_upper_age() -> None:
    machine = a_machine(escalation={"rearm_until": timedelta(hours=2)})
    minutes(machine, 1, quorum())
    for _ in range(3):
        machine.ack(F0)
        minutes(machine, 35, quorum())
        assert machine.alert(F0).acked_by is None
    machine.ack(F0)
    minutes(machine, 24 * 60, quorum())
    assert machine.alert(F0).acked_by == "ann"
    assert machine.pending() == []


def test_giving_an_alert_back_calls_the_first_tier_again() -> None:
    machine = a_machine()
    minutes(machine, 2, quorum())
    machine.ack(F0)
    machine.unack(F0)
    minutes(machine, 0.5, quorum())
    machine.deliver()
    assert len(machine.sent_to("ann/sms")) == 3, "fired, acknowledged, called again"


def test_a_ladder_that_stopped_at_closed_hours_goes_on_at_opening() -> None:
    machine = a_machine(hours=HOURS, at=EVENING)
    minutes(machine, 0.2, of_high())
    assert called(machine, "ann", "bob") == {"ann": 1, "bob": 1}
    minutes(machine, 60, of_high())
    # Ten of the fifteen minutes passed before closing.
    assert called(machine, "ann", "cto") == {"ann": 2, "cto": 0}
    machine.now = datetime(2026, 12, 1, 8, 59, 30, tzinfo=UTC)
    machine._previous = machine.now
    minutes(machine, 1, of_high())
    assert called(machine, "ann", "cto") == {"ann": 2, "cto": 0}
    minutes(machine, 6, of_high())
    assert called(machine, "ann", "cto") == {"ann": 2, "cto": 1}


def test_one_call_after_an_outage_of_the_hub_and_not_one_for_each_that_was_missed() -> None:
    machine = a_machine()
    minutes(machine, 0.2, quorum())
    machine.now += timedelta(hours=6)
    minutes(machine, 1, quorum())
    assert called(machine, "cto", "ceo") == {"cto": 1, "ceo": 1}
    (row,) = machine.pending()
    assert (row.tier, row.repeat) == (3, 1)
    assert row.due_at > machine.now + 10 * MINUTE


@pytest.mark.parametrize("reachable", [frozenset({"slack", "cto/sms", "ceo/sms"}), frozenset({"slack", "ceo/sms"})])
def test_a_tier_without_a_contact_does_not_wake_the_next_one_silently(reachable: frozenset[str]) -> None:
    machine = a_machine(reachable=reachable)
    minutes(machine, 0.2, quorum())
    names = "Tier 1" if "cto/sms" in reachable else "Tiers 1 and 2"
    (told,) = [one for one in machine.sent_to("slack") if "reached nobody" in one]
    assert told.startswith(f"{names} reached nobody (lead and oncall have no contact")
    next_one = "cto" if "cto/sms" in reachable else "ceo"
    assert called(machine, next_one) == {next_one: 1}, "at once"
    assert [row.status for row in machine.ladder.values() if row.tier == 1] == [LadderStatus.UNREACHED]


def test_roles_without_a_contact_are_reported_and_those_with_one_are_not() -> None:
    machine = a_machine(reachable=frozenset({"slack", "ann/sms"}))
    step = machine.tick(quorum())
    assert (step.reached, step.unreached) == (("lead",), ("oncall",))


def test_where_every_receiver_of_a_tier_refuses_the_next_one_is_called_at_once() -> None:
    machine = a_machine()
    machine.tick(quorum())
    machine.deliver(to="ann/sms", state=NotificationState.DEAD)
    machine.deliver(to="bob/sms", state=NotificationState.DEAD)
    machine.deliver()
    minutes(machine, 0.2, quorum())
    assert called(machine, "cto") == {"cto": 1}
    assert any(one.startswith("Tier 1 reached nobody (ann/sms and bob/sms refused") for one in machine.sent_to("slack"))
    minutes(machine, 5, quorum())
    assert len([one for one in machine.sent_to("slack") if "Tier 1 reached nobody" in one]) == 1


def test_where_one_receiver_of_a_tier_takes_the_message_the_next_one_waits() -> None:
    machine = a_machine()
    machine.tick(quorum())
    machine.deliver(to="ann/sms", state=NotificationState.DEAD)
    minutes(machine, 4, quorum())
    assert called(machine, "cto") == {"cto": 0}


def test_the_last_tier_waits_until_the_outage_is_confirmed() -> None:
    machine = a_machine()
    minutes(machine, 20, breach(counted=("us-east",)))
    assert called(machine, "cto", "ceo") == {"cto": 1, "ceo": 0}
    minutes(machine, 0.5, quorum())
    assert called(machine, "ceo") == {"ceo": 1}


def test_numbers_of_the_shops_own_confirm_an_outage() -> None:
    machine = a_machine()
    traits = Traits(family=Family.BUSINESS)
    minutes(machine, 16, breach("A2", None, traits=traits))
    assert called(machine, "ceo") == {"ceo": 1}


def test_a_rules_own_escalation_is_added_to_the_tiers() -> None:
    machine = a_machine()
    traits = Traits(family=Family.BUSINESS, escalation=("ceo", "unknown_here", "team"))
    minutes(machine, 1, breach("A2", None, traits=traits))
    assert called(machine, "ann", "ceo", "cto") == {"ann": 1, "ceo": 1, "cto": 0}
    assert [[one.role for one in row.recipients] for row in sorted(machine.ladder.values(), key=lambda r: r.tier)] == [
        ["lead", "oncall", "ceo"],
        ["cto"],
        ["ceo", "team"],
    ]


def test_people_are_those_of_the_moment_of_firing_and_their_addresses_the_present_ones() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    moved = replace(
        DIRECTORY, ways={**DIRECTORY.ways, "cto": ("ann/sms",)}, members={**DIRECTORY.members, "lead": ("bob",)}
    )
    machine.policy = replace(machine.policy, directory=moved)
    minutes(machine, 5, quorum())
    assert called(machine, "cto", "ann") == {"cto": 0, "ann": 2}


def test_whoever_left_the_directory_is_replaced_by_whoever_has_the_role_now() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    ways = {name: way for name, way in DIRECTORY.ways.items() if name != "cto"}
    moved = replace(DIRECTORY, ways=ways, members={**DIRECTORY.members, "cto": ("bob",)})
    machine.policy = replace(machine.policy, directory=moved)
    minutes(machine, 5, quorum())
    assert called(machine, "bob") == {"bob": 2}


def test_what_gets_critical_begins_the_critical_ladder_at_once() -> None:
    machine = a_machine(hours=HOURS, at=EVENING + timedelta(hours=5))
    minutes(machine, 1, of_high())
    assert called(machine, "ann", "bob", "cto") == {"ann": 0, "bob": 0, "cto": 0}
    minutes(machine, 0.2, quorum())
    assert called(machine, "ann", "bob") == {"ann": 1, "bob": 1}
    minutes(machine, 5, quorum())
    assert called(machine, "cto") == {"cto": 1}
    assert {row.severity for row in machine.pending()} == {CRITICAL}


def test_the_auditor_repairs_an_escalation_that_stopped_and_tells_of_it() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    machine.ladder.clear()
    step = machine.audit()
    assert [row.tier for row in step.ladder] == [1, 2, 3]
    assert any("escalation had stopped" in str(n.message["headline"]) for n in step.notifications)
    assert machine.audit().ladder == (), "repaired once"
    minutes(machine, 6, quorum())
    assert called(machine, "cto") == {"cto": 1}


@pytest.mark.parametrize("end", ["acknowledged", "resolved", "cancelled rows"])
def test_the_auditor_leaves_alone_what_ended_and_finds_rows_that_were_cancelled_for_nothing(end: str) -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    if end == "acknowledged":
        machine.ack(F0)
    elif end == "resolved":
        machine.tick(clear())
    else:
        machine.ladder = {k: replace(r, status=LadderStatus.CANCELLED) for k, r in machine.ladder.items()}
    assert bool(machine.audit().ladder) == (end == "cancelled rows")


def test_a_clock_that_was_ahead_delays_no_tier() -> None:
    machine = a_machine()
    machine.now += timedelta(days=3)
    minutes(machine, 1, quorum())
    machine.now -= timedelta(days=3)
    minutes(machine, 6, quorum())
    assert called(machine, "cto") == {"cto": 1}


def test_an_incident_of_the_monitors_own_messages_says_nothing_more_of_tiers_that_reach_nobody() -> None:
    machine = a_machine(reachable=frozenset({"slack"}))
    minutes(machine, 1, breach("W4", None))
    assert [one for one in machine.sent_to("slack") if "reached nobody" in one] == []


def test_less_urgent_alerts_do_not_escalate() -> None:
    machine = a_machine()
    machine.policy = replace(machine.policy, routes={**machine.policy.routes, Severity.LOW: ("ops",)})
    minutes(machine, 60, breach("R5", None, severity=Severity.LOW))
    assert machine.ladder == {}
    assert machine.audit().ladder == ()


def pending(**facts: Any) -> Verdict:
    return breach(**{"counted": ("us-east", "us-west"), "samples": ("run-1", "run-2"), "for_s": 60, **facts})


def people_too(**facts: Any) -> Machine:
    """A machine whose routes call the people of tier 1 as well, as the shipped file does."""
    machine = a_machine(**facts)
    machine.policy = replace(machine.policy, routes={**machine.policy.routes, CRITICAL: ("slack", "lead", "oncall")})
    return machine


@pytest.mark.parametrize("make", [a_machine, people_too])
def test_an_alert_that_was_acknowledged_while_pending_calls_no_tier_when_it_fires(make: Any) -> None:
    machine = make()
    machine.tick(pending())
    machine.ack(F0)
    assert (machine.ladder, machine.notifications) == ({}, {})
    minutes(machine, 20, pending())
    assert machine.alert(F0).state.value == "firing"
    assert called(machine, "ann", "bob", "cto", "ceo") == dict.fromkeys(("ann", "bob", "cto", "ceo"), 0)
    assert machine.told("slack") == ["firing", "acknowledged"], "the channel learns that it fires, and who has it"
    assert machine.sent_to("slack")[1].startswith("Acknowledged by ann")
    assert machine.audit().ladder == ()
    machine.tick(clear())
    machine.deliver()
    assert machine.told("slack") == ["firing", "acknowledged", "resolved"]
    assert called(machine, "ann", "bob") == {"ann": 0, "bob": 0}


def test_where_the_routes_name_only_people_nobody_is_told_of_what_somebody_has() -> None:
    machine = people_too()
    machine.policy = replace(machine.policy, routes={CRITICAL: ("lead", "oncall")})
    machine.tick(pending())
    machine.ack(F0)
    minutes(machine, 5, pending())
    machine.tick(clear())
    assert machine.notifications == {}


def test_an_acknowledgement_while_pending_that_was_taken_back_calls_tier_1_when_it_fires() -> None:
    machine = a_machine()
    machine.tick(pending())
    machine.ack(F0)
    machine.unack(F0)
    minutes(machine, 2, pending())
    assert called(machine, "ann", "bob") == {"ann": 1, "bob": 1}


def test_one_that_is_given_back_after_it_fired_begins_at_tier_1() -> None:
    machine = a_machine()
    machine.tick(pending())
    machine.ack(F0)
    minutes(machine, 2, pending())
    machine.unack(F0)
    minutes(machine, 0.2, pending())
    assert called(machine, "ann", "bob", "cto") == {"ann": 1, "bob": 1, "cto": 0}


def test_an_acknowledgement_while_pending_is_forgotten_like_any_other() -> None:
    machine = a_machine()
    machine.tick(pending())
    machine.ack(F0)
    minutes(machine, 29, pending())
    assert called(machine, "ann") == {"ann": 0}
    minutes(machine, 2, pending())
    assert called(machine, "ann") == {"ann": 1}


def test_the_next_episode_is_acknowledged_by_nobody() -> None:
    machine = a_machine()
    machine.tick(pending())
    machine.ack(F0)
    machine.tick(clear())
    assert machine.alert(F0).state.value == "dropped"
    minutes(machine, 2, pending())
    assert called(machine, "ann", "bob") == {"ann": 1, "bob": 1}


def test_what_fires_beside_it_and_nobody_has_calls_tier_1() -> None:
    machine = a_machine()
    machine.tick(pending())
    machine.ack(F0)
    minutes(machine, 2, pending(), pending(rule="A2", journey=None, for_s=0))
    assert called(machine, "ann", "bob") == {"ann": 1, "bob": 1}


def test_what_was_acknowledged_while_another_alert_covered_it_calls_nobody_afterwards() -> None:
    machine = a_machine()
    payment = pending(rule="A1s", for_s=0)
    machine.tick(payment, pending(for_s=0))
    machine.deliver()
    machine.ack(F0)
    machine.ack("A1s/ga_purchase")
    machine.tick(clear("A1s"), pending(for_s=0, samples=("run-3",)))
    minutes(machine, 2, clear("A1s"), pending(for_s=0, samples=("run-4",)))
    assert machine.alert(F0).incident is not None
    assert [said for said in machine.sent_to("ann/sms") if "F0 title" in said] == []


def test_what_was_acknowledged_while_pending_out_of_hours_is_told_at_opening_and_calls_nobody() -> None:
    machine = a_machine(hours=HOURS, at=EVENING + 30 * MINUTE, escalation={"unack_after": timedelta(hours=20)})
    machine.tick(pending(severity=HIGH))
    machine.ack(F0)
    minutes(machine, 16 * 60, pending(severity=HIGH))
    assert machine.told("ops") == ["firing", "acknowledged"]
    assert called(machine, "ann", "bob", "cto") == {"ann": 0, "bob": 0, "cto": 0}


# A person asks for the next tier


def test_whoever_escalates_calls_the_next_tier_at_once_and_the_message_says_who_asked() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    step = machine.escalate(by="ann (SMS)")
    assert [(row.tier, row.status, row.asked_by) for row in step.ladder] == [(2, LadderStatus.DONE, "ann (SMS)")]
    assert machine.sent_to("cto/sms")[0].startswith("Critical, tier 2, called by ann (SMS) after 50 s: F0 title")
    minutes(machine, 15, quorum())
    assert called(machine, "cto", "ceo") == {"cto": 1, "ceo": 1}, "the last tier keeps its time"


def test_whoever_escalates_an_acknowledged_incident_takes_the_acknowledgement_back() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    machine.ack(F0)
    machine.escalate()
    assert machine.alert(F0).acked_by is None
    assert called(machine, "cto", "ceo") == {"cto": 1, "ceo": 0}
    minutes(machine, 16, quorum())
    assert called(machine, "cto", "ceo") == {"cto": 1, "ceo": 1}, "it climbs on from there"
    pages = [headline for headline in machine.sent_to("ann/sms") if not headline.startswith("Acknowledged")]
    assert len(pages) == 1, "tier 1 had its turn in the last round"


def test_escalating_waits_neither_for_business_hours_nor_for_confirmation() -> None:
    machine = a_machine(hours=HOURS, at=EVENING + timedelta(minutes=30))
    minutes(machine, 1, breach(counted=("us-east",), severity=HIGH))
    assert [n.due_at.hour for n in machine.notifications.values()] == [9] * len(machine.notifications)
    for names in ({"ann/sms"}, {"ann/sms"}, {"cto/sms"}):
        machine.escalate()
        now = [n for n in machine.notifications.values() if n.created_at == machine.now]
        assert {n.destination for n in now} >= names
        assert all(n.due_at == machine.now for n in now)
        minutes(machine, 1, breach(counted=("us-east",), severity=HIGH))
    machine.now += timedelta(hours=17)
    machine.deliver()
    assert called(machine, "cto") == {"cto": 1}, "a message that was overtaken is not sent at opening as well"


def test_escalating_to_a_tier_that_reaches_nobody_calls_the_one_after_it() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    machine.policy = replace(machine.policy, directory=replace(DIRECTORY, ways={**DIRECTORY.ways, "cto": ()}))
    step = machine.escalate()
    assert [(row.tier, row.status) for row in step.ladder if row.done_at == machine.now] == [
        (2, LadderStatus.UNREACHED),
        (3, LadderStatus.DONE),
    ]
    assert called(machine, "ceo") == {"ceo": 1}


def test_escalating_is_refused_with_the_reason_where_it_is_silenced_in_maintenance_or_does_not_escalate() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    silence = Silence(
        id="silence-1",
        match={"rule": ("F0",)},
        by="bob",
        reason="deploy",
        created_at=machine.now,
        starts_at=machine.now,
        ends_at=machine.now + timedelta(hours=1),
    )
    loud = machine.policy
    machine.policy = replace(loud, silences=(silence,))
    with pytest.raises(EscalationRefusedError, match="silence-1 by bob silences it until"):
        machine.escalate()
    machine.policy = replace(loud, escalation=None)
    with pytest.raises(EscalationRefusedError, match="does not escalate"):
        machine.escalate()
