"""Maintenance windows: when they are, what they cover, what is held and skipped, and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.directory import Directory
from alerts.maintenance import announcements, ended_early, planned, under_way, wrong_with_rule
from alerts.suppress import suppressed
from alerts.windows import Maintenance, moment_of
from facts import Alert, HoldReason, NotificationState, PlannedMaintenance, why_skipped
from tests.alerts.builders import GA, NOW, Machine, a_policy, breach, clear
from tests.alerts.test_ladder import a_machine, called, minutes, quorum

CHICAGO, NEW_YORK = ZoneInfo("America/Chicago"), ZoneInfo("America/New_York")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_window(**facts: Any) -> Maintenance:
    """One that begins at NOW and lasts two hours."""
    return Maintenance(
        **{
            "name": "deploy",
            "start": NOW.replace(tzinfo=None),
            "duration": 2 * HOUR,
            "reason": "a new version",
            "zone": ZoneInfo("UTC"),
            **facts,
        }
    )


def test_a_window_without_a_rule_is_once() -> None:
    window = a_window()
    assert window.between(NOW - 10 * DAY, NOW + 400 * DAY) == [(NOW, NOW + 2 * HOUR)]
    assert window.active(NOW) == (NOW, NOW + 2 * HOUR)
    assert window.active(NOW + 2 * HOUR - timedelta(seconds=1)) is not None
    assert window.active(NOW + 2 * HOUR) is None
    assert window.active(NOW - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("rule", "start", "begins"),
    [
        # New York goes to summer time on 8 March 2026: 02:00 at -5 is 07:00 UTC, at -4 it is 06:00 UTC.
        ("FREQ=DAILY", "2026-03-06T04:00", ["2026-03-07T09:00", "2026-03-08T08:00", "2026-03-09T08:00"]),
        # 02:30 is skipped on that day: the first moment that exists after it is 03:00.
        ("FREQ=DAILY", "2026-03-06T02:30", ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"]),
        ("FREQ=WEEKLY;BYDAY=SU", "2026-03-01T04:00", ["2026-03-08T08:00"]),
        ("RRULE:FREQ=DAILY;COUNT=2", "2026-03-06T04:00", ["2026-03-07T09:00"]),
    ],
)
def test_a_rule_is_of_the_wall_clock_also_on_the_day_with_23_hours(rule: str, start: str, begins: list[str]) -> None:
    window = a_window(rrule=rule, start=datetime.fromisoformat(start), zone=NEW_YORK)
    found = window.between(utc("2026-03-06T12:00"), utc("2026-03-09T12:00"))
    assert [starts for starts, _ in found] == [utc(one) for one in begins]
    assert {ends - starts for starts, ends in found} == {2 * HOUR}


def test_a_time_that_comes_twice_is_the_first_of_the_two_on_the_day_with_25_hours() -> None:
    window = a_window(rrule="FREQ=DAILY", start=datetime.fromisoformat("2026-10-30T01:30"), zone=NEW_YORK)
    found = window.between(utc("2026-10-31T00:00"), utc("2026-11-02T12:00"))
    assert [starts for starts, _ in found] == [
        utc("2026-10-31T05:30"),
        utc("2026-11-01T05:30"),
        utc("2026-11-02T06:30"),
    ]


def test_a_window_of_a_day_is_24_hours_on_a_day_with_25() -> None:
    window = a_window(start=datetime.fromisoformat("2026-11-01T00:00"), duration=24 * HOUR, zone=CHICAGO)
    ((starts, ends),) = window.between(utc("2026-10-30T00:00"), utc("2026-11-03T00:00"))
    assert (starts, ends) == (utc("2026-11-01T05:00"), utc("2026-11-02T05:00"))
    assert ends.astimezone(CHICAGO).hour == 23


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
def test_every_wall_time_of_a_year_has_a_moment_that_shows_it_or_the_next_that_exists(zone: str) -> None:
    wall = datetime.fromisoformat("2011-12-20")
    while wall < datetime.fromisoformat("2012-12-20"):
        moment = moment_of(wall, ZoneInfo(zone))
        shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert timedelta(0) <= shown - wall <= timedelta(hours=24)
        wall += timedelta(minutes=210)


def an_alert(rule: str = "F0", journey: str | None = GA, subject: str | None = None) -> Alert:
    machine = Machine()
    machine.tick(breach(rule, journey, subject=subject))
    return next(iter(machine.alerts.values()))


@pytest.mark.parametrize(
    ("rule", "journey", "subject", "covers", "expected"),
    [
        ("F0", GA, None, {}, True),
        ("H4", None, "dallas/ga", {}, True),
        ("W4", None, None, {}, False),
        ("F0", GA, None, {"journeys": (GA,)}, True),
        ("F0", "vip_member_discount", None, {"journeys": (GA,)}, False),
        ("H4", None, "dallas/ga", {"journeys": (GA,)}, False),
        ("F3", GA, "us-east", {"locations": ("us-east",)}, True),
        ("F3", GA, "us-west", {"locations": ("us-east",)}, False),
        ("F0", GA, None, {"locations": ("us-east",)}, False),
        ("W1", None, "us-east", {"locations": ("us-east",)}, True),
        ("F3", GA, "us-east", {"locations": ("us-east",), "journeys": ("vip_member_discount",)}, False),
    ],
)
def test_what_a_window_covers(
    rule: str, journey: str | None, subject: str | None, covers: dict[str, Any], expected: bool
) -> None:
    alert = an_alert(rule, journey, subject)
    policy = a_policy(maintenance=(a_window(**covers),))
    hold = suppressed(alert, policy, NOW + HOUR)
    assert (hold is not None) is expected
    if hold is not None:
        assert (hold.reason, hold.until) == (HoldReason.MAINTENANCE, NOW + 2 * HOUR)
        assert hold.says == f"maintenance deploy until {NOW + 2 * HOUR:%Y-%m-%d %H:%M} UTC: a new version"
    assert suppressed(alert, policy, NOW + 3 * HOUR) is None


def test_of_windows_that_overlap_the_one_that_ends_last_is_named() -> None:
    policy = a_policy(maintenance=(a_window(name="long", duration=5 * HOUR), a_window()))
    hold = suppressed(an_alert(), policy, NOW + HOUR)
    assert hold is not None
    assert hold.until == NOW + 5 * HOUR


def test_an_alert_in_a_window_is_opened_and_told_to_nobody_with_its_reason() -> None:
    machine = Machine(a_policy(maintenance=(a_window(),)))
    machine.tick(breach())
    assert machine.alert(f"F0/{GA}").state.value == "firing"
    assert {(n.state, n.hold) for n in machine.notifications.values()} == {
        (NotificationState.SUPPRESSED, HoldReason.MAINTENANCE)
    }
    assert machine.incidents == {}


def test_a_maintenance_window_holds_step_1_and_sends_it_after() -> None:
    machine = a_machine(maintenance=(a_window(),))
    minutes(machine, 119, quorum())
    assert called(machine, "ann", "bob", "cto") == {"ann": 0, "bob": 0, "cto": 0}
    minutes(machine, 2, quorum())
    assert called(machine, "ann", "bob", "cto") == {"ann": 1, "bob": 1, "cto": 0}


def test_what_was_over_within_the_window_was_never_news() -> None:
    machine = a_machine(maintenance=(a_window(),))
    minutes(machine, 30, quorum())
    machine.tick(clear())
    minutes(machine, 120, clear())
    assert [n for n in machine.notifications.values() if n.state is not NotificationState.SUPPRESSED] == []


def test_an_escalation_that_a_window_interrupts_goes_on_after_it() -> None:
    machine = a_machine()
    minutes(machine, 1, quorum())
    window = a_window(start=(machine.now + timedelta(minutes=2)).replace(tzinfo=None), duration=HOUR)
    machine.policy = replace(machine.policy, maintenance=(window,))
    minutes(machine, 50, quorum())
    assert called(machine, "cto", "ceo") == {"cto": 0, "ceo": 0}
    minutes(machine, 20, quorum())
    assert called(machine, "cto") == {"cto": 1}


def test_a_runner_is_told_of_what_is_under_way_and_of_two_days_ahead_at_its_location() -> None:
    daily = a_window(rrule="FREQ=DAILY", locations=("us-east",), journeys=(GA,))
    told = planned([daily, a_window(name="other", locations=("us-west",))], "us-east", NOW + HOUR)
    assert [one.starts_at - NOW for one in told] == [timedelta(0), DAY, 2 * DAY]
    assert told[0] == PlannedMaintenance(starts_at=NOW, ends_at=NOW + 2 * HOUR, reason="a new version", journeys=(GA,))
    assert planned([daily], "eu-west", NOW) == ()


@pytest.mark.parametrize(
    ("journey", "after", "is_skipped"),
    [
        (GA, timedelta(0), True),
        (GA, 2 * HOUR - timedelta(seconds=1), True),
        (GA, 2 * HOUR, False),
        (GA, -timedelta(seconds=1), False),
        ("vip_member_discount", HOUR, False),
    ],
)
def test_a_slot_in_a_window_is_skipped_with_the_reason(journey: str, after: timedelta, is_skipped: bool) -> None:
    told = planned([a_window(journeys=(GA,))], "us-east", NOW)
    why = why_skipped(told, journey, NOW + after)
    assert why == (f"maintenance until {NOW + 2 * HOUR:%Y-%m-%d %H:%M} UTC: a new version" if is_skipped else None)


def test_beginning_and_end_are_announced_once_each_with_ids_that_stay() -> None:
    policy = a_policy(maintenance=(a_window(announce=("ops", "mail"), zone=ZoneInfo("UTC")),))
    assert announcements(policy, NOW - timedelta(seconds=1)) == ()
    begun = announcements(policy, NOW + timedelta(seconds=5))
    assert [(one.destination, one.kind.value) for one in begun] == [("ops", "update"), ("mail", "update")]
    assert begun[0].message["headline"].startswith("Maintenance until ")
    assert {one.id for one in announcements(policy, NOW + HOUR)} == {one.id for one in begun}
    over = announcements(policy, NOW + 2 * HOUR)
    assert [one.message["headline"] for one in over if one.kind.value == "resolved"] == [
        "Maintenance is over: a new version"
    ] * 2
    assert announcements(policy, NOW + 4 * HOUR) == (), "a hub that comes much later announces nothing"


ENDED = "Maintenance was ended early: a new version"


@pytest.mark.parametrize(
    ("now", "windows", "told"),
    [
        (HOUR, (), [("ops", ENDED)]),
        (HOUR, ({},), []),
        (HOUR, ({"name": "another"},), [("ops", ENDED)]),
        (HOUR, ({"announce": ()},), [("ops", ENDED)]),
        (HOUR, ({"duration": 0.5 * HOUR},), [("ops", ENDED)]),
        (HOUR, ({"duration": 3 * HOUR},), []),
        (2 * HOUR, (), [("ops", "Maintenance is over: a new version")]),
        (3.5 * HOUR, (), []),
        (-HOUR, (), []),
    ],
)
def test_a_window_that_is_taken_out_while_it_is_under_way_gets_its_end_announced(
    now: timedelta, windows: tuple[dict[str, Any], ...], told: list[tuple[str, str]]
) -> None:
    usual = {"announce": ("ops",), "zone": ZoneInfo("UTC")}
    before = under_way(a_policy(maintenance=(a_window(**usual),)), NOW + timedelta(minutes=1))
    policy = a_policy(maintenance=tuple(a_window(**{**usual, **changes}) for changes in windows))
    owed = ended_early(before, policy, NOW + now)
    assert [(one.destination, one.message["headline"]) for one in owed] == told


def test_a_destination_that_was_taken_out_too_is_told_nothing() -> None:
    window = a_window(announce=("ops", "gone"), zone=ZoneInfo("UTC"))
    before = under_way(a_policy(maintenance=(window,)), NOW)
    policy = a_policy(directory=Directory(destinations=frozenset({"ops"})))
    assert [one.destination for one in ended_early(before, policy, NOW + HOUR)] == ["ops"]


def test_the_end_at_its_time_is_announced_once() -> None:
    policy = a_policy(maintenance=(a_window(announce=("ops",), zone=ZoneInfo("UTC")),))
    over = NOW + 2 * HOUR
    early = ended_early(under_way(policy, NOW), policy, over)
    assert {one.id for one in early} == {one.id for one in announcements(policy, over) if one.order == 2}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0, which is no number from 1 to"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1, which is no number from 1 to"),
        ("FREQ=DAILY;INTERVAL=99999999999999999999", "which is no number from 1 to"),
        ("FREQ=DAILY;COUNT=99999999999", "COUNT=99999999999, which is no number from 1 to"),
        ("FREQ=DAILY;FREQ=SECONDLY", "has no FREQ of DAILY"),
        ("FREQ=SECONDLY;FREQ=DAILY", "stands there twice"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,10,20,30,40", "comes 25 times a day"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=99", "never comes"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes"),
        ("FREQ=WEEKLY;UNTIL=20200101T000000Z", "write UNTIL=20200101T000000"),
        ("FREQ=DAILY\nRDATE:20260101T000000", "has no FREQ of DAILY"),
        ("FREQ=DAILY;" + "BYDAY=MO," * 500, "has 4511 characters"),
    ],
)
def test_a_rule_that_would_keep_the_hub_busy_for_ever_is_refused(rule: str, told: str) -> None:
    said = wrong_with_rule(rule, datetime.fromisoformat("2026-01-06T02:00"))
    assert said is not None
    assert told in said


@pytest.mark.parametrize(
    ("rule", "last"),
    [("FREQ=DAILY;COUNT=3", "2026-01-08"), ("FREQ=DAILY;UNTIL=20260107T020000", "2026-01-07"), ("FREQ=DAILY", None)],
)
def test_a_rule_ends_where_it_says(rule: str, last: str | None) -> None:
    window = a_window(rrule=rule, start=datetime.fromisoformat("2026-01-06T02:00"))
    found = [starts for starts, _ in window.between(utc("2026-01-01T00:00"), utc("2026-02-01T00:00"))]
    assert found[-1] == utc(f"{last or '2026-01-31'}T02:00")
