"""Of a burst of messages a destination gets the first ones, and the rest as one; a critical incident is never in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.machine import Standing, advance
from alerts.policy import Policy, RollUp
from alerts.roll_up import ROLLED, Burst, rolled_up
from facts import Notification, NotificationKind, NotificationState, Severity, Verdict, from_wire, to_wire
from tests.alerts.builders import Machine, a_policy, breach, clear

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
FIRING, RESOLVED = NotificationKind.FIRING, NotificationKind.RESOLVED


class Rolling(Machine):
    """A machine whose steps are rolled up, as the hub's are; the roll-ups that it owed are in `rolled`."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.bursts: tuple[Burst, ...] = ()
        self.rolled: list[Notification] = []

    def step(self, *verdicts: Verdict, after_s: float = 10) -> list[Notification]:
        """One tick; the roll-ups that it owed."""
        self.now += timedelta(seconds=after_s)
        standing: Standing = self.standing()
        before = self.now - timedelta(seconds=10)
        plain = advance(standing, verdicts, self.policy, self.now, previous=before)
        # What is known between ticks is stored as JSON.
        known = [from_wire(Burst, to_wire(one)) for one in self.bursts]
        found = rolled_up(plain, standing, known, self.policy, self.now)
        self.bursts = found.bursts
        self._save(found.step)
        self.rolled += found.owed
        self.deliver()
        return list(found.owed)

    def got(self, destination: str) -> list[str]:
        """The kinds of messages of its own that a destination got."""
        found = [n for n in self.notifications.values() if n.destination == destination]
        return [n.kind.value for n in found if n.state is NotificationState.DELIVERED]


def low_stock(count: int, *, of: Any = breach, severity: Severity = HIGH, since: int = 0) -> list[Verdict]:
    """An alert for each of so many cities, which are incidents of their own."""
    return [of("H4", None, subject=f"city-{number:03}", severity=severity) for number in range(since, count)]


def rolling(**facts: Any) -> Rolling:
    return Rolling(a_policy(**{"roll_up": RollUp(), **facts}))


@pytest.mark.parametrize(
    ("count", "alone", "listed"), [(1, 1, []), (10, 10, []), (11, 10, [1]), (12, 10, [2]), (300, 10, [290])]
)
def test_what_is_above_the_limit_is_one_message(count: int, alone: int, listed: list[int]) -> None:
    machine = rolling()
    owed = [one for one in machine.step(*low_stock(count)) if one.destination == "ops"]
    assert machine.got("ops").count("firing") == alone
    noun = "incident" if listed == [1] else "incidents"
    assert [one.message["headline"] for one in owed] == [f"Roll-up of {n} {noun}: {n} high" for n in listed]
    assert all(len(one.message["lines"]) == min(50, listed[0]) for one in owed)
    rest = [n for n in machine.notifications.values() if n.destination == "ops" and n.reason == ROLLED]
    assert len(rest) == count - alone
    assert all(n.state is NotificationState.SUPERSEDED for n in rest)


def test_in_a_flood_of_300_alerts_a_new_critical_incident_is_told_on_its_own_and_at_once() -> None:
    machine = rolling(routes={CRITICAL: ("ops",), HIGH: ("ops",)})
    machine.step(*low_stock(300))
    machine.step(*low_stock(300), breach())
    (page,) = [n for n in machine.notifications.values() if n.severity is CRITICAL]
    assert (page.state, page.due_at, page.destination) == (NotificationState.DELIVERED, machine.now, "ops")


def test_a_flood_of_critical_incidents_is_not_rolled_up() -> None:
    machine = rolling(routes={CRITICAL: ("ops",)}, join_window=timedelta(0))
    for number in range(15):
        machine.step(*[breach("A2", None, subject=f"city-{n}") for n in range(number + 1)], after_s=20)
    assert machine.got("ops").count("firing") == 15
    assert machine.rolled == []


def test_the_worst_is_listed_first() -> None:
    machine = rolling(roll_up=RollUp(above=1), routes={HIGH: ("ops",), MEDIUM: ("ops",)})
    machine.step(*low_stock(3, severity=MEDIUM), *low_stock(5, since=3))
    (owed,) = machine.rolled
    assert [line["severity"] for line in owed.message["lines"]] == ["high", "medium", "medium", "medium"]
    assert owed.message["headline"] == "Roll-up of 4 incidents: 1 high, 3 medium"
    assert owed.severity is HIGH


