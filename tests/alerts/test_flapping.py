"""An alert that fires and resolves again and again is one incident: it pages once, and is never silent while it fires."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.flapping import Flapping
from facts import AlertState, LadderStatus, Severity, Verdict
from tests.alerts.builders import GA, NOW, Machine, breach, clear
from tests.alerts.test_ladder import a_machine, minutes, quorum

F0 = f"F0/{GA}"
MINUTE = timedelta(minutes=1)
FLAPPING = Flapping()
QUIET = FLAPPING.settle.total_seconds()


def flap(machine: Machine, times: int, *, verdict: Verdict | None = None, every_s: float = 120) -> None:
    """It fires and resolves so many times; every message is delivered."""
    for _ in range(times):
        machine.tick(verdict or quorum(), after_s=10)
        machine.deliver()
        machine.tick(clear(), after_s=10)
        machine.deliver()
        for _ in range(round((every_s - 20) / 10)):
            machine.tick(clear(), after_s=10)


@pytest.mark.parametrize(
    ("ago_min", "changes"),
    [
        ([], None),
        ([10], None),
        ([20, 10], (5, 20)),
        ([60, 10], (5, 60)),
        ([61, 10], None),
        ([61, 20, 10], (5, 20)),
        ([30, 20, 10], (7, 30)),
        ([20, 0], None),
    ],
)
def test_the_third_firing_within_the_hour_is_flapping(ago_min: list[int], changes: tuple[int, int] | None) -> None:
    found = FLAPPING.changes([NOW - ago * MINUTE for ago in ago_min], NOW)
    assert found == ((changes[0], changes[1] * MINUTE) if changes else None)


def test_a_flapping_alert_pages_once_more_and_then_joins_its_thread() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 2)
    assert len(machine.incidents) == 2
    flap(machine, 6)
    assert len(machine.incidents) == 3
    assert [one for one in machine.sent_to("slack") if "flapping" in one] == [
        f"Critical, is flapping: 5 changes in 4 min: F0 title (since {NOW + timedelta(seconds=250):%H:%M:%S} UTC)"
    ]
    assert len(machine.sent_to("ann/sms")) == 2 + 2 + 1, "two whole incidents, and one page"
    assert (machine.alert(F0).flapping, machine.alert(F0).incident) == (True, "inc-3")
    assert machine.incidents["inc-3"].resolved_at is None


def test_it_is_told_once_when_it_has_settled() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 5)
    machine.ticks(clear(), for_s=QUIET - 150)
    assert "inc-3" in [one.id for one in machine.standing().incidents]
    machine.ticks(clear(), for_s=60)
    assert machine.standing().incidents == []
    assert machine.sent_to("slack")[-1].endswith("; it was flapping (3 firings), and is quiet now")
    assert machine.told("slack").count("resolved") == 3
    machine.now += timedelta(hours=1)
    machine.ticks(quorum(), for_s=20)
    assert not machine.alert(F0).flapping, "an hour later it begins anew"


def test_flapping_that_settles_into_firing_is_told_and_goes_on() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 3)
    machine.ticks(quorum(), for_s=QUIET + 20)
    machine.deliver()
    assert machine.incidents["inc-3"].flapping_since is None
    assert not machine.alert(F0).flapping
    assert any(one.startswith("Not flapping any more, it has fired for 15 min") for one in machine.sent_to("slack"))
    machine.tick(clear())
    assert machine.incidents["inc-3"].resolved_at is not None


def test_escalation_goes_on_while_it_fires_and_waits_while_it_does_not() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 3)
    machine.deliver()
    before = len(machine.sent_to("cto/sms"))
    minutes(machine, 6, clear())
    assert len(machine.sent_to("cto/sms")) == before, "nobody is called for what is well now"
    minutes(machine, 0.2, quorum())
    assert len(machine.sent_to("cto/sms")) == before + 1, "the tier that was due is called at once"
    minutes(machine, 10, quorum())
    assert len(machine.sent_to("ceo/sms")) == 1
    assert machine.audit().ladder == ()


def test_whoever_has_it_has_the_next_firing_too_until_the_acknowledgement_is_too_old() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 2)
    machine.tick(quorum())
    machine.deliver()
    machine.ack(F0, by="bob")
    flap(machine, 2)
    assert (machine.alert(F0).episode, machine.alert(F0).acked_by) == (4, "bob")
    assert not [row for row in machine.pending() if row.incident == "inc-3"]
    minutes(machine, 31, quorum())
    assert machine.alert(F0).acked_by is None, "a forgotten acknowledgement comes back"
    assert machine.pending()


def test_an_acknowledgement_between_two_firings_counts() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 3)
    assert machine.alert(F0).state is AlertState.RESOLVED
    machine.ack(F0, by="bob")
    assert {row.status for row in machine.ladder.values() if row.incident == "inc-3"} <= {
        LadderStatus.DONE,
        LadderStatus.CANCELLED,
    }
    machine.tick(quorum())
    assert machine.alert(F0).acked_by == "bob"


def test_what_gets_worse_while_it_flaps_is_told_at_once() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 3, verdict=quorum(severity=Severity.HIGH))
    before = len(machine.sent_to("slack"))
    machine.tick(quorum())
    assert machine.incidents["inc-3"].severity is Severity.CRITICAL
    assert len(machine.sent_to("slack")) > before


def test_another_alert_has_its_own_incident_while_one_flaps() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 3)
    machine.tick(clear(), breach("A2", None))
    assert machine.alert("A2").incident == "inc-4"


def test_an_alert_that_flaps_within_an_open_incident_is_told_of_once() -> None:
    machine = a_machine(flapping=FLAPPING, update_every=timedelta(minutes=1))
    machine.tick(quorum())
    other = breach("H4", None, severity=Severity.HIGH)
    for _ in range(6):
        machine.ticks(quorum(), other, for_s=70)
        machine.ticks(quorum(), clear("H4", None), for_s=70)
    # At the third firing it is known to flap.
    assert machine.told("slack").count("update") == 2
    assert machine.alert("H4").incident == "inc-1"


def test_a_rule_that_is_switched_off_ends_it_at_once() -> None:
    machine = a_machine(flapping=FLAPPING)
    flap(machine, 2)
    machine.tick(quorum())
    machine.tick(gone={F0: "closed: rule F0 is switched off"})
    assert machine.incidents["inc-3"].resolved_at is not None


def test_without_the_setting_nothing_is_damped() -> None:
    machine = a_machine()
    flap(machine, 5)
    assert len(machine.incidents) == 5


def test_what_flapped_by_a_clock_that_was_ahead_settles_once_the_clock_is_right() -> None:
    machine = a_machine(flapping=FLAPPING)
    machine.now += 60 * MINUTE
    flap(machine, 4)
    assert machine.incidents["inc-3"].resolved_at is None
    machine.tick(clear(), after_s=-3600)
    for _ in range(round(QUIET / 10) - 1):
        machine.tick(clear())
    assert machine.incidents["inc-3"].resolved_at is None, "it has not been quiet for long enough"
    machine.ticks(clear(), for_s=20)
    assert machine.incidents["inc-3"].resolved_at == machine.now - timedelta(seconds=10)
