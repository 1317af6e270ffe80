"""The stages of the pipeline: route, suppress, schedule; each by a table of cases, and what they come to for an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from alerts.fallback import told_instead
from alerts.hours import BusinessHours
from alerts.policy import Digest, Policy
from alerts.route import Match, Route, receivers
from alerts.schedule import due
from alerts.suppress import suppressed
from facts import Family, HoldReason, NotificationState, Severity, Traits
from tests.alerts.builders import GA, NOW, Machine, breach, clear

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
HOURS = BusinessHours(zone=ZoneInfo("America/Chicago"))
NIGHT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
"""Sunday evening in Chicago; Monday's opening is at 15:00 UTC."""
OPENING = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
ROUTES = {CRITICAL: ("emergency", "hook"), HIGH: ("ops", "hook"), MEDIUM: ("ops",)}
F0 = f"F0/{GA}"


def an_alert(rule: str = "H4", journey: str | None = None, **facts: Any) -> Any:
    machine = Machine()
    machine.tick(breach(rule, journey, **{"severity": HIGH, "subject": "dallas/ga", **facts}))
    (alert,) = machine.alerts.values()
    return alert


STOCK = an_alert(traits=Traits(family=Family.BUSINESS))
SILENT = an_alert("W1", None, subject="us-east", traits=Traits(family=Family.MONITOR, location_bound="us-east"))
JOURNEY = an_alert("F1", GA, subject=None)


@pytest.mark.parametrize(
    ("match", "alert", "matches"),
    [
        ({}, STOCK, True),
        ({"severity": [HIGH]}, STOCK, True),
        ({"severity": [CRITICAL, MEDIUM]}, STOCK, False),
        ({"rule": ["H4"]}, STOCK, True),
        ({"rule": ["H*"]}, STOCK, True),
        ({"rule": ["h4"]}, STOCK, False),
        ({"family": [Family.BUSINESS]}, STOCK, True),
        ({"family": [Family.JOURNEY]}, STOCK, False),
        ({"journey": [GA]}, JOURNEY, True),
        ({"journey": ["*"]}, STOCK, False),
        ({"city": ["dallas"]}, STOCK, True),
        ({"city": ["dall"]}, STOCK, False),
        ({"city": ["austin", "dal*"]}, STOCK, True),
        ({"city": ["*"]}, JOURNEY, False),
        ({"location": ["us-*"]}, SILENT, True),
        ({"location": ["us-east"]}, STOCK, False),
        ({"rule": ["H4"], "city": ["austin"]}, STOCK, False),
    ],
)
def test_a_matcher_holds_where_every_key_of_it_does(match: dict[str, Any], alert: Any, matches: bool) -> None:
    assert Match(**match).matches(alert) is matches


DALLAS = Route(match=Match(city=["dallas"]), to=["dallas-team"])
STOCKS = Route(match=Match(rule=["H4"]), to=["inventory", "ops"])


@pytest.mark.parametrize(
    ("matching", "alerts", "told"),
    [
        ((), (STOCK,), ("ops", "hook")),
        ((DALLAS,), (STOCK,), ("dallas-team",)),
        ((DALLAS,), (JOURNEY,), ("ops", "hook")),
        ((DALLAS, STOCKS), (STOCK,), ("dallas-team",)),
        ((replace(DALLAS, continue_=True), STOCKS), (STOCK,), ("dallas-team", "inventory", "ops")),
        ((replace(DALLAS, continue_=True),), (STOCK,), ("dallas-team",)),
        ((DALLAS,), (STOCK, JOURNEY), ("dallas-team", "ops", "hook")),
        ((DALLAS,), (), ()),
    ],
)
def test_the_first_route_that_matches_counts_and_the_severitys_where_none_does(
    matching: tuple[Route, ...], alerts: tuple[Any, ...], told: tuple[str, ...]
) -> None:
    assert receivers(alerts, HIGH, matching=matching, routes=ROUTES) == told