def test_what_follows_is_told_at_most_once_in_update_every() -> None:
    machine = rolling()
    machine.step(*low_stock(20))
    for count in (21, 22, 23):
        machine.step(*low_stock(count))
    assert len([one for one in machine.rolled if one.destination == "ops"]) == 1
    machine.step(*low_stock(23), after_s=300)
    (first, second) = [one for one in machine.rolled if one.destination == "ops"]
    assert second.message["headline"] == "Roll-up of 3 incidents: 3 high"
    assert (first.thread, second.order) == (second.thread, 2)


def test_what_was_told_in_a_roll_up_is_told_to_be_over_in_one() -> None:
    machine = rolling()
    machine.step(*low_stock(13))
    machine.step(*low_stock(12), *low_stock(13, of=clear, since=12), after_s=300)
    ops = [one for one in machine.rolled if one.destination == "ops"]
    assert (ops[-1].kind, ops[-1].message["headline"]) == (
        NotificationKind.UPDATE,
        "Roll-up of 1 incident: 1 over, 2 open in all",
    )
    machine.step(*low_stock(13, of=clear), after_s=300)
    ops = [one for one in machine.rolled if one.destination == "ops"]
    assert ops[-1].kind is RESOLVED
    assert ops[-1].message["headline"] == "Resolved: roll-up of 2 incidents, all of them over"
    assert {one.message["incident"] for one in ops} == {ops[0].thread}, "PagerDuty resolves what it opened"
    assert machine.got("ops").count("resolved") == 10
    assert not any(burst.members for burst in machine.bursts)
    machine.step(after_s=301)
    assert machine.bursts == ()


def test_what_gets_critical_leaves_the_roll_up_and_pages() -> None:
    machine = rolling(routes={CRITICAL: ("ops",), HIGH: ("ops",)})
    machine.step(*low_stock(12))
    worse = breach("H4", None, subject="city-011", severity=CRITICAL)
    machine.step(*low_stock(11), worse)
    assert [n.destination for n in machine.notifications.values() if n.severity is CRITICAL] == ["ops"]
    assert "inc-12" not in [member.incident for burst in machine.bursts for member in burst.members]


def test_a_roll_up_whose_last_incident_pages_on_its_own_is_resolved_for_a_pager() -> None:
    machine = rolling(routes={CRITICAL: ("ops",), HIGH: ("ops",)})
    (opened,) = machine.step(*low_stock(11))
    worse = breach("H4", None, subject="city-010", severity=CRITICAL)
    (ended,) = machine.step(*low_stock(10), worse)
    assert (opened.kind, ended.kind, ended.thread, ended.order) == (FIRING, RESOLVED, opened.thread, 2)
    assert ended.message["headline"] == "Resolved: roll-up, each of its incidents is told on its own"
    assert machine.step(*low_stock(10), worse) == []
    (again,) = machine.step(*low_stock(10), worse, *low_stock(23, since=11), after_s=1200)
    assert (again.kind, again.thread != opened.thread) == (FIRING, True)


def test_messages_that_come_one_by_one_are_no_burst() -> None:
    machine = rolling()
    for number in range(1, 30):
        machine.step(*low_stock(number), after_s=40)
    assert machine.rolled == []


def test_without_the_setting_each_is_told_on_its_own() -> None:
    machine = rolling(roll_up=None)
    machine.step(*low_stock(30))
    assert machine.got("ops").count("firing") == 30


def test_each_destination_has_a_limit_of_its_own() -> None:
    machine = rolling(routes={HIGH: ("ops",), MEDIUM: ("mail",)})
    machine.step(*low_stock(8), *low_stock(16, severity=MEDIUM, since=8))
    assert machine.rolled == []


def test_who_was_told_in_a_roll_up_is_told_the_end_where_the_setting_is_gone() -> None:
    machine = rolling()
    machine.step(*low_stock(13))
    machine.policy = a_policy(roll_up=None)
    machine.step(*low_stock(20))
    assert machine.got("ops").count("firing") == 10 + 7, "nothing new is rolled up"
    machine.step(*low_stock(13, of=clear), *low_stock(20, since=13), after_s=300)
    last = [one for one in machine.rolled if one.destination == "ops"][-1]
    assert (last.kind, last.message["headline"]) == (RESOLVED, "Resolved: roll-up of 3 incidents, all of them over")
    assert machine.bursts == ()
