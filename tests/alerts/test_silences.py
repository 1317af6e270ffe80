"""What a person silences is told to nobody for that time, and nothing of it is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.silences import SilenceError, read_match, read_silence, silence_of
from facts import Alert, AlertState, HoldReason, LadderStatus, NotificationState, Severity, Silence, SilenceState
from tests.alerts.builders import GA, NOW, Machine, breach, clear
from tests.alerts.test_ladder import a_machine, minutes, quorum

F0 = f"F0/{GA}"
HOUR = timedelta(hours=1)
ASKED: dict[str, Any] = {"match": {"rule": "F0"}, "for": "2h", "reason": "deploy of the new checkout"}


def read(**changes: Any) -> Silence:
    asked = {key: value for key, value in {**ASKED, **changes}.items() if value is not None}
    return read_silence(asked, silence_id="silence-1", by="ann", now=NOW)


def an_alert(**facts: Any) -> Alert:
    return Alert(
        **{
            "id": "F0.ga_purchase.1",
            "key": F0,
            "rule": "F0",
            "journey": GA,
            "severity": Severity.CRITICAL,
            "state": AlertState.FIRING,
            "episode": 1,
            "pending_since": NOW,
            "summary": "F0 is broken",
            **facts,
        }
    )


def silenced(machine: Machine, *, for_s: float, **match: Any) -> None:
    match = match or {"rule": "F0"}
    one = read_silence(
        {"match": match, "for": f"{for_s:g}s", "reason": "deploy"}, silence_id="silence-1", by="ann", now=machine.now
    )
    machine.policy = replace(machine.policy, silences=(one,))


def test_a_silence_is_read_with_its_end_its_reason_and_what_it_is_about() -> None:
    silence = read(match={"rule": ["F0", "A1*"], "severity": "critical"})
    assert (silence.starts_at, silence.ends_at, silence.by) == (NOW, NOW + 2 * HOUR, "ann")
    assert silence.match == {"rule": ("F0", "A1*"), "severity": ("critical",)}
    assert silence.about == "rule F0 or A1*, severity critical"
    ends = NOW + 3 * HOUR
    assert read(**{"for": None, "ends_at": ends.isoformat()}).ends_at == ends
    later = read(starts_at=(NOW + HOUR).isoformat())
    assert (later.starts_at, later.ends_at, later.state(NOW)) == (NOW + HOUR, NOW + 3 * HOUR, SilenceState.PENDING)
    assert (silence.state(NOW), silence.state(silence.ends_at)) == (SilenceState.ACTIVE, SilenceState.ENDED)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"match": None}, 'match: name what is silenced, like {"rule": "F0"}'),
        ({"match": {}}, 'match: name what is silenced, like {"rule": "F0"}'),
        ({"match": "F0"}, 'match: name what is silenced, like {"rule": "F0"}'),
        ({"match": {"rules": "F0"}}, "match.rules: is no key; there are rule, severity"),
        ({"match": {"rule": []}}, "match.rule: is a text, or a list of 1 to 50 texts"),
        ({"match": {"rule": 7}}, "match.rule: is a text, or a list of 1 to 50 texts"),
        ({"match": {"rule": [7]}}, "match.rule: 7 is no text of 1 to 200 characters"),
        ({"match": {"rule": ""}}, "match.rule: '' is no text of 1 to 200 characters"),
        ({"match": {"rule": "a\0"}}, "is no text of 1 to 200 characters"),
        ({"match": {"severity": "urgent"}}, "match.severity: 'urgent' is none of critical, high"),
        ({"match": {"family": "shop"}}, "match.family: 'shop' is none of"),
        ({"for": None}, "for: say how long, like 2h"),
        ({"ends_at": "2026-11-24T00:00:00Z"}, "for: say how long, like 2h, or name the end in ends_at; one of the two"),
        ({"for": "soon"}, "for: "),
        ({"for": 7200}, "for: 7200 is no length"),
        ({"for": "5s"}, "the silence would be shorter than a minute"),
        ({"for": "31d"}, "longer than 30 days; switch the rule off in sla.yaml instead"),
        ({"for": "99999999999999d"}, "is not a duration"),
        ({"for": "9999999d"}, "30 days"),
        ({"for": None, "ends_at": "2020-01-01T00:00:00Z"}, "ends_at: 2020-01-01T00:00:00+00:00 is past"),
        ({"for": None, "ends_at": "tomorrow"}, "ends_at: 'tomorrow' is not an ISO 8601 time"),
        ({"for": None, "ends_at": 7}, "ends_at: expected str"),
        ({"starts_at": "2026-11-23T10:00:00"}, "starts_at: '2026-11-23T10:00:00' has no zone"),
        ({"starts_at": "2030-01-01T00:00:00Z"}, "starts_at: is more than 30 days ahead"),
        ({"reason": None}, "reason: say why"),
        ({"reason": "  "}, "reason: say why"),
        ({"reason": "x" * 501}, "reason: has 501 characters; at most 500"),
        ({"until": "14:00"}, "'until' is no key of a silence; there are match, for, starts_at, ends_at, reason"),
    ],
)
def test_what_is_no_silence_is_refused_with_what_to_write(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SilenceError) as refused:
        read(**changes)
    assert says in str(refused.value)


@pytest.mark.parametrize("asked", [None, [], "F0", 7])
def test_what_is_no_object_is_refused(asked: Any) -> None:
    with pytest.raises(SilenceError):
        read_silence(asked, silence_id="silence-1", by="ann", now=NOW)


@pytest.mark.parametrize(
    ("match", "is_silenced"),
    [
        ({"rule": "F0"}, True),
        ({"rule": "F*"}, True),
        ({"rule": ["A2", "F0"]}, True),
        ({"rule": "F"}, False),
        ({"rule": "F0", "journey": GA}, True),
        ({"rule": "F0", "journey": "vip_member_discount"}, False),
        ({"severity": "critical"}, True),
        ({"severity": ["high", "medium"]}, False),
        ({"location": "us-east"}, False),
        ({"rule": "*"}, True),
    ],
)
def test_an_alert_is_silenced_where_every_key_matches(match: dict[str, Any], is_silenced: bool) -> None:
    assert (silence_of(an_alert(), [read(match=match)], NOW) is not None) is is_silenced
    assert silence_of(an_alert(), [read(match=match)], NOW + 2 * HOUR) is None
    assert set(read_match(match)) == set(match)


def test_of_two_silences_the_one_that_ends_last_counts() -> None:
    short, long = read(**{"for": "1h"}), replace(read(), id="silence-2")
    assert silence_of(an_alert(), [long, short], NOW) == silence_of(an_alert(), [short, long], NOW) == long


def test_what_is_silenced_before_it_fires_is_told_to_nobody_and_why_is_kept() -> None:
    machine = a_machine()
    silenced(machine, for_s=3600)
    minutes(machine, 30, quorum())
    assert machine.alert(F0).state is AlertState.FIRING
    assert machine.incidents == {}
    (held,) = machine.notifications.values()
    assert (held.state, held.hold) == (NotificationState.SUPPRESSED, HoldReason.SILENCE)
    assert str(held.reason).endswith("UTC: deploy")
    minutes(machine, 5, clear())
    assert [n.state for n in machine.notifications.values()] == [NotificationState.SUPPRESSED]


def test_what_still_fires_when_the_silence_is_over_is_told_and_escalates_from_then_on() -> None:
    machine = a_machine()
    silenced(machine, for_s=1200)
    minutes(machine, 19, quorum())
    assert machine.told("slack") == []
    minutes(machine, 2, quorum())
    assert machine.told("slack") == ["firing"]
    assert machine.told("cto/sms") == []
    minutes(machine, 5, quorum())
    assert machine.told("cto/sms") == ["firing"]


def test_of_an_incident_that_was_told_a_silence_holds_back_calls_and_news_but_not_the_end() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    assert (machine.told("slack"), machine.told("ann/sms")) == (["firing"], ["firing"])
    silenced(machine, for_s=3600, rule="*")
    minutes(machine, 40, quorum())
    assert machine.told("cto/sms") == machine.told("ceo/sms") == []
    assert machine.pending() == []
    minutes(machine, 1, clear())
    assert machine.told("slack") == machine.told("ann/sms") == ["firing", "resolved"]


def test_a_ladder_that_a_silence_ended_begins_again_after_it_unless_somebody_acknowledged() -> None:
    for acknowledges in (False, True):
        machine = a_machine()
        minutes(machine, 1, quorum())
        silenced(machine, for_s=1800)
        minutes(machine, 29, quorum())
        if acknowledges:
            machine.ack(F0)
        machine.audit()
        assert machine.pending() == []
        minutes(machine, 7, quorum())
        assert (machine.told("cto/sms") == ["firing"]) is not acknowledges
        newest = max(row.round for row in machine.ladder.values())
        assert newest == (1 if acknowledges else 2)


def test_a_silence_that_ends_before_the_next_tier_changes_no_call() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    silenced(machine, for_s=60)
    minutes(machine, 6, quorum())
    assert machine.told("cto/sms") == ["firing"]
    assert {row.status for row in machine.ladder.values()} >= {LadderStatus.DONE}
    assert LadderStatus.CANCELLED not in {row.status for row in machine.ladder.values()}


def test_a_silence_of_one_rule_leaves_the_others_of_the_incident_heard() -> None:
    machine = a_machine()
    silenced(machine, for_s=3600, rule="F0")
    minutes(machine, 1, quorum(), breach("A2", None))
    assert machine.told("slack") == ["firing"]
    (incident,) = machine.incidents.values()
    assert incident.alerts == ("A2.1",)