@pytest.mark.parametrize(
    ("severity", "now", "at"),
    [
        (CRITICAL, NIGHT, NIGHT),
        (HIGH, NIGHT, OPENING),
        (MEDIUM, NIGHT, OPENING),
        (HIGH, NOON, NOON),
        (MEDIUM, NOON, NOON),
    ],
)
def test_high_and_medium_wait_for_business_hours(severity: Severity, now: datetime, at: datetime) -> None:
    found = due(severity, Policy(hours=HOURS), now)
    assert (found.at, found.hold is None) == (at, at == now)
    assert due(severity, Policy(), now).at == now, "without business hours nobody waits"
    paging = due(severity, Policy(hours=HOURS, pages_high_after_hours=True), now)
    assert paging.at == (now if severity is HIGH else at)


def test_what_holds_back_has_a_name_and_says_until_when() -> None:
    held = due(HIGH, Policy(hours=HOURS), NIGHT).hold
    assert held is not None
    assert held.reason is HoldReason.BUSINESS_HOURS
    assert held.says == "held until Mon 30 Nov 09:00 (America/Chicago): outside business hours"
    covered = suppressed(replace(STOCK, inhibited_by="F0/x"), Policy(), NIGHT)
    assert covered is not None
    assert (covered.reason, covered.says, covered.until) == (HoldReason.INHIBITION, "F0/x covers it", None)
    assert suppressed(STOCK, Policy(), NIGHT) is None


# What the stages come to.


def a_machine(at: datetime = NIGHT, **facts: Any) -> Machine:
    machine = Machine(Policy(routes=ROUTES, hours=HOURS, **facts))
    machine.now = at - timedelta(seconds=10)
    return machine


def high(**facts: Any) -> Any:
    return breach(severity=HIGH, **facts)


def at(machine: Machine, moment: datetime, *verdicts: Any) -> None:
    """A tick at a moment, as if the hub had judged all the time."""
    machine._previous = moment - timedelta(seconds=10)
    machine.now = machine._previous
    machine.tick(*verdicts)
    machine.deliver()


def states(machine: Machine, destination: str) -> list[tuple[str, str, str | None]]:
    found = sorted((n for n in machine.notifications.values() if n.destination == destination), key=lambda n: n.order)
    return [(n.kind.value, n.state.value, n.hold.value if n.hold else None) for n in found]


def test_an_alert_out_of_hours_is_opened_and_its_message_waits_with_its_reason() -> None:
    machine = a_machine()
    machine.tick(high())
    machine.deliver()
    assert machine.alert(F0).state.value == "firing"
    (held,) = [n for n in machine.notifications.values() if n.destination == "ops"]
    assert (held.due_at, held.state, held.hold) == (OPENING, NotificationState.OWED, HoldReason.BUSINESS_HOURS)
    assert "held until Mon 30 Nov 09:00" in (held.reason or "")


def test_what_still_fires_at_opening_is_sent_then() -> None:
    machine = a_machine()
    machine.tick(high())
    at(machine, OPENING - timedelta(seconds=10), high())
    assert machine.told("ops") == ["firing"]
    assert states(machine, "ops") == [("firing", "owed", "business_hours")]
    at(machine, OPENING, high())
    assert states(machine, "ops") == [("firing", "delivered", "business_hours")]


def test_what_was_over_by_opening_is_left_to_the_digest() -> None:
    machine = a_machine(digest=Digest(to=("mail",)))
    machine.tick(high())
    machine.tick(clear())
    assert states(machine, "ops") == [("firing", "superseded", "digest")]


def test_without_a_digest_what_was_over_by_opening_is_one_message_at_opening() -> None:
    machine = a_machine()
    machine.tick(high())
    machine.tick(clear())
    at(machine, OPENING)
    assert states(machine, "ops") == [
        ("firing", "superseded", "business_hours"),
        ("resolved", "delivered", "business_hours"),
    ]
    assert machine.sent_to("ops")[0].startswith("Fired and resolved: F0 title")


def test_a_promotion_to_critical_overtakes_a_message_that_waits() -> None:
    machine = a_machine()
    machine.tick(high())
    machine.tick(breach())
    machine.deliver()
    assert states(machine, "emergency") == [("firing", "delivered", None)]
    assert states(machine, "ops") == [("firing", "superseded", "business_hours"), ("firing", "delivered", None)]
    assert states(machine, "hook") == [("firing", "superseded", "business_hours"), ("firing", "delivered", None)]
    machine.tick(clear())
    machine.deliver()
    assert [machine.told(name)[-1] for name in ("emergency", "ops", "hook")] == ["resolved"] * 3


def test_a_resolved_message_always_follows_a_delivered_firing_one() -> None:
    closing = datetime(2026, 11, 30, 22, 59, tzinfo=UTC)
    machine = a_machine(closing, digest=Digest(to=("mail",)))
    machine.tick(high())
    machine.deliver()
    assert states(machine, "ops") == [("firing", "delivered", None)]
    at(machine, closing + timedelta(hours=2), clear())
    assert states(machine, "ops")[-1] == ("resolved", "owed", "business_hours")
    at(machine, OPENING + timedelta(days=1))
    assert states(machine, "ops")[-1] == ("resolved", "delivered", "business_hours")


def test_what_joins_while_a_message_waits_is_one_message_with_it() -> None:
    machine = a_machine()
    machine.tick(high())
    incident = machine.incidents["inc-1"]
    machine.incidents["inc-1"] = replace(
        incident, alerts=(*incident.alerts, "H4.1"), updated_at=NIGHT - timedelta(hours=1)
    )
    machine.alerts["H4.1"] = replace(STOCK, id="H4.1", key="H4/dallas", incident="inc-1", fired_at=NIGHT)
    machine.tick(high())
    assert [state for _, state, _ in states(machine, "ops") if state == "owed"] == ["owed"]
    (waiting,) = [n for n in machine.notifications.values() if n.destination == "ops" and n.state.value == "owed"]
    assert {line["alert"] for line in waiting.message["lines"]} >= {"H4.1", f"F0.{GA}.1"}


def test_an_alert_that_joins_tells_the_receivers_of_its_own_route_too() -> None:
    machine = Machine(Policy(routes=ROUTES, matching=(DALLAS,)))
    machine.tick(breach())
    machine.deliver()
    for _ in range(31):
        machine.tick(breach(), breach("H4", None, severity=HIGH, subject="dallas/ga"))
    machine.deliver()
    assert machine.told("dallas-team") == ["firing"]
    assert machine.told("emergency") == ["firing", "update"]
    machine.tick(clear(), clear("H4", None, severity=HIGH, subject="dallas/ga"))
    assert machine.told("dallas-team") == ["firing", "resolved"]


def test_destinations_without_an_address_are_owed_nothing_while_another_has_one() -> None:
    machine = Machine(Policy(routes=ROUTES, reachable=frozenset({"hook"})))
    machine.tick(breach())
    assert {n.destination for n in machine.notifications.values()} == {"hook"}
    machine = Machine(Policy(routes=ROUTES, reachable=frozenset()))
    machine.tick(breach())
    assert {n.destination for n in machine.notifications.values()} == {"emergency", "hook"}


def test_moments_of_these_tests_are_what_they_say() -> None:
    assert (HOURS.is_open(NIGHT), HOURS.is_open(NOON), HOURS.next_opening(NIGHT)) == (False, True, OPENING)
    assert NOW.tzinfo is UTC


def test_a_tiers_call_goes_to_nobody_else_in_its_place() -> None:
    machine = Machine(Policy(routes=ROUTES))
    machine.tick(breach())
    (dead,) = [n for n in machine.notifications.values() if n.destination == "emergency"]
    facts: dict[str, Any] = {"reachable": ["ops"], "others": [], "routes": ROUTES, "reason": "410", "now": NOW}
    instead = told_instead(dead, **facts)
    assert instead is not None
    assert (instead.destination, instead.hold) == ("ops", None)
    assert told_instead(replace(dead, tier=2), **facts) is None


def test_whoever_is_only_called_by_name_is_told_nothing_in_place_of_another() -> None:
    policy = Policy(
        routes={CRITICAL: ("emergency", "lead"), HIGH: ("sms-ann",)},
        matching=(DALLAS,),
        directory=Directory(ways={"ann": ("sms-ann", "ann/phone"), "ceo": ("ceo/phone",)}, members={"lead": ("ann",)}),
        escalation=Escalation(tiers=(Tier(after=timedelta(0), recipients={CRITICAL: ("siren", "emergency")}),)),
    )
    assert policy.called_by_name == {"ann/phone", "ceo/phone", "dallas-team", "siren"}
